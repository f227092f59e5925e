"""Wiring: both ends of a wire are named, cycles are printed as a path with their lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.errors import InvalidProject, Span
from mlopsctl.lowering.wiring import wire
from mlopsctl.pipeline.ir import ArtifactType, Input, Ref, Step

EXAMPLES, MODEL = ArtifactType.EXAMPLES, ArtifactType.MODEL


def step(id: str, inputs: dict[str, Input] | None = None, outputs: dict[str, ArtifactType] | None = None) -> Step:
    return Step(id, "own", 1, inputs or {}, outputs or {}, {})


def reads(source: str, output: str = "examples", kind: ArtifactType = EXAMPLES) -> Input:
    return Input(Ref(source, output), kind)


def at(line: int) -> Span:
    return Span("mlops.yaml", line, 1, line, 2)


def test_steps_come_after_what_they_read() -> None:
    made = wire("p", [step("b", {"x": reads("a")}), step("a", outputs={"examples": EXAMPLES})], {})
    assert [s.id for s in made.steps] == ["a", "b"]


def test_a_wire_of_the_wrong_type_names_both_ends() -> None:
    with pytest.raises(InvalidProject) as caught:
        wire(
            "p", [step("a", outputs={"model": MODEL}), step("b", {"rows": reads("a", "model")})], {("b", "rows"): at(4)}
        )
    (problem,) = caught.value.diagnostics
    assert problem.message == "input rows of b takes Examples, and a.model is Model"
    assert problem.span == at(4)


def test_an_unknown_step_and_an_unknown_output_are_found_together_with_hints() -> None:
    steps = [
        step("clean", outputs={"cleaned": EXAMPLES}),
        step("b", {"x": reads("claen", "cleaned"), "y": reads("clean", "cleand")}),
    ]
    with pytest.raises(InvalidProject) as caught:
        wire("p", steps, {})
    assert [d.id for d in caught.value.diagnostics] == ["unknown-step", "unknown-output"]
    assert [d.hint for d in caught.value.diagnostics] == ["did you mean clean?", "did you mean clean.cleaned?"]


def test_a_cycle_is_a_path_with_a_line_for_each_step() -> None:
    steps = [step(a, {"x": reads(b)}, {"examples": EXAMPLES}) for a, b in [("a", "b"), ("b", "c"), ("c", "a")]]
    with pytest.raises(InvalidProject) as caught:
        wire("p", steps, {("a", "x"): at(1), ("b", "x"): at(2), ("c", "x"): at(3)})
    (problem,) = caught.value.diagnostics
    path = problem.message.rpartition(": ")[2].split(" → ")
    assert path[0] == path[-1]
    assert sorted(path[:-1]) == ["a", "b", "c"]
    assert problem.span is not None
    lines = {problem.span.line, *(span.line for span, _ in problem.related)}
    assert lines == {1, 2, 3}


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14))
def test_any_graph_is_ordered_or_refused(edges: list[tuple[int, int]]) -> None:
    inputs: dict[str, dict[str, Input]] = {f"s{i}": {} for i in range(8)}
    for reader, read in edges:
        inputs[f"s{reader}"][f"x{read}"] = reads(f"s{read}")
    steps = [step(id, found, {"examples": EXAMPLES}) for id, found in inputs.items()]
    try:
        made = wire("p", steps, {})
    except InvalidProject as problem:
        assert [d.id for d in problem.diagnostics] == ["cycle"]
        return
    place = {s.id: i for i, s in enumerate(made.steps)}
    assert all(place[up] < place[s.id] for s in made.steps for up in s.upstream)


def test_a_chain_of_ten_thousand_steps_is_wired() -> None:
    steps = [
        step(f"s{i}", {"x": reads(f"s{i - 1}")} if i else {}, {"examples": EXAMPLES}) for i in reversed(range(10_000))
    ]
    assert wire("p", steps, {}).steps[-1].id == "s9999"
