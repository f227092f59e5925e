"""An evaluation in the form that the pages of Kubeflow Pipelines and Vertex AI draw."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsctl import evidence
from mlopsctl.artifacts.problems import MissingArtifact
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.curves import CURVES_FILE, Confusion, Curve, Curves, ModelCurves
from mlopsctl.evidence import Evaluation
from mlopsctl.ground.digest import Json

METRICS, CLASSIFICATION = "system.Metrics", "system.ClassificationMetrics"


def view_of(schema: str, digest: str, store: ArtifactStore) -> Mapping[str, Json]:
    """The metadata of an evaluation for the engine's type: numbers, and for classification its pictures too.

    Args:
        digest: the evaluation in the store.
    """
    found = evidence.parse(Evaluation, store.read(digest, evidence.EVALUATION_FILE))
    numbers: dict[str, Json] = {
        one.metric: one.value for one in found.measurements if not one.slice and one.value is not None
    }
    if schema == METRICS:
        return numbers
    if schema == CLASSIFICATION:
        return {**numbers, **_pictures(_curves(digest, store))}
    return {}


def _curves(digest: str, store: ArtifactStore) -> ModelCurves:
    try:
        return evidence.parse(Curves, store.read(digest, CURVES_FILE)).candidate
    except MissingArtifact:
        return ModelCurves()


def _pictures(curves: ModelCurves) -> Mapping[str, Json]:
    """The confusion matrix, and the ROC curve where one class stands against the rest."""
    found: dict[str, Json] = {}
    if curves.confusion is not None:
        found["confusionMatrix"] = _matrix(curves.confusion)
    if len(curves.roc) == 1 and curves.roc[0].thresholds:
        found["confidenceMetrics"] = _points(curves.roc[0])
    return found


def _matrix(counted: Confusion) -> Json:
    return {
        "annotationSpecs": [{"displayName": name} for name in counted.classes],
        "rows": [{"row": list(row)} for row in counted.counts],
    }


def _points(curve: Curve) -> Json:
    return [
        {"confidenceThreshold": threshold, "recall": y, "falsePositiveRate": x}
        for x, y, threshold in zip(curve.x, curve.y, curve.thresholds, strict=True)
    ]
