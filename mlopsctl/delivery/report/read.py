"""Read a run from the stores: its record, its steps, and the evidence in its artifacts.

1. Find the run; collect the last attempt of each step.
2. Read what the artifacts hold, strictly and only up to a size; what cannot be read becomes a note.
3. Put the numbers beside the rules that judged them.

No file of the checkout but ``mlops.yaml`` (and what the pipeline's keys name) is opened, no user code is imported, no
model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import Loaded
from mlopsctl.curves import CURVES_FILE, Curves
from mlopsctl.delivery.answers.find import LAST, run_at
from mlopsctl.delivery.cost import cost_of_run
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.report.data import dataset_report
from mlopsctl.delivery.report.headline import Known, headline
from mlopsctl.delivery.report.lineage import lineage, reproduce
from mlopsctl.delivery.report.measures import metric_rows, slice_tables
from mlopsctl.delivery.report.steps import last_attempts, pipeline_of, step_rows
from mlopsctl.delivery.report.tuning import HYPERPARAMETERS_FILE, tuning
from mlopsctl.delivery.report.value import DatasetReport, Prose, Report, Said, Tuning
from mlopsctl.delivery.report.verdicts import check_rows, gate_rows, gates_of, server_row
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Problem
from mlopsctl.metadata.records import ArtifactRecord, EnvironmentState, ExecutionRecord, RunRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables.examples import EXAMPLES_FILE, Examples
from mlopsctl.tables.statistics import STATISTICS_FILE, Statistics

MAX_BYTES = 32 << 20
"""The largest file of evidence that is read, in bytes."""

T = TypeVar("T")


def report(folder: Path, environment: str | None = None, run: str = LAST) -> Report:
    """The report on the run of that id, or whose id begins so; ``last`` is the newest.

    Raises:
        UsageProblem: when there is no such run, or several.
    """
    with run_at(folder, environment, run) as (loaded, stores, found):
        executions = stores.metadata.executions(found.id)
        state = stores.state.read(loaded.project.name, found.environment)
        return assemble(found, executions, state, stores.artifacts, loaded)


def assemble(
    run: RunRecord,
    executions: Sequence[ExecutionRecord],
    state: EnvironmentState,
    artifacts: ArtifactStore,
    loaded: Loaded | None = None,
) -> Report:
    """The report on a run from its records. ``loaded`` is the project as it is now, for the wires of its graph."""
    shelf = _Shelf(artifacts, last_attempts(executions))
    last = shelf.executions
    found = Findings(
        anomalies=tuple(shelf.every(ArtifactType.ANOMALIES, evidence.ANOMALIES_FILE, evidence.Anomalies)),
        evaluation=shelf.one("evaluate", ArtifactType.EVALUATION, evidence.EVALUATION_FILE, evidence.Evaluation),
        blessing=shelf.one("gate", ArtifactType.BLESSING, evidence.BLESSING_FILE, evidence.Blessing),
        infra=shelf.one("preflight", ArtifactType.INFRA_BLESSING, evidence.INFRA_BLESSING_FILE, evidence.InfraBlessing),
        pushed=shelf.one("push", ArtifactType.PUSHED_MODEL, evidence.PUSHED_MODEL_FILE, evidence.PushedModel),
    )
    materials = {one.step: one.material for one in last}
    gates = () if found.blessing is None else gate_rows(
        found.blessing, gates_of(materials.get("gate")), found.evaluation
    )  # fmt: skip
    checks = check_rows(found.anomalies, dict(_rules(last)))
    evaluation, pipeline, origin = found.evaluation, pipeline_of(run, executions, loaded), lineage(last, found)
    return Report(
        run=run,
        headline=headline(Known(run, last, found, gates, checks, state)),
        gates=gates,
        checks=checks,
        server=None if found.infra is None else server_row(found.infra),
        task="" if evaluation is None else evaluation.task,
        split="" if evaluation is None else evaluation.split,
        rows=0 if evaluation is None else evaluation.rows,
        metrics=() if evaluation is None else metric_rows(evaluation),
        slices=() if evaluation is None else slice_tables(evaluation, gates),
        curves=shelf.one("evaluate", ArtifactType.EVALUATION, CURVES_FILE, Curves),
        datasets=tuple(_datasets(shelf)),
        steps=step_rows(run, executions, pipeline),
        pipeline=pipeline,
        tuning=tuple(_tunings(shelf)),
        lineage=origin,
        reproduce=reproduce(run, origin),
        notes=tuple(shelf.notes),
        cost=None if loaded is None else cost_of_run(loaded, run, executions),
    )


@dataclass
class _Shelf:
    """The artifacts of a run; collects a note for each that cannot be read."""

    artifacts: ArtifactStore
    executions: Sequence[ExecutionRecord]
    notes: list[Prose] = field(default_factory=list)

    def every(self, type: ArtifactType, file: str, kind: type[T]) -> Iterator[T]:
        """The file in each artifact of the type, in the order of the steps."""
        for _, artifact in self.of(type):
            value = self.value(artifact, file, kind)
            if value is not None:
                yield value

    def one(self, step: str, type: ArtifactType, file: str, kind: type[T]) -> T | None:
        """The file in the artifact of the type that this step left: an own component may leave another."""
        found = (self.value(artifact, file, kind) for maker, artifact in self.of(type) if maker == step)
        return next((value for value in found if value is not None), None)

    def of(self, type: ArtifactType) -> Iterator[tuple[str, ArtifactRecord]]:
        """Each artifact of the type, with the step that left it."""
        for one in self.executions:
            for artifact in one.outputs.values():
                if artifact.type is type:
                    yield one.step, artifact

    def value(self, artifact: ArtifactRecord, file: str, kind: type[T]) -> T | None:
        """One file, read as that kind."""
        from pydantic import ValidationError

        content = self.content(artifact, file)
        if content is None:
            return None
        try:
            return evidence.parse(kind, content)
        except ValidationError:
            self._note(file, artifact, "was written by another version, and this one cannot read it")
            return None

    def content(self, artifact: ArtifactRecord, file: str) -> bytes | None:
        """The bytes of one file; ``None`` where it is not there (which earlier versions did not write) or too large."""
        try:
            entry = next((one for one in self.artifacts.manifest(artifact.digest).files if one.path == file), None)
            if entry is None:
                return None
            if entry.size > MAX_BYTES:
                self._note(file, artifact, f"has {entry.size:,} bytes, and {MAX_BYTES:,} are read at most")
                return None
            return self.artifacts.read(artifact.digest, file)
        except Problem as problem:
            self._note(file, artifact, "cannot be read: ", Said(str(problem)))
            return None

    def _note(self, file: str, artifact: ArtifactRecord, *words: str | Said) -> None:
        note: Prose = (Said(file), f" of the {artifact.type.value} artifact ", *words)
        if note not in self.notes:
            self.notes.append(note)


def _rules(executions: Sequence[ExecutionRecord]) -> Iterator[tuple[str, Json]]:
    """The checks as written, by dataset."""
    for one in executions:
        match one.material:
            case {"parameters": {"dataset": str(dataset), "checks": checks}}:
                yield dataset, checks


def _datasets(shelf: _Shelf) -> Iterator[DatasetReport]:
    """Every dataset that was read or measured."""
    examples = {one.dataset: one for one in shelf.every(ArtifactType.EXAMPLES, EXAMPLES_FILE, Examples)}
    measured = {one.dataset: one for one in shelf.every(ArtifactType.STATISTICS, STATISTICS_FILE, Statistics)}
    for name in dict.fromkeys([*examples, *measured]):
        yield dataset_report(name, examples.get(name), measured.get(name))


def _tunings(shelf: _Shelf) -> Iterator[Tuning]:
    for step, artifact in shelf.of(ArtifactType.HYPERPARAMETERS):
        content = shelf.content(artifact, HYPERPARAMETERS_FILE)
        if content is None:
            continue
        try:
            yield tuning(step, content)
        except (ValueError, RecursionError) as error:
            shelf.notes.append((Said(HYPERPARAMETERS_FILE), f" cannot be read: {type(error).__name__}"))
