"""Wiring: check that both ends of every wire exist and have the same type, that nothing goes in a circle, and order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from mlopsctl.config.hints import did_you_mean
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.graph import Cycle, ordered
from mlopsctl.pipeline.ir import Pipeline, Rule, Step

Wire = tuple[str, str]


def wire(name: str, steps: Sequence[Step], spans: Mapping[Wire, Span]) -> Pipeline:
    """The pipeline of these steps, in an order where each comes after what it reads.

    Args:
        spans: where a wire, (step id, input name), or a step, (step id, ``""``), stands in ``mlops.yaml``.

    Raises:
        InvalidProject: naming both ends of each wire that does not fit, or every step of a cycle with its line.
    """
    by_id = {step.id: step for step in steps}
    problems = list(_loose_ends(by_id, spans))
    if problems:
        raise InvalidProject(problems)
    try:
        order = ordered({step.id: step.upstream for step in steps})
    except Cycle as cycle:
        raise InvalidProject(_cycle(cycle.path, by_id, spans)) from None
    return Pipeline(name, tuple(by_id[id] for id in order))


def _loose_ends(by_id: Mapping[str, Step], spans: Mapping[Wire, Span]) -> Iterator[Diagnostic]:
    for step in by_id.values():
        yield from _loose_order(step, by_id, spans)
        for name, wired in step.inputs.items():
            span = spans.get((step.id, name)) or spans.get((step.id, ""))
            end = f"input {name} of {step.id}"
            producer = by_id.get(wired.ref.step)
            if producer is None:
                near = did_you_mean(wired.ref.step, by_id)
                hint = f"did you mean {near}?" if near else f"steps: {', '.join(by_id)}"
                message = f"{end} reads {wired.ref}, and there is no step {wired.ref.step}"
                yield Diagnostic("unknown-step", message, span, hint)
            elif wired.ref.output not in producer.outputs:
                near = did_you_mean(wired.ref.output, producer.outputs)
                outputs = ", ".join(producer.outputs)
                hint = f"did you mean {producer.id}.{near}?" if near else f"{producer.id} leaves {outputs or 'nothing'}"
                message = f"{end} reads {wired.ref}, which {producer.id} does not leave"
                yield Diagnostic("unknown-output", message, span, hint)
            elif producer.outputs[wired.ref.output] is not wired.type:
                found = producer.outputs[wired.ref.output]
                message = f"{end} takes {wired.type}, and {wired.ref} is {found}"
                yield Diagnostic("wrong-type", message, span, f"wire an output of type {wired.type} to it")


def _loose_order(step: Step, by_id: Mapping[str, Step], spans: Mapping[Wire, Span]) -> Iterator[Diagnostic]:
    """What a step comes after, and what decides about it, where that is not there."""
    span = spans.get((step.id, ""))
    decision = step.decision
    for id in (*step.after, *((decision.ref.step,) if decision is not None else ())):
        if id not in by_id:
            near = did_you_mean(id, by_id)
            hint = f"did you mean {near}?" if near else f"steps: {', '.join(by_id)}"
            yield Diagnostic("unknown-step", f"{step.id} comes after {id}, and there is no such step", span, hint)
        elif decision is not None and id == decision.ref.step and decision.ref.output not in by_id[id].outputs:
            outputs = ", ".join(by_id[id].outputs)
            message = f"the branch {step.id} reads {decision.ref}, which {id} does not leave"
            yield Diagnostic("unknown-output", message, span, f"{id} leaves {outputs or 'nothing'}")
    if step.rule is not Rule.ALL_SUCCESS and not step.upstream:
        message = f"{step.id} has the trigger rule {step.rule.value}, and comes after no step"
        yield Diagnostic("no-step-before", message, span, "say after: […] which steps it waits for, or take it out")


def _cycle(path: Sequence[str], by_id: Mapping[str, Step], spans: Mapping[Wire, Span]) -> Diagnostic:
    places: list[tuple[Span, str]] = []
    for reader, read in pairwise(path):
        name = next((n for n, wired in by_id[reader].inputs.items() if wired.ref.step == read), "")
        span = spans.get((reader, name)) or spans.get((reader, ""))
        if span is not None:
            places.append((span, f"{reader} {'reads' if name else 'comes after'} {read}"))
    return Diagnostic(
        "cycle",
        "steps read each other in a circle: " + " → ".join(path),
        places[0][0] if places else None,
        "take one of these inputs away",
        related=tuple(places[1:]),
    )
