from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.orchestrators.local.schedule import Schedule
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Step
from mlopsctl.step.task import StepResult, StepState

SUCCESS = StepResult(StepState.SUCCESS)


def step(id: str, *upstream: str, optional: bool = False) -> Step:
    inputs = {name: Input(Ref(name, "file"), ArtifactType.FILE, optional=optional) for name in upstream}
    return Step(id, "any", 1, inputs, {"file": ArtifactType.FILE}, {})


def run(*steps: Step, **states: StepState) -> dict[str, StepResult]:
    """Run the schedule with the given state of each step that gets to run."""
    schedule = Schedule(Pipeline("p", steps))
    while found := schedule.next():
        result = schedule.inherited(found) or StepResult(states.get(found.id, StepState.SUCCESS))
        schedule.finish(found, result)
    return dict(schedule.results)


@st.composite
def graphs(draw: st.DrawFn) -> list[Step]:
    count = draw(st.integers(1, 12))
    return [
        step(f"s{n}", *(f"s{one}" for one in draw(st.sets(st.integers(0, n - 1), max_size=3)))) if n else step("s0")
        for n in range(count)
    ]


@given(graphs(), st.randoms(use_true_random=False))
def test_every_step_is_given_once_and_only_after_all_it_reads(steps: list[Step], random: object) -> None:
    schedule = Schedule(Pipeline("p", tuple(steps)))
    running: list[Step] = []
    given: list[str] = []
    while True:
        while found := schedule.next():
            assert set(found.upstream) <= set(schedule.results)
            running.append(found)
            given.append(found.id)
        if not running:
            break
        schedule.finish(running.pop(random.randrange(len(running))), SUCCESS)  # type: ignore[attr-defined]
    assert sorted(given) == sorted(one.id for one in steps)


def test_ready_steps_come_in_declared_order() -> None:
    schedule = Schedule(Pipeline("p", (step("zebra"), step("ape"), step("middle"))))
    assert [found.id for found in iter(schedule.next, None)] == ["zebra", "ape", "middle"]


def test_a_failure_reaches_all_below_it_and_names_the_culprits() -> None:
    results = run(
        step("a"), step("b"), step("c", "a", "b"), step("d", "c"), step("e"), a=StepState.FAILED, b=StepState.FAILED
    )
    assert results["c"].state is results["d"].state is StepState.UPSTREAM_FAILED
    assert results["d"].problem == "not run, because a and b failed"
    assert results["e"].state is StepState.SUCCESS


def test_an_optional_input_does_not_forgive_a_failure() -> None:
    results = run(step("a"), step("b", "a", optional=True), a=StepState.FAILED)
    assert results["b"].state is StepState.UPSTREAM_FAILED


def test_a_skip_reaches_all_below_it_but_optional_inputs() -> None:
    results = run(step("a"), step("b", "a"), step("c", "b"), step("d", "b", optional=True), a=StepState.SKIPPED)
    assert results["c"].state is StepState.SKIPPED
    assert results["c"].problem == "not run, because b was skipped"
    assert results["d"].state is StepState.SUCCESS


def test_a_failure_weighs_more_than_a_skip() -> None:
    results = run(step("a"), step("b"), step("c", "a", "b"), a=StepState.SKIPPED, b=StepState.FAILED)
    assert results["c"].state is StepState.UPSTREAM_FAILED


def test_a_chain_of_ten_thousand_steps_needs_no_recursion() -> None:
    steps = [step("s0")] + [step(f"s{n}", f"s{n - 1}") for n in range(1, 10_000)]
    assert len(run(*steps)) == 10_000
