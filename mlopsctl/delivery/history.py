"""What the stores can tell a plan: earlier results that can be reused, the last run, verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.errors import Problem
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.metadata.store import MetadataStore
from mlopsctl.metadata.trace import of_step
from mlopsctl.pipeline.ir import Decision
from mlopsctl.step.order import not_taken
from mlopsctl.step.pinned import CLOCK, PREVIOUS
from mlopsctl.step.task import StepState


class StoredHistory:
    """The history of one project in one environment, read from its stores.

    Results are shared between environments, because a step key says all that a result depends on.
    """

    def __init__(self, metadata: MetadataStore, artifacts: ArtifactStore, project: str, environment: str) -> None:
        self._metadata = metadata
        self._artifacts = artifacts
        self._project = project
        self._environment = environment
        self._seen: dict[str, ExecutionRecord] = {}
        self._latest: Mapping[str, ExecutionRecord] | None = None

    def cached(self, keys: Collection[str]) -> Mapping[str, ExecutionRecord]:
        """The newest complete execution of each key whose outputs are all still stored; asked once for each."""
        unseen = [key for key in keys if key not in self._seen]
        if unseen:
            found = {key: self._own(record) for key, record in self._metadata.cached(unseen).items()}
            self._seen.update(self._complete({key: record for key, record in found.items() if record is not None}))
        return {key: self._seen[key] for key in keys if key in self._seen}

    def _own(self, record: ExecutionRecord) -> ExecutionRecord | None:
        """What compares with the state of an environment is that one's own: where this environment has a result of
        the key, a newer one of another environment does not take its place. A verdict on data against this
        environment's earlier data, or its clock, is never another's."""
        if not record.state_inputs or self._is_here(record):
            return record
        known = self._metadata.executions_of_key(record.key)
        good = (one for one in known if one.state in (StepState.SUCCESS, StepState.CACHED))
        about_data = any(name == CLOCK or name.startswith(PREVIOUS) for name in record.state_inputs)
        return next((one for one in good if self._is_here(one)), None if about_data else record)

    def _is_here(self, record: ExecutionRecord) -> bool:
        run = self._metadata.run(record.run)
        return run is not None and (run.project, run.environment) == (self._project, self._environment)

    def _complete(self, found: Mapping[str, ExecutionRecord]) -> Mapping[str, ExecutionRecord]:
        wanted = {artifact.digest for record in found.values() for artifact in record.outputs.values()}
        stored = self._artifacts.has_many(wanted)
        return {
            key: record
            for key, record in found.items()
            if all(artifact.digest in stored for artifact in record.outputs.values())
        }

    def latest(self) -> Mapping[str, ExecutionRecord]:
        """The newest result of each step, or its failure where the last run ended in one; asked once."""
        if self._latest is None:
            self._latest = {**self._metadata.latest(self._project, self._environment), **self._failures()}
        return self._latest

    def steps(self) -> tuple[str, ...]:
        """The ids of the steps of the last run that came to its end."""
        for run in self._metadata.runs(self._project, self._environment, limit=20):
            if run.state in ("success", "failed"):
                return self._metadata.steps(run.id)
        return ()

    def _failures(self) -> dict[str, ExecutionRecord]:
        for run in self._metadata.runs(self._project, self._environment, limit=1):
            last = {record.step: record for record in self._metadata.executions(run.id)}
            return {step: record for step, record in last.items() if record.state is StepState.FAILED}
        return {}

    def refusal(self, artifact: ArtifactRecord) -> str:
        """Why a guard artifact's verdict is not pass, in a sentence; empty when it is."""
        file, kind = evidence.GUARDS[artifact.type.value]
        return evidence.refusal(evidence.parse(kind, self._artifacts.read(artifact.digest, file)))

    def branch(self, decision: Decision, artifact: ArtifactRecord | None) -> str:
        """Why a branch is not taken on what a step wrote, in a sentence; empty when it is, or nothing can be said."""
        try:
            return not_taken(decision, artifact.digest if artifact is not None else None, self._artifacts)
        except Problem:
            return ""

    def accepted_statistics(self, dataset: str) -> tuple[str, ...]:
        """The digests of the statistics of the data that passed its checks last and before that, newest first."""
        found: dict[str, None] = {}
        for record in of_step(self._metadata, self._project, self._environment, f"validate-{dataset}"):
            if record.notes.get("verdict") == evidence.Verdict.PASS.value:
                found[record.inputs["statistics"].digest] = None
            if len(found) > 1:
                break
        return tuple(found)
