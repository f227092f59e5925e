"""Images by Cloud Build, against a stand-in made from Google's own description of the API, with everything that goes
wrong between here and there; the files go through a stand-in of Cloud Storage."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

pytest.importorskip("google.cloud.devtools.cloudbuild_v1", reason="the environment of the cloud tests is needed")
pytest.importorskip("google.cloud.storage", reason="the environment of the cloud tests is needed")

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.images import cloud_build
from mlopsctl.delivery.images.make import PushedImage, push_image
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.own_package import OwnPackage
from mlopsctl.lowering import image_context as context_module
from mlopsctl.lowering.image import image_problems
from mlopsctl.objects import patience
from tests.doubles.cloud_build import CloudBuilds, building
from tests.doubles.gcs import EMULATOR, CloudStorage, Refuse, Reset

BUCKET = "p-1234_cloudbuild"
CREATE = "cloudbuild.projects.builds.create"
PROJECT = """version: 1
name: things
data:
  numbers: {{source: {{kind: python, entrypoint: "rows:load"}}}}
orchestrator:
  kind: kfp
  host: https://kfp.example
  image:
    name: europe-docker.pkg.dev/p-1234/team/things
    build: cloud_build
    project: p-1234
    api_endpoint: "{base}"
    {more}
"""


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(cloud_build, "_SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(context_module, "own_package", lambda: OwnPackage("1.2.3", released=True))


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudStorage]:
    with CloudStorage([BUCKET, "elsewhere"]) as running:
        monkeypatch.setenv(EMULATOR, running.url)
        yield running


@pytest.fixture
def builds(storage: CloudStorage) -> Iterator[CloudBuilds]:
    with building() as running:
        yield running


def loaded(folder: Path, builds: CloudBuilds, *more: str) -> Loaded:
    (folder / "rows.py").write_text("def load(): ...\n")
    (folder / "mlops.yaml").write_text(PROJECT.format(base=builds.base, more="\n    ".join(more)))
    return load_project(folder)


def push(project: Loaded, **settings: bool) -> tuple[PushedImage, list[str]]:
    said: list[str] = []
    return push_image(project, said.append, **settings), said


def creations(builds: CloudBuilds) -> int:
    return builds.double.made().count(CREATE)


def fails(project: Loaded) -> tuple[str, str]:
    with pytest.raises(Problem) as caught:
        push_image(project, lambda line: None)
    found = caught.value.diagnostics[0]
    return found.message, found.hint


def test_the_files_are_handed_over_built_and_pinned(tmp_path: Path, builds: CloudBuilds, storage: CloudStorage) -> None:
    project = loaded(tmp_path, builds)
    pushed, said = push(project)
    (build,) = builds.builds
    (tag,) = build["images"]
    assert tag.startswith("europe-docker.pkg.dev/p-1234/team/things:mlopsctl-")
    assert pushed.digest == builds.digest_of(tag)
    assert list(image_problems(project)) == []
    assert build["options"] == {"logging": "CLOUD_LOGGING_ONLY"}
    assert build["timeout"] == "3600s"
    words = build["steps"][0]["args"]
    assert words[:5] == ["build", "--file", ".mlopsctl/Dockerfile", "--tag", tag]
    assert words[-1] == "."
    assert _handed_over(storage, build) == [".mlopsctl/Dockerfile", ".mlopsctl/mlopsctl.txt", "rows.py"]
    assert any("https://console.cloud.google.com/cloud-build/builds/" in line for line in said)


def test_a_second_push_calls_nothing_and_one_without_the_lock_finds_the_build(
    tmp_path: Path, builds: CloudBuilds
) -> None:
    project = loaded(tmp_path, builds)
    first, _ = push(project)
    before = len(builds.double.calls)
    assert not push(project)[0].fresh
    assert len(builds.double.calls) == before
    (tmp_path / "images.lock.yaml").unlink()
    found, said = push(project)
    assert found.digest == first.digest
    assert creations(builds) == 1
    assert "Following build" in said[0]
    push(project, again=True)
    assert creations(builds) == 2


def test_a_build_that_goes_on_is_followed(tmp_path: Path, builds: CloudBuilds, monkeypatch: pytest.MonkeyPatch) -> None:
    project = loaded(tmp_path, builds)

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(cloud_build, "_followed", stop)
        with pytest.raises(KeyboardInterrupt):
            push_image(project, lambda line: None)
    push(project)
    assert len(builds.builds) == 1


def test_the_settings_arrive(tmp_path: Path, builds: CloudBuilds, storage: CloudStorage) -> None:
    more = ("staging: gs://elsewhere/a/b/", "service_account: builder@p-1234.iam.gserviceaccount.com", "timeout: 20m",
            "logs: gs://elsewhere/logs", "machine: E2_HIGHCPU_8", "location: europe-west4")  # fmt: skip
    push(loaded(tmp_path, builds, *more))
    (build,) = builds.builds
    assert build["options"] == {"logging": "GCS_ONLY", "machineType": "E2_HIGHCPU_8"}
    assert build["timeout"] == "1200s"
    assert build["logsBucket"] == "gs://elsewhere/logs"
    assert build["serviceAccount"] == "projects/p-1234/serviceAccounts/builder@p-1234.iam.gserviceaccount.com"
    source = build["source"]["storageSource"]
    assert source["bucket"] == "elsewhere"
    assert source["object"].startswith("a/b/")
    called = {f"cloudbuild.projects.locations.builds.{name}" for name in ("list", "create", "get")}
    assert set(builds.double.made()) == called


# What goes wrong


def test_a_build_that_fails_says_where_its_log_is(tmp_path: Path, builds: CloudBuilds) -> None:
    builds.ends = "FAILURE"
    project = loaded(tmp_path, builds)
    message, hint = fails(project)
    assert "failure: step 0 exited with non-zero status: 1" in message
    assert "https://console.cloud.google.com/cloud-build/builds/" in hint
    assert not (tmp_path / "images.lock.yaml").exists()
    builds.ends = "SUCCESS"
    push(project)
    assert len(builds.builds) == 2


def test_a_build_without_a_digest_pins_nothing(tmp_path: Path, builds: CloudBuilds) -> None:
    builds.says_digest = False
    assert "does not say its digest" in fails(loaded(tmp_path, builds))[0]
    assert not (tmp_path / "images.lock.yaml").exists()


def test_a_permission_that_is_missing_is_said_once(tmp_path: Path, builds: CloudBuilds) -> None:
    builds.double.faults.refused(CREATE, "cloudbuild.builds.create", times=9)
    message, hint = fails(loaded(tmp_path, builds))
    assert "cannot begin a build in p-1234" in message
    assert "answers 403" in message
    assert "roles/cloudbuild.builds.editor" in hint
    assert creations(builds) == 1


@pytest.mark.parametrize("what", ["too_many", "broken", "reset", "lose_reply"])
@pytest.mark.parametrize("method", ["list", "create", "get"])
def test_what_passes_is_waited_for_and_nothing_is_built_twice(
    tmp_path: Path, builds: CloudBuilds, what: str, method: str
) -> None:
    fault: Any = getattr(builds.double.faults, what)
    settings = {"retry_after": 0} if what == "too_many" else {}
    fault(f"cloudbuild.projects.builds.{method}", times=2, **settings)
    pushed, _ = push(loaded(tmp_path, builds))
    assert pushed.fresh
    assert builds.double.faults.struck
    assert len(builds.builds) == 1


def test_what_does_not_pass_is_said_with_host_and_tries(tmp_path: Path, builds: CloudBuilds) -> None:
    builds.double.faults.broken(CREATE, times=99)
    message, hint = fails(loaded(tmp_path, builds))
    assert f"{builds.base.removeprefix('http://')} answers 500 ({patience.TRIES} tries)" in message
    assert "push again later" in hint
    assert not (tmp_path / "images.lock.yaml").exists()
    builds.double.faults.clear()
    push(loaded(tmp_path, builds))
    assert len(builds.builds) == 1


def test_a_server_that_is_not_there_is_said(tmp_path: Path, builds: CloudBuilds) -> None:
    project = loaded(tmp_path, builds)
    (tmp_path / "mlops.yaml").write_text(
        (tmp_path / "mlops.yaml").read_text().replace(builds.base, "http://127.0.0.1:9")
    )
    message, _ = fails(load_project(project.folder))
    assert "127.0.0.1:9 cannot be reached" in message


@pytest.mark.parametrize("fault", [Refuse(503), Reset(), Reset(after=True)])
def test_an_upload_that_is_disturbed_arrives_once_and_whole(
    tmp_path: Path, builds: CloudBuilds, storage: CloudStorage, fault: Any
) -> None:
    storage.fault("POST /upload", fault)
    push(loaded(tmp_path, builds))
    assert len(_handed_over(storage, builds.builds[0])) == 3


def test_a_bucket_that_refuses_is_said_and_nothing_is_built(
    tmp_path: Path, builds: CloudBuilds, storage: CloudStorage
) -> None:
    for _ in range(9):
        storage.fault("POST /upload", Refuse(403))
    message, hint = fails(loaded(tmp_path, builds))
    assert f"gs://{BUCKET}/mlopsctl/" in message
    assert "403" in message
    assert "roles/storage.objectUser" in hint
    assert builds.builds == []


def _handed_over(storage: CloudStorage, build: dict[str, Any]) -> list[str]:
    """The names of the files that Cloud Build finds in the object, in the generation that the build names."""
    source = build["source"]["storageSource"]
    name = source["object"].replace("/", "%2F")
    url = f"{storage.url}/storage/v1/b/{source['bucket']}/o/{name}?alt=media&generation={source['generation']}"
    with urlopen(url, timeout=10) as answer, tarfile.open(fileobj=BytesIO(answer.read())) as archive:
        return archive.getnames()
