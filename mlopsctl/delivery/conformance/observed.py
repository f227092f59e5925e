"""What a run came to on one orchestrator, read from its ledger and its records after everything has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.metadata.store import open_store
from mlopsctl.pipeline.ir import ArtifactType, Pipeline
from mlopsctl.step.task import StepState

NEVER_RAN = "never ran"
"""The state of a step that left no record, where nothing before it failed."""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """What came of a step.

    Attributes:
        state: as :class:`~mlopsctl.step.task.StepState` spells it, or :data:`NEVER_RAN`.
        inputs, outputs: digests by name.
        metrics: measured values by ``metric`` or ``metric on slice``.
        verdicts: of checks, gates and the server, by name.
        records: the edges of the step in the metadata store: ``in NAME`` and ``out NAME`` to digest and type.
        problem: why it failed; never compared.
    """

    state: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """A run on one orchestrator: its steps by id; ``trouble`` is what the orchestrator itself says of a failure."""

    engine: str
    steps: Mapping[str, StepSeen]
    trouble: str = ""

    @property
    def failed(self) -> bool:
        """Whether the run did not come to its end in order."""
        return bool(self.trouble) or any(
            seen.state in (StepState.FAILED, StepState.CANCELED, NEVER_RAN) for seen in self.steps.values()
        )


def observe(
    engine: str,
    pipeline: Pipeline,
    last: Mapping[str, ExecutionRecord],
    artifacts: ArtifactStore,
    metadata: str,
    run: str,
    trouble: str = "",
) -> Observed:
    """The run as its stores tell it.

    Args:
        last: the record of each step's last attempt, from where the orchestrator's steps leave it.
        metadata: the address of the records, in which the same must stand.

    Raises:
        Problem: when a store cannot be read.
    """
    with open_store(metadata) as store:
        recorded = {record.step: record for record in store.executions(run)}
    states: dict[str, str] = {}
    steps: dict[str, StepSeen] = {}
    for step in pipeline.steps:
        record = last.get(step.id)
        states[step.id] = record.state.value if record is not None else _unheard(step.upstream, states)
        edges = dict(_edges(recorded[step.id])) if step.id in recorded else {}
        if record is None:
            steps[step.id] = StepSeen(states[step.id], records=edges)
            continue
        steps[step.id] = StepSeen(
            states[step.id],
            inputs={name: one.digest for name, one in record.inputs.items()},
            outputs={name: one.digest for name, one in record.outputs.items()},
            metrics=dict(_metrics(record.outputs, artifacts)),
            verdicts=dict(_verdicts(record.outputs, artifacts)),
            records=edges,
            problem=record.problem,
        )
    return Observed(engine, steps, trouble)


def _unheard(upstream: tuple[str, ...], states: Mapping[str, str]) -> str:
    failed = {StepState.FAILED.value, StepState.UPSTREAM_FAILED.value, StepState.CANCELED.value}
    return StepState.UPSTREAM_FAILED.value if any(states.get(id) in failed for id in upstream) else NEVER_RAN


def _edges(record: ExecutionRecord) -> Iterator[tuple[str, str]]:
    for name, one in record.inputs.items():
        yield f"in {name}", f"{one.digest} {one.type.value}"
    for name, one in record.outputs.items():
        yield f"out {name}", f"{one.digest} {one.type.value}"


def _metrics(outputs: Mapping[str, ArtifactRecord], artifacts: ArtifactStore) -> Iterator[tuple[str, Json]]:
    for one in outputs.values():
        if one.type is ArtifactType.EVALUATION:
            content = artifacts.read(one.digest, evidence.EVALUATION_FILE)
            for measured in evidence.parse(evidence.Evaluation, content).measurements:
                yield f"{measured.metric} on {measured.slice}" if measured.slice else measured.metric, measured.value


def _verdicts(outputs: Mapping[str, ArtifactRecord], artifacts: ArtifactStore) -> Iterator[tuple[str, str]]:
    for one in outputs.values():
        if one.type is ArtifactType.ANOMALIES:
            found = evidence.parse(evidence.Anomalies, artifacts.read(one.digest, evidence.ANOMALIES_FILE))
            yield from ((check.name, check.verdict.value) for check in found.checks)
        elif one.type is ArtifactType.BLESSING:
            blessing = evidence.parse(evidence.Blessing, artifacts.read(one.digest, evidence.BLESSING_FILE))
            yield from ((gate.name, gate.verdict.value) for gate in blessing.gates)
        elif one.type is ArtifactType.INFRA_BLESSING:
            infra = evidence.parse(evidence.InfraBlessing, artifacts.read(one.digest, evidence.INFRA_BLESSING_FILE))
            yield "in a server", infra.verdict.value
        elif one.type is ArtifactType.PUSHED_MODEL:
            pushed = evidence.parse(evidence.PushedModel, artifacts.read(one.digest, evidence.PUSHED_MODEL_FILE))
            yield "registered", "yes" if pushed.pushed else "no"
