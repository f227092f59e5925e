"""``train``: fit one target on the train split and pack it with the transform into a model that takes raw rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mlopsctl.components.learning import LearningParameters, lesson
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Work
from mlopsctl.components.tune import best_params
from mlopsctl.frameworks.fitting import Fittable, Fitted, fit
from mlopsctl.frameworks.labels import Labels
from mlopsctl.frameworks.pack import pack
from mlopsctl.pipeline.ir import ArtifactType

_PROBED = 5
_TOLD = 20


class TrainParameters(LearningParameters):
    """See :class:`LearningParameters`."""


SPEC = ComponentSpec(
    name="train",
    version=1,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "transform_graph": InputSpec(ArtifactType.TRANSFORM_GRAPH),
        "anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True),
        "hyperparameters": InputSpec(ArtifactType.HYPERPARAMETERS, optional=True),
    },
    outputs={"model": ArtifactType.MODEL},
    parameters=TrainParameters,
    packages=("numpy", "pandas", "pyarrow", "scikit-learn", "scipy"),
    preload=("numpy", "pandas", "pyarrow.parquet", "sklearn.base", "sklearn.utils.validation"),
)


def run(work: Work, parameters: TrainParameters) -> Notes:
    """Read the splits, learn the classes, fit with the best parameters that were found, pack."""
    target = _tuned(parameters.fittable, work.inputs.get("hyperparameters"))
    with tempfile.TemporaryDirectory(prefix="mlopsctl-train-") as scratch:
        learned = lesson(work, parameters, Path(scratch))
        fitted = fit(target, learned.job)
        pack(
            work.outputs["model"],
            fitted,
            learned.about,
            transform=work.inputs["transform_graph"],
            project=work.project,
            probe=learned.train.head(_PROBED),
        )
    return _notes(fitted, len(learned.train), learned.labels)


def _tuned(target: Fittable, hyperparameters: Path | None) -> Fittable:
    """The target with the parameters that a search found over its own."""
    if hyperparameters is None:
        return target
    return target.model_copy(update={"params": {**target.params, **best_params(hyperparameters)}})


def _notes(fitted: Fitted, rows: int, labels: Labels | None) -> Notes:
    classes = f", {len(labels.classes)} classes" if labels else ""
    warned = f", {len(fitted.warnings)} warning{'s' * (len(fitted.warnings) != 1)}" if fitted.warnings else ""
    name = fitted.name if fitted.files is not None else fitted.name.rpartition(".")[2]
    return Notes(
        values={
            "rows": rows,
            "estimator": fitted.name,
            "classes": list(labels.classes) if labels else [],
            "warnings": list(fitted.warnings[:_TOLD]),
        },
        line=f"{name} on {rows} rows{classes}{warned}",
    )
