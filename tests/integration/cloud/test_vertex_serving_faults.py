"""Every call of a release to Vertex AI fails in every way: in the end one endpoint, one new version, right traffic."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="the environment of the cloud tests is needed")

from mlopsctl.ground.errors import Problem
from mlopsctl.servers.rollout import Steps
from tests.doubles.google_faults import Faults
from tests.integration.cloud.serving_case import Case, a_case, digest

API = "aiplatform.projects.locations."
OFTEN = 1_000
CANARY = Steps((50, 100), 1.0)
CALLS = (
    "endpoints.list",
    "models.get",
    "models.listVersions",
    "models.upload",
    "operations.get",
    "endpoints.operations.get",
    "endpoints.deployModel",
    "endpoints.patch",
    "endpoints.predict",
    "endpoints.undeployModel",
)
WAYS: dict[str, Callable[..., None]] = {
    "refused": Faults.refused,
    "too many": Faults.too_many,
    "broken": Faults.broken,
    "reset": Faults.reset,
    "reply lost": Faults.lose_reply,
}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Two releases stand: the second serves."""
    with a_case(tmp_path) as running:
        running.release(1, Steps())
        running.release(2, CANARY, keep_previous=False)
        yield running


@pytest.mark.parametrize("polls", [0, 1], ids=["done at once", "done when asked"])
@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_fails_once_leaves_nothing_twice(way: str, polls: int, case: Case) -> None:
    for call in CALLS:
        with again(case, polls):
            told = _released(case, partial(WAYS[way], case.double.faults, API + call))
            _stands(case, f"{way} {call}, {told}")
            assert way == "refused" or not told, f"{way} of {call} passes, and the release gave up: {told}"


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_keeps_failing_is_said_and_the_next_apply_finishes(way: str, case: Case) -> None:
    for call in CALLS:
        with again(case, polls=1):
            told = _released(case, partial(WAYS[way], case.double.faults, API + call, times=OFTEN))
            _stands(case, f"{way} {call}")
            if told:
                assert "127.0.0.1:" in told, f"{way} {call}: {told}"
                assert "cannot " in told, f"{way} {call}: {told}"


def test_random_faults_leave_nothing_twice(case: Case) -> None:
    for seed in range(25):
        chance = random.Random(seed)

        def strike(chance: random.Random = chance) -> None:
            for _ in range(chance.randint(1, 6)):
                way, call = chance.choice(list(WAYS)), chance.choice(CALLS)
                WAYS[way](case.double.faults, API + call, times=chance.choice((1, 2, 8)), after=chance.randrange(6))

        with again(case, chance.randrange(3)):
            _released(case, strike)
            _stands(case, f"seed {seed}")


@contextmanager
def again(case: Case, polls: int) -> Iterator[None]:
    """The case as it stands, and so again afterwards."""
    vertex = case.vertex
    kept = copy.deepcopy((vertex.models.versions, vertex.endpoints.endpoints, vertex.operations))
    vertex.polls = polls
    yield
    vertex.models.versions, vertex.endpoints.endpoints, vertex.operations = kept
    case.double.faults.clear()


def _released(case: Case, strike: Callable[[], None]) -> str:
    """A third release with faults, and again without where it failed; what was said, if anything."""
    strike()
    told = []
    for _ in range(20):
        try:
            case.release(3, CANARY, keep_previous=False)
            break
        except Problem as problem:
            told.append(str(problem))
            assert problem.exit_code != 0
            assert problem.diagnostics[0].hint, problem
            case.double.faults.clear()
    return "; ".join(told)


def _stands(case: Case, what: str) -> None:
    assert len(case.vertex.endpoints.endpoints) == 1, what
    assert case.versions() == [digest(1), digest(2), digest(3)], what
    assert case.traffic() == {digest(3): 100}, what


@pytest.mark.parametrize("polls", [0, 1], ids=["done at once", "done when asked"])
@pytest.mark.parametrize("way", WAYS)
def test_the_first_release_makes_one_endpoint_and_one_model_whatever_fails(
    way: str, polls: int, tmp_path: Path
) -> None:
    with a_case(tmp_path, polls=polls) as case:
        for call in ("endpoints.create", "models.upload", "endpoints.deployModel"):
            case.vertex.endpoints.endpoints.clear()
            case.vertex.models.versions.clear()
            told = _released(case, partial(WAYS[way], case.double.faults, API + call))
            assert way == "refused" or not told, told
            assert len(case.vertex.endpoints.endpoints) == 1
            assert case.versions() == [digest(3)]
            assert case.traffic() == {digest(3): 100}
