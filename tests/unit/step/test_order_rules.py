"""Trigger rules and branches: states against a small table of what each rule means, and what a branch reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.orchestrators.local.schedule import Schedule
from mlopsctl.pipeline.ir import ArtifactType, Decision, Input, Pipeline, Ref, Rule, Step
from mlopsctl.step.order import LONGEST_ANSWER, Stop, branch_of, stopped
from mlopsctl.step.portable import PortableStep, decode_step, encode
from mlopsctl.step.portable_fields import Order
from mlopsctl.step.task import StepResult, StepState

S, F, U, K = StepState.SUCCESS, StepState.FAILED, StepState.UPSTREAM_FAILED, StepState.SKIPPED
RUNS = None


def step(id: str, *before: str, rule: Rule = Rule.ALL_SUCCESS, **more: object) -> Step:
    return Step(id, "any", 1, {}, {"out": ArtifactType.FILE}, {}, after=before, rule=rule, **more)  # type: ignore[arg-type]


def oracle(rule: Rule, states: list[StepState]) -> StepState | None:
    """Airflow's rules in its own words, for steps that have all ended."""
    good, skipped = states.count(S), states.count(K)
    failed = states.count(F) + states.count(U)
    if not states:
        return RUNS
    return {
        Rule.ALL_SUCCESS: U if failed else K if skipped else RUNS,
        Rule.ALL_FAILED: K if good or skipped else RUNS,
        Rule.ALL_DONE: RUNS,
        Rule.ONE_SUCCESS: RUNS if good else U if failed else K,
        Rule.NONE_FAILED: U if failed else RUNS,
        Rule.NONE_FAILED_MIN_ONE_SUCCESS: U if failed else RUNS if good else K,
    }[rule]


@given(st.sampled_from(Rule), st.lists(st.sampled_from([S, F, U, K]), max_size=5))
def test_a_rule_says_what_airflow_says(rule: Rule, states: list[StepState]) -> None:
    names = [f"s{at}" for at in range(len(states))]
    found = stopped(step("it", *names, rule=rule), dict(zip(names, states, strict=True)))
    assert (found.state if found is not None else RUNS) == oracle(rule, states)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Step], Mapping[str, StepState]]:
    count = draw(st.integers(1, 10))
    steps = []
    for at in range(count):
        before = draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else set()
        rule = draw(st.sampled_from(Rule)) if before else Rule.ALL_SUCCESS
        priority = draw(st.integers(-2, 2) | st.none())
        steps.append(step(f"s{at}", *(f"s{one}" for one in sorted(before)), rule=rule, priority=priority))
    return steps, {one.id: draw(st.sampled_from([S, F, K])) for one in steps}


@given(graphs(), st.randoms(use_true_random=False))
def test_the_states_of_a_run_hang_on_nothing_but_the_states_before(
    graph: tuple[list[Step], Mapping[str, StepState]], random: object
) -> None:
    steps, own = graph
    schedule = Schedule(Pipeline("p", tuple(steps)))
    running: list[Step] = []
    while True:
        while found := schedule.next():
            running.append(found)
        if not running:
            break
        ended = running.pop(random.randrange(len(running)))  # type: ignore[attr-defined]
        schedule.finish(ended, schedule.inherited(ended) or StepResult(own[ended.id]))
    expected: dict[str, StepState] = {}
    for one in steps:
        said = oracle(one.rule, [expected[id] for id in one.upstream])
        expected[one.id] = own[one.id] if said is RUNS else said
    assert {id: result.state for id, result in schedule.results.items()} == expected


def test_ready_steps_go_by_priority_and_then_in_declared_order() -> None:
    schedule = Schedule(
        Pipeline("p", (step("a"), step("b", priority=5), step("c", priority=-1), step("d", priority=5)))
    )
    assert [found.id for found in iter(schedule.next, None)] == ["b", "d", "a", "c"]


