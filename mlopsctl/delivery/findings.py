"""Read the evidence of a run back from its artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.delivery.outcome import Findings
from mlopsctl.pipeline.ir import ArtifactType, Pipeline
from mlopsctl.step.task import StepResult

_FILES: Mapping[ArtifactType, tuple[str, type]] = {
    ArtifactType.EVALUATION: (evidence.EVALUATION_FILE, evidence.Evaluation),
    ArtifactType.BLESSING: (evidence.BLESSING_FILE, evidence.Blessing),
    ArtifactType.INFRA_BLESSING: (evidence.INFRA_BLESSING_FILE, evidence.InfraBlessing),
    ArtifactType.PUSHED_MODEL: (evidence.PUSHED_MODEL_FILE, evidence.PushedModel),
    ArtifactType.ANOMALIES: (evidence.ANOMALIES_FILE, evidence.Anomalies),
}


def read_findings(outputs: Mapping[str, str], types: Mapping[str, ArtifactType], artifacts: ArtifactStore) -> Findings:
    """The evidence among a run's outputs.

    Args:
        outputs: artifact digests by ``step.output``.
        types: the artifact type of each of them.
    """
    found = list(_read(outputs, types, artifacts))
    return Findings(
        anomalies=tuple(value for value in found if isinstance(value, evidence.Anomalies)),
        evaluation=next((value for value in found if isinstance(value, evidence.Evaluation)), None),
        blessing=next((value for value in found if isinstance(value, evidence.Blessing)), None),
        infra=next((value for value in found if isinstance(value, evidence.InfraBlessing)), None),
        pushed=next((value for value in found if isinstance(value, evidence.PushedModel)), None),
    )


def findings_of(pipeline: Pipeline, results: Mapping[str, StepResult], artifacts: ArtifactStore) -> Findings:
    """The evidence of a run that just ended."""
    types = {f"{step.id}.{name}": kind for step in pipeline.steps for name, kind in step.outputs.items()}
    outputs = {f"{id}.{name}": digest for id, result in results.items() for name, digest in result.outputs.items()}
    return read_findings(outputs, types, artifacts)


def _read(outputs: Mapping[str, str], types: Mapping[str, ArtifactType], artifacts: ArtifactStore) -> Iterator[object]:
    for ref, digest in outputs.items():
        if types[ref] is ArtifactType.EVALUATION and ref != "evaluate.evaluation":
            # Whatever a component of the user's own measured, the gates judged this one.
            continue
        if types[ref] in _FILES:
            file, kind = _FILES[types[ref]]
            yield evidence.parse(kind, artifacts.read(digest, file))
