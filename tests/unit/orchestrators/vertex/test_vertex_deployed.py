"""What is kept below the pipeline root."""

from __future__ import annotations

import secrets

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.objects.opening import open_objects
from mlopsctl.orchestrators.contract import Bundle, Wanted
from mlopsctl.orchestrators.vertex.deployed import MARKER, Kept, Left, Marker

pytestmark = pytest.mark.unit


@pytest.fixture
def kept() -> Kept:
    return Kept(open_objects(f"memory://{secrets.token_hex(8)}/root/mlopsctl/churn"))


def wanted(main: bytes = b"{}") -> Wanted:
    return Wanted("churn", "churn", "prod", Bundle({"pipeline.yaml": main}, "pipeline.yaml"))


def test_nothing_is_marked_at_first(kept: Kept) -> None:
    assert kept.marker() == (None, None)
    assert kept.remove() == 0


def test_a_marker_comes_back_as_it_was_written(kept: Kept) -> None:
    marker = Marker("churn", "prod", "sha256:1", {"nightly": Left("projects/p/schedules/1", "sha256:1", "a", "b")})
    kept.mark(marker, None)
    assert kept.marker()[0] == marker


def test_a_version_is_written_once(kept: Kept) -> None:
    assert kept.keep(wanted()) is True
    assert kept.keep(wanted()) is False
    assert kept.keep(wanted(b"other")) is True
    assert kept.remove() == 2


def test_a_version_that_was_changed_is_told(kept: Kept) -> None:
    kept.keep(wanted())
    name = next(one.name for one in kept.place.list(""))
    kept.place.remove(name)
    from mlopsctl.objects.content import Content

    kept.place.create(name, Content.of(b"other"))
    with pytest.raises(StepProblem, match="holds something else"):
        kept.keep(wanted())


@pytest.mark.parametrize("text", [b"", b"[]", b'{"format": 2}', b"\xff"])
def test_a_marker_of_another_version_is_told(kept: Kept, text: bytes) -> None:
    from mlopsctl.objects.content import Content

    kept.place.create(MARKER, Content.of(text))
    with pytest.raises(StepProblem, match="not a file of this version"):
        kept.marker()


@pytest.mark.parametrize(("project", "environment", "ours"), [("churn", "prod", True), ("churn", "dev", False)])
def test_a_marker_knows_whose_it_is(project: str, environment: str, ours: bool) -> None:
    assert Marker(project, environment).is_of(wanted()) is ours
