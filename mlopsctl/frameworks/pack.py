"""Write a fitted model as a packed model: the same bytes for the same training."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.frameworks.fitted import Fitted
from mlopsctl.frameworks.labels import Labels
from mlopsctl.frameworks.packed import CODE_FOLDER, ESTIMATOR_FILE, MODEL_FILE, TRANSFORM_FILE, PackedModel, load
from mlopsctl.frameworks.program import PROGRAM_FOLDER
from mlopsctl.ground.errors import StepProblem

if TYPE_CHECKING:
    import pandas as pd

_LAYOUT = 1
# Fixed, so that a newer Python does not change the bytes of the same model.
_PROTOCOL = 5


@dataclass(frozen=True, slots=True)
class About:
    """What a model is for: the task, the label and its classes (``None`` in a regression), the raw columns it reads
    with their types."""

    task: str
    label: str
    labels: Labels | None
    features: Sequence[Mapping[str, str]]


def pack(folder: Path, fitted: Fitted, about: About, *, transform: Path, project: Path, probe: pd.DataFrame) -> None:
    """Write the model into an empty folder, and prove that it loads and answers the raw rows of ``probe``.

    ``transform`` is the folder of the fitted transformer and of the code that it needs.

    Raises:
        StepProblem: when the model cannot be pickled, loaded back or asked.
    """
    shutil.copyfile(transform / TRANSFORM_FILE, folder / TRANSFORM_FILE)
    for shipped in (transform / CODE_FOLDER, fitted.files / CODE_FOLDER if fitted.files else None):
        if shipped is not None and shipped.is_dir():
            shutil.copytree(shipped, folder / CODE_FOLDER, copy_function=shutil.copyfile, dirs_exist_ok=True)
    if fitted.files:
        program = fitted.files / PROGRAM_FOLDER
        shutil.copytree(program, folder / PROGRAM_FOLDER, copy_function=shutil.copyfile)
    (folder / ESTIMATOR_FILE).write_bytes(_pickled(fitted))
    for file in fitted.code:
        target = folder / CODE_FOLDER / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((project / file).read_bytes().replace(b"\r\n", b"\n"))
    text = json.dumps(described(fitted, about), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (folder / MODEL_FILE).write_text(text + "\n", encoding="utf-8")
    _prove(folder, fitted.name, probe)


def described(fitted: Fitted, about: About) -> dict[str, object]:
    """What ``model.json`` says."""
    return {
        "layout": _LAYOUT,
        "task": about.task,
        "label": about.label,
        "classes": list(about.labels.classes) if about.labels else [],
        "positive": about.labels.positive if about.labels else None,
        "features": [dict(feature) for feature in about.features],
        "framework": fitted.framework,
        "estimator": fitted.name,
        "output": fitted.output,
        "parameters": fitted.parameters,
    }


def _pickled(fitted: Fitted) -> bytes:
    with fitted.modules():
        try:
            return pickle.dumps(fitted.estimator, protocol=_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise StepProblem.because(
                "unpicklable-model",
                f"the model of {fitted.name} cannot be saved: {error}",
                hint="define its classes and functions at the top of a module, not inside a function",
            ) from error


def _prove(folder: Path, name: str, probe: pd.DataFrame) -> PackedModel:
    """A model that cannot be loaded or asked must not leave the step that made it."""
    try:
        model = load(folder)
        model.predict(probe)
    except Exception as error:
        raise StepProblem.because(
            "unusable-model",
            f"the model of {name} was saved, and does not answer: {type(error).__name__}: {error}",
            hint="it must take a frame of features and answer once for each row, as `output` says",
        ) from error
    return model
