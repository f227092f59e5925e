"""What steps cost: time at the prices of the environment, and nothing guessed where one of them is not known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.config.load import load_project
from mlopsctl.delivery.cost import Cost, cost, hourly, times_of
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.pipeline.ir import Pipeline, Resources, Step
from mlopsctl.step.task import StepState

HOUR = 3_600_000
BEGINNING = "version: 1\nname: p\ndata:\n  d: {source: {kind: csv, uri: d.csv}}\n"
VERTEX = (
    "orchestrator: {kind: vertex, project: acme-ml, location: europe-west4, pipeline_root: gs://acme-ml/runs, "
    "image: 'europe-west4-docker.pkg.dev/acme-ml/mlops/p@sha256:" + "0" * 64 + "', "
)


def step(id: str, resources: Resources = Resources()) -> Step:  # noqa: B008
    return Step(id, "own", 1, {}, {}, {}, resources=resources)


def hour_of(tmp_path: Path, prices: str, *steps: Step, more: str = "") -> Mapping[str, float]:
    (tmp_path / "mlops.yaml").write_text(f"{BEGINNING}prices: {{currency: EUR, per_hour: {prices}}}\n{more}")
    return hourly(load_project(tmp_path / "mlops.yaml").project, Pipeline("p", steps))


@pytest.mark.parametrize(
    ("prices", "asked", "costs"),
    [
        ("{step: 0.2}", Resources(), 0.2),
        ("{cpu: 0.04}", Resources(), None),
        ("{cpu: 0.04, step: 9}", Resources(cpu=2), 0.08),
        ("{cpu: 0.04}", Resources(cpu=2, memory=4 << 30), None),
        ("{cpu: 0.04, memory: 0.005}", Resources(cpu=0.5, memory=512 << 20), 0.0225),
        ("{step: 9, accelerators: {nvidia-tesla-t4: 0.35}}", Resources(accelerators={"nvidia-tesla-t4": 2}), 0.7),
        ("{step: 9, accelerators: {NVIDIA_TESLA_T4: 0.35}}", Resources(accelerators={"nvidia-tesla-t4": 2}), 0.7),
        ("{step: 9, accelerators: {nvidia-l4: 1}}", Resources(accelerators={"nvidia-tesla-t4": 1}), None),
        ("{step: 9}", Resources(accelerators={"nvidia-tesla-t4": 0}), 9.0),
        ("{step: 0}", Resources(), 0.0),
    ],
)
def test_a_step_is_priced_by_everything_that_it_asks_for_or_not_at_all(
    tmp_path: Path, prices: str, asked: Resources, costs: float | None
) -> None:
    found = hour_of(tmp_path, prices, step("a", asked))
    assert found == ({} if costs is None else {"a": pytest.approx(costs)})


def test_machines_of_google_cloud_are_priced_by_their_name(tmp_path: Path) -> None:
    more = (
        VERTEX
        + "machine_type: n1-standard-4, machines: {a: {machine_type: a2-highgpu-1g, accelerator: NVIDIA_TESLA_A100}, "
        "b: {machine_type: n1-standard-4, spot: true}}}\n"
    )
    steps = (step("a"), step("b"), step("c"), step("d", Resources(cpu=1)), step("e", Resources(memory=1 << 30)))
    prices = (
        "{step: 9, cpu: 0.04, machines: {n1-standard-4: 0.19, a2-highgpu-1g: 1}, accelerators: {nvidia-tesla-a100: 3}}"
    )
    # A spot machine is never priced as one that is not, and nothing is as a step without wishes.
    assert hour_of(tmp_path, prices, *steps, more=more) == {"a": 4.0, "c": 0.19, "d": 0.04}
    prices = "{spot_machines: {n1-standard-4: 0.05}}"
    assert hour_of(tmp_path, prices, *steps, more=more) == {"b": 0.05}


def test_without_prices_nothing_is_said_of_cost(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(BEGINNING)
    project = load_project(tmp_path / "mlops.yaml").project
    assert cost(project, Pipeline("p", (step("a"),)), {"a": HOUR}) is None


def test_every_attempt_costs_and_what_was_reused_does_not() -> None:
    def ended(id: str, state: StepState, took: int) -> ExecutionRecord:
        return ExecutionRecord("r", id, "own", state, "k", {}, started=1000, finished=1000 + took)

    found = times_of(
        [
            ended("a", StepState.FAILED, 5),
            ended("a", StepState.SUCCESS, 7),
            ended("b", StepState.CACHED, 9),
            ended("c", StepState.SKIPPED, 9),
            ended("d", StepState.CANCELED, 3),
        ]
    )
    assert found == {"a": 12, "d": 3}


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
TIMES = st.dictionaries(NAMES, st.none() | st.integers(0, 10**9))
ASKED = st.dictionaries(
    NAMES,
    st.builds(
        Resources,
        st.none() | st.floats(0.001, 1000),
        st.none() | st.integers(1, 1 << 44),
        st.dictionaries(st.sampled_from(["t4", "l4"]), st.integers(0, 8)),
    ),
)
PRICE = st.none() | st.floats(0, 1_000_000)


@given(TIMES, TIMES, ASKED, PRICE, PRICE, PRICE, PRICE)
def test_cost_adds_up_is_never_negative_and_what_is_unknown_stays_so(
    first: dict[str, int | None],
    second: dict[str, int | None],
    asked: dict[str, Resources],
    every: float | None,
    cpu: float | None,
    memory: float | None,
    t4: float | None,
) -> None:
    from mlopsctl.config.project import Project

    per_hour = {"step": every, "cpu": cpu, "memory": memory, "accelerators": {} if t4 is None else {"t4": t4}}
    project = Project.model_validate({"version": 1, "name": "p", "prices": {"currency": "EUR", "per_hour": per_hour}})
    pipeline = Pipeline("p", tuple(step(id, resources) for id, resources in asked.items()))
    second = {id: took for id, took in second.items() if id not in first}

    def of(times: Mapping[str, int | None]) -> Cost:
        found = cost(project, pipeline, times)
        assert found is not None
        return found

    one, other, both = of(first), of(second), of({**first, **second})
    assert both.steps == {**one.steps, **other.steps}
    assert set(both.unknown) == {*one.unknown, *other.unknown}
    assert both.total == (pytest.approx((one.total or 0) + (other.total or 0)) if one.steps or other.steps else None)
    assert all(amount >= 0 for amount in both.steps.values())
    # Each step is either priced or named.
    assert sorted([*both.steps, *both.unknown]) == sorted({**first, **second})
    for id, took in {**first, **second}.items():
        if took is None or id not in asked or "l4" in {k for k, n in asked[id].accelerators.items() if n}:
            assert id in both.unknown
