"""Runs of one pipeline on several orchestrators, compared step by step. Pure.

What may differ stands in :data:`ALLOWED`, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.delivery.conformance.observed import Observed, StepSeen
from mlopsctl.pipeline.ir import Pipeline, Step


@dataclass(frozen=True, slots=True)
class Allowed:
    """Something that may differ between orchestrators: of which component, what, and why."""

    component: str
    what: str
    why: str


EVERY = "every step"

ALLOWED = (
    Allowed("preflight", "digests of what it leaves", "it holds how fast the server answered"),
    Allowed("preflight", "latency_p95_ms", "how fast a server answers says something of the machine; it is not asked"),
    Allowed("push", "digests of what it leaves", "it holds the version number and the address of the registry"),
    Allowed(EVERY, "clocks and durations", "no two runs happen at once"),
    Allowed(EVERY, "the run's id, logs, numbers of attempts", "each orchestrator counts and keeps them its own way"),
    Allowed(EVERY, "the step's key", "it names the image, which a step on this machine does not have"),
)
"""All that may differ; whatever is not named here is compared, or is no result of a step."""

_OWN_DIGESTS = frozenset(one.component for one in ALLOWED if one.what == "digests of what it leaves")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something of a step that is not the same everywhere.

    Attributes:
        facet: ``state``, ``input``, ``output``, ``metric``, ``verdict`` or ``record``.
        name: which input, output, metric, verdict or edge; empty for the state.
        values: what it is, by orchestrator; ``-`` where it is absent.
    """

    step: str
    facet: str
    name: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        what = f"{self.facet} {self.name}".strip()
        told = ", ".join(f"{value} on {engine}" for engine, value in self.values.items())
        return f"{self.step}: {what} is {told}"


def compare(pipeline: Pipeline, runs: Sequence[Observed]) -> tuple[Difference, ...]:
    """Every difference, in pipeline order; of a step first its state, then what it read, left, measured and judged."""
    found = [difference for step in pipeline.steps for difference in _of_step(step, pipeline, runs)]
    known = {step.id for step in pipeline.steps}
    for strange in sorted({id for run in runs for id in run.steps} - known):
        found += _differing(strange, "state", runs, lambda seen: {"": seen.state})
    return tuple(found)


def _of_step(step: Step, pipeline: Pipeline, runs: Sequence[Observed]) -> Iterator[Difference]:
    own = {one.id for one in pipeline.steps if one.component in _OWN_DIGESTS}
    spared = {name for name, wired in step.inputs.items() if wired.ref.step in own}
    keeps = step.id in own

    def inputs(seen: StepSeen) -> Mapping[str, str]:
        return {name: digest for name, digest in seen.inputs.items() if name not in spared}

    def outputs(seen: StepSeen) -> Mapping[str, str]:
        return {name: "there" if keeps else digest for name, digest in seen.outputs.items()}

    def records(seen: StepSeen) -> Mapping[str, str]:
        return {
            edge: "there" if edge.removeprefix("in ") in spared or (keeps and edge.startswith("out ")) else value
            for edge, value in seen.records.items()
        }

    yield from _differing(step.id, "state", runs, lambda seen: {"": seen.state})
    yield from _differing(step.id, "input", runs, inputs)
    yield from _differing(step.id, "output", runs, outputs)
    yield from _differing(step.id, "metric", runs, lambda seen: {k: json.dumps(v) for k, v in seen.metrics.items()})
    yield from _differing(step.id, "verdict", runs, lambda seen: seen.verdicts)
    yield from _differing(step.id, "record", runs, records)


def _differing(
    step: str, facet: str, runs: Sequence[Observed], of: Callable[[StepSeen], Mapping[str, str]]
) -> Iterator[Difference]:
    told = {run.engine: of(run.steps[step]) if step in run.steps else {} for run in runs}
    for name in dict.fromkeys(name for values in told.values() for name in values):
        values = {engine: found.get(name, "-") for engine, found in told.items()}
        if len(set(values.values())) > 1:
            yield Difference(step, facet, name, values)
