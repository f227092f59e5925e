"""DAGs in a Composer bucket: replaced only as they were seen, the plan before the DAG file, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("google.cloud.storage", reason="the environment of the cloud tests is needed")

from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.objects import patience
from mlopsctl.objects.content import Content
from mlopsctl.objects.contract import Stored
from mlopsctl.objects.gcs import GoogleObjects
from mlopsctl.orchestrators.airflow.bucket import BucketOfDags
from tests.doubles.gcs import CloudStorage, Refuse, Reset

pytestmark = pytest.mark.integration

BUCKET = "europe-composer-bucket"
URL = f"gs://{BUCKET}/dags"
FILES = {"churn.py": b"dag = 1\n", "churn.json": b"{}\n"}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudStorage]:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.02)
    with CloudStorage([BUCKET]) as running:
        running.put(BUCKET, "dags/other.py", b"theirs")
        yield running


def contents(cloud: CloudStorage) -> dict[str, bytes]:
    return {name: kept.content for name, kept in cloud.buckets[BUCKET].items()}


def test_two_objects_are_written_in_order_and_only_once(cloud: CloudStorage) -> None:
    dags = BucketOfDags(URL)
    assert dags.read(FILES) == {}
    dags.write(FILES, "why")
    assert BucketOfDags(URL).read(FILES) == FILES
    assert list(contents(cloud)) == ["dags/other.py", "dags/churn.json", "dags/churn.py"]
    with cloud.counted() as asked:
        BucketOfDags(URL).write(FILES, "why")
    assert not [one for one in asked if not one.startswith("GET ")]


def test_removing_takes_our_objects_only_the_dag_file_first(cloud: CloudStorage) -> None:
    BucketOfDags(URL).write(FILES, "why")
    assert BucketOfDags(URL).remove(FILES, "why") == ("churn.py", "churn.json")
    assert BucketOfDags(URL).remove(FILES, "why") == ()
    assert contents(cloud) == {"dags/other.py": b"theirs"}


class Contended(GoogleObjects):
    """Objects that somebody else writes between our look and our writing, so often."""

    def __init__(self, url: str, cloud: CloudStorage, times: int) -> None:
        super().__init__(url)
        self._cloud, self._times = cloud, times

    def about(self, name: str) -> Stored | None:
        seen = super().about(name)
        if self._times:
            self._times -= 1
            self._cloud.put(BUCKET, f"dags/{name}", b"by hand")
        return seen

    def replace(self, name: str, content: Content, seen: Stored | None = None) -> None:
        assert seen is not None
        super().replace(name, content, seen)


def test_an_object_that_changed_meanwhile_is_looked_at_again(cloud: CloudStorage) -> None:
    BucketOfDags(URL, lambda url: Contended(url, cloud, 2)).write(FILES, "why")
    assert BucketOfDags(URL).read(FILES) == FILES


def test_an_object_that_changes_all_the_time_is_left_alone_and_told(cloud: CloudStorage) -> None:
    with pytest.raises(StepProblem, match="somebody else writes"):
        BucketOfDags(URL, lambda url: Contended(url, cloud, 99)).write(FILES, "why")
    assert contents(cloud)["dags/churn.json"] == b"by hand"
    assert "dags/churn.py" not in contents(cloud)


@pytest.mark.parametrize("fault", [Refuse(429), Refuse(500), Refuse(503), Reset(), Reset(after=True)])
@pytest.mark.parametrize("match", ["GET /", "POST /upload"])
def test_what_passes_is_waited_for(cloud: CloudStorage, match: str, fault: Refuse | Reset) -> None:
    cloud.fault(match, fault, 2)
    BucketOfDags(URL).write(FILES, "why")
    assert BucketOfDags(URL).read(FILES) == FILES


@pytest.mark.parametrize(
    "fault", [Refuse(401), Refuse(403), Refuse(404), Refuse(429), Refuse(500), Refuse(503), Reset()]
)
@pytest.mark.parametrize("match", ["GET /", "POST /upload"])
def test_what_lasts_is_said_and_nothing_is_half_made(cloud: CloudStorage, match: str, fault: Refuse | Reset) -> None:
    cloud.fault(match, fault, 1_000)
    missing = match == "GET /" and fault == Refuse(404)
    if not missing:  # an object that is not found is one to be made
        with pytest.raises(Problem) as refused:
            BucketOfDags(URL).write(FILES, "why")
        assert URL in refused.value.diagnostics[0].message
        assert refused.value.diagnostics[0].hint
        assert contents(cloud) == {"dags/other.py": b"theirs"}
    cloud.faults.clear()
    BucketOfDags(URL).write(FILES, "why")
    assert BucketOfDags(URL).read(FILES) == FILES


def test_a_bucket_that_is_not_there_is_said(cloud: CloudStorage) -> None:
    with pytest.raises(Problem, match="no such bucket"):
        BucketOfDags("gs://nowhere-at-all/dags").write(FILES, "why")
