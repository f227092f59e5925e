"""What is fitted and what comes out: the values between components and the ways to train."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlopsctl.frameworks.labels import Label
from mlopsctl.frameworks.packed import OwnModules
from mlopsctl.ground.digest import Json

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of one split: transformed features, and the label as numbers (a class's position, or the value)."""

    features: pd.DataFrame
    target: NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Job:
    """What is fitted: the splits, the label's name, the task (``classification`` or ``regression``), the classes in
    the order of their numbers, the seed, the project's folder, where the user's code is, and a folder for files that
    are needed until the model is packed."""

    train: Split
    validation: Split
    label: str
    task: str
    seed: int
    project: Path
    scratch: Path
    classes: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model.

    Attributes:
        name: the estimator's dotted name, or the entrypoint.
        output: what it answers with (``logits``, ``probability``, ``label``); ``None``: scikit-learn's own interface.
        code, modules: the project's files it is made of, and their imported modules.
        warnings: what the library warned of while fitting, each once.
        files: a folder whose ``code/`` and ``program/`` belong to the model; ``None``: there is none.
    """

    estimator: Any
    framework: str
    name: str
    parameters: dict[str, Json]
    output: str | None = None
    code: tuple[str, ...] = ()
    modules: OwnModules = field(default_factory=lambda: OwnModules(Path(), ()))
    warnings: tuple[str, ...] = ()
    files: Path | None = None


def labelled(split: Split, label: str) -> pd.DataFrame:
    """The features with the label as the last column, for the user to keep and change."""
    frame = split.features.copy()
    frame[label] = split.target
    return frame
