"""How the types of artifacts and parameters are called in KFP's IR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlopsctl.ground.digest import Json
from mlopsctl.pipeline.ir import ArtifactType, Pipeline

STRING, STATUS = "STRING", "TASK_FINAL_STATUS"
LARGEST_INTEGER = 2**53
"""Numbers travel as binary64; whole numbers beyond this would change on the way."""

_SCHEMAS: Mapping[ArtifactType, str] = {
    ArtifactType.EXAMPLES: "system.Dataset",
    ArtifactType.PREDICTIONS: "system.Dataset",
    ArtifactType.MODEL: "system.Model",
    ArtifactType.PUSHED_MODEL: "system.Model",
    ArtifactType.METRICS: "system.Metrics",
    ArtifactType.EVALUATION: "system.Metrics",
}
_CLASSIFICATION = "system.ClassificationMetrics"


def artifact_type(kind: ArtifactType, classifies: bool) -> dict[str, Json]:
    """The schema of an artifact; an evaluation's depends on whether the model classifies."""
    title = _SCHEMAS.get(kind, "system.Artifact")
    if kind is ArtifactType.EVALUATION and classifies:
        title = _CLASSIFICATION
    return {"schemaTitle": title, "schemaVersion": "0.0.1"}


def classifies(pipeline: Pipeline) -> bool:
    """Whether the pipeline's evaluations are of classifiers."""
    return any(
        step.component == "evaluate" and step.parameters.get("task") == "classification" for step in pipeline.steps
    )


def parameter_type(value: Json) -> str:
    """The type of a parameter by its default."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "NUMBER_INTEGER"
    if isinstance(value, float):
        return "NUMBER_DOUBLE"
    if isinstance(value, Mapping):
        return "STRUCT"
    return "LIST" if isinstance(value, Sequence) and not isinstance(value, str) else STRING