@pytest.mark.parametrize("rule", [rule for rule in Rule if rule is not Rule.ALL_SUCCESS])
def test_what_was_canceled_cancels_what_is_after(rule: Rule) -> None:
    found = stopped(step("it", "a", "b", rule=rule), {"a": F, "b": StepState.CANCELED})
    assert found == Stop(StepState.CANCELED, "not run, because b did not run")


def written(tmp_path: Path, **files: bytes) -> tuple[ArtifactStore, str]:
    store, folder = ArtifactStore(f"file://{tmp_path}/store"), tmp_path / "out"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return store, store.put(folder)


@pytest.mark.parametrize(
    ("said", "equals", "taken"),
    [
        (b"keep\n", "keep", True),
        (b" keep ", "keep", True),
        (b"Keep", "keep", False),
        (b"3", 3, True),
        (b"3.0", 3, True),
        (b"3", "3", True),
        (b"true", True, True),
        (b"1", True, False),
        (b"true", 1, False),
        (b"yes", True, False),
        (b"", "", True),
    ],
)
def test_a_branch_is_taken_on_what_a_step_wrote(
    tmp_path: Path, said: bytes, equals: str | bool | int, taken: bool
) -> None:
    store, digest = written(tmp_path, choice=said)
    branch = step("it", decision=Decision(Ref("choose", "choice"), equals))
    found = branch_of(branch, {"choose.choice": digest}, store)
    assert found is None if taken else (found is not None and found.state is K)


def test_a_branch_that_nothing_decides(tmp_path: Path) -> None:
    store, two = written(tmp_path, a=b"x", b=b"y")
    branch = step("it", decision=Decision(Ref("choose", "choice"), "x"))
    found = branch_of(branch, {"choose.choice": two}, store)
    assert found == Stop(F, "choose.choice decides nothing: it has 2 files")
    found = branch_of(branch, {"choose.choice": None}, store)
    assert found == Stop(K, "its branch hangs on choose.choice, which was not written")


@pytest.mark.parametrize(
    ("content", "why"), [(b"x" * (LONGEST_ANSWER + 1), "choice has 65537 bytes"), (b"\xff\xfe", "choice is no text")]
)
def test_an_answer_is_a_short_text(tmp_path: Path, content: bytes, why: str) -> None:
    store, digest = written(tmp_path, choice=content)
    found = branch_of(step("it", decision=Decision(Ref("choose", "choice"), "x")), {"choose.choice": digest}, store)
    assert found == Stop(F, f"choose.choice decides nothing: {why}")


def test_the_order_of_a_step_travels_and_a_default_one_says_nothing() -> None:
    plain = PortableStep("p", "e", Step("it", "any", 1, {}, {}, {}), "gs://a")
    assert not {"after", "rule", "decision", "reuse", "pool", "priority", "order"} & set(encode(plain).split('"'))
    assert decode_step(encode(plain)) == plain
    wired = {"in": Input(Ref("a", "out"), ArtifactType.FILE)}
    for equals in ("${x}", True, 3, 2.5):
        full = Step(
            "it", "any", 1, wired, {}, {},
            after=("b",), rule=Rule.ALL_DONE, decision=Decision(Ref("c", "d"), equals),
            reuse=False, pool="p", priority=0,
        )  # fmt: skip
        read = decode_step(encode(PortableStep("p", "e", full, "gs://a", order=Order.CARRIED)))
        assert read.step == full
        assert read.order is Order.CARRIED
        assert read.step.decision is not None
        assert type(read.step.decision.equals) is type(equals)


def test_a_default_order_changes_no_digest_and_every_other_one_does() -> None:
    plain = step("it")
    digests = {
        Pipeline("p", (one,)).digest
        for one in (
            plain,
            step("it", "a"),
            step("it", rule=Rule.ALL_DONE),
            step("it", reuse=False),
            step("it", decision=Decision(Ref("a", "b"), 1)),
            step("it", decision=Decision(Ref("a", "b"), True)),
        )
    }
    assert len(digests) == 6
    assert Pipeline("p", (step("it", pool="x", priority=3),)).digest == Pipeline("p", (plain,)).digest
