"""What the engine's pages are given of an evaluation, in the form that KFP's own SDK writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.curves import CURVES_FILE, Confusion, Curve, Curves, ModelCurves
from mlopsctl.evidence import Evaluation, Measurement
from mlopsctl.step.container_views import view_of

EVALUATION = Evaluation(
    task="classification",
    split="test",
    rows=4,
    model="m",
    champion="",
    measurements=(
        Measurement("accuracy", 0.75, 4),
        Measurement("accuracy", 0.5, 2, slice="a=1"),
        Measurement("roc_auc", None, 4, problem="one class"),
    ),
)
CURVES = Curves(
    ModelCurves(
        confusion=Confusion(("no", "yes"), ((2, 0), (1, 1))),
        roc=(Curve("yes", (0.0, 0.0, 1.0), (0.0, 0.5, 1.0), 0.75, (0.9, 0.9, 0.1)),),
    )
)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def kept(store: ArtifactStore, tmp_path: Path, curves: Curves | None) -> str:
    folder = tmp_path / "evaluation"
    folder.mkdir()
    evidence.write(EVALUATION, folder, evidence.EVALUATION_FILE)
    if curves is not None:
        evidence.write(curves, folder, CURVES_FILE)
    return store.put(folder)


def test_metrics_are_numbers_by_name(store: ArtifactStore, tmp_path: Path) -> None:
    assert view_of("system.Metrics", kept(store, tmp_path, None), store) == {"accuracy": 0.75}


def test_classification_has_its_matrix_and_its_curve(store: ArtifactStore, tmp_path: Path) -> None:
    assert view_of("system.ClassificationMetrics", kept(store, tmp_path, CURVES), store) == {
        "accuracy": 0.75,
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": "no"}, {"displayName": "yes"}],
            "rows": [{"row": [2, 0]}, {"row": [1, 1]}],
        },
        "confidenceMetrics": [
            {"confidenceThreshold": 0.9, "recall": 0.0, "falsePositiveRate": 0.0},
            {"confidenceThreshold": 0.9, "recall": 0.5, "falsePositiveRate": 0.0},
            {"confidenceThreshold": 0.1, "recall": 1.0, "falsePositiveRate": 1.0},
        ],
    }


def test_an_evaluation_without_pictures_has_its_numbers(store: ArtifactStore, tmp_path: Path) -> None:
    assert view_of("system.ClassificationMetrics", kept(store, tmp_path, None), store) == {"accuracy": 0.75}


def test_another_type_shows_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    assert view_of("system.Artifact", kept(store, tmp_path, CURVES), store) == {}
