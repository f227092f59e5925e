"""The packed model: raw rows in, original labels and probabilities out.

This file stands alone, so that a registry can ship it beside the model and serve it where ``mlopsctl`` is not
installed. A packed model is a folder: ``model.json`` (what it is), ``transform.pkl`` (raw columns to numbers),
``estimator.pkl`` (numbers to an answer), and ``code/`` where the estimator is made of the user's own classes.
Loading one runs its code: do it only in a process that may be harmed.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MODEL_FILE = "model.json"
ESTIMATOR_FILE = "estimator.pkl"
TRANSFORM_FILE = "transform.pkl"
CODE_FOLDER = "code"
PREDICTION = "prediction"

_IMPORTS = RLock()


class OwnModules:
    """Modules that only one model sees, so that two versions of the same module can live in one process.

    Entered, the folder comes first in the import path and the named top-level modules are this model's own; left,
    everything is as before.
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._folder = str(folder)
        self._names = frozenset(names)
        self._modules: dict[str, ModuleType] = {}

    @classmethod
    def of(cls, code: Path) -> OwnModules:
        """The modules in a ``code/`` folder; none where there is no such folder."""
        return cls(code.resolve(), {path.stem for path in code.iterdir()} if code.is_dir() else ())

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the modules for a ``with`` block; one block at a time in a process."""
        if not self._names:
            yield
            return
        with _IMPORTS:
            outside = self._taken()
            writes = sys.dont_write_bytecode
            sys.modules.update(self._modules)
            sys.path.insert(0, self._folder)
            sys.dont_write_bytecode = True
            try:
                yield
            finally:
                sys.dont_write_bytecode = writes
                sys.path.remove(self._folder)
                self._modules = self._taken()
                sys.modules.update(outside)

    def _taken(self) -> dict[str, ModuleType]:
        """The modules of these names, taken out of the interpreter's table."""
        names = [name for name in sys.modules if name.partition(".")[0] in self._names]
        return {name: sys.modules.pop(name) for name in names}


class PackedModel:
    """A loaded model.

    Attributes:
        task: ``classification`` or ``regression``.
        label: the column it predicts.
        classes: the labels in the order of the probabilities; empty in a regression.
        positive: the position in ``classes`` of the positive class of two, else ``None``.
        features: the raw columns it reads, in order.
    """

    def __init__(self, folder: Path) -> None:
        """Read a packed model; see :func:`load`."""
        modules = OwnModules.of(folder / CODE_FOLDER)
        with modules():
            transform = _unpickled(folder / TRANSFORM_FILE)
            estimator = _unpickled(folder / ESTIMATOR_FILE)
        info = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        self._fill(info, transform, estimator, modules)

    @classmethod
    def made(cls, info: dict[str, Any], estimator: Any, modules: OwnModules) -> PackedModel:
        """A model that was fitted in this process and takes features that are transformed already."""
        model = cls.__new__(cls)
        model._fill(info, None, estimator, modules)
        return model

    def _fill(self, info: dict[str, Any], transform: Any, estimator: Any, modules: OwnModules) -> None:
        self.info = info
        self.task: str = info["task"]
        self.label: str = info["label"]
        self.classes: list[Any] = info["classes"]
        self.positive: int | None = 1 if info["positive"] is not None else None
        self.features: list[str] = [feature["name"] for feature in info["features"]]
        self._modules = modules
        self._transform = transform
        self._estimator = estimator

    @property
    def output_columns(self) -> list[str]:
        """The columns of :meth:`predict`, where the model gives probabilities."""
        return [PREDICTION, *(f"probability_{class_name(value)}" for value in self.classes)]

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The prediction for each raw row, and for a classification the probability of every class, if it has them.

        Columns may stand in any order, and more than are needed; the index is kept.

        Raises:
            ValueError: when a column is missing.
        """
        import numpy as np
        import pandas as pd

        prediction, probability = self.answer(frame)
        if self.task != "classification":
            return pd.DataFrame({PREDICTION: prediction}, index=frame.index)
        labels = np.asarray(self.classes, dtype=object if isinstance(self.classes[0], str) else None)
        columns = {PREDICTION: labels[prediction]}
        if probability is not None:
            columns |= {name: probability[:, place] for place, name in enumerate(self.output_columns[1:])}
        return pd.DataFrame(columns, index=frame.index)

    def answer(self, frame: pd.DataFrame) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The answers as arrays: numbers, or positions in ``classes`` with probabilities (rows × classes) if any.

        Raises:
            ValueError: when a column is missing, or the estimator answers in a shape that cannot be read.
        """
        with self._modules():
            return self._answered(self._transform.transform(self._columns(frame)))

    def answer_features(self, numbers: pd.DataFrame) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The same for rows that are transformed already.

        Raises:
            ValueError: when the estimator answers in a shape that cannot be read.
        """
        with self._modules():
            return self._answered(numbers)

    def _answered(self, numbers: pd.DataFrame) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        if self.task == "classification":
            return self._classified(numbers)
        return self._checked(_flat(self._called(numbers)), len(numbers)), None

    def _columns(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The raw columns it reads, in the order it was fitted with."""
        missing = [name for name in self.features if name not in frame.columns]
        if missing:
            raise ValueError(
                f"the rows have no column {', '.join(missing)}; the model reads {', '.join(self.features)}"
            )
        return frame[self.features]

    def _classified(self, numbers: pd.DataFrame) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """Positions in ``classes`` and probabilities, from what the estimator declares to answer with."""
        import numpy as np

        output = self.info["output"]
        rows = len(numbers)
        if output == "label" or (output is None and not hasattr(self._estimator, "predict_proba")):
            return self._checked(_positions(self._called(numbers)), rows), None
        if output != "logits" and hasattr(self._estimator, "predict_proba"):
            probability = self._spread(np.asarray(self._estimator.predict_proba(numbers), dtype=np.float64))
            chosen = _positions(self._estimator.predict(numbers)) if output is None else _best(probability)
            return self._checked(chosen, rows), probability
        raw = np.asarray(self._called(numbers), dtype=np.float64)
        probability = self._spread(_from_logits(raw) if output == "logits" else raw)
        return self._checked(_best(probability), rows), probability

    def _called(self, numbers: pd.DataFrame) -> Any:
        """What ``predict`` answers, or the model itself where it is a function."""
        return self._estimator.predict(numbers) if hasattr(self._estimator, "predict") else self._estimator(numbers)

    def _spread(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """One column for each class: from the positive class alone, or from the classes the estimator knows."""
        import numpy as np

        count = len(self.classes)
        columns = probability.reshape(len(probability), -1)
        if columns.shape[1] == 1 and count == 2:
            return np.hstack([1 - columns, columns])
        if columns.shape[1] == count:
            return columns
        known = getattr(self._estimator, "classes_", None)
        if known is None or len(known) != columns.shape[1]:
            raise ValueError(f"the model answers with {columns.shape[1]} columns for {count} classes")
        spread = np.zeros((len(columns), count))
        spread[:, np.asarray(known, dtype=np.int64)] = columns
        return spread

    def _checked(self, answers: NDArray[Any], rows: int) -> NDArray[Any]:
        if len(answers) != rows:
            raise ValueError(f"the model answers {len(answers)} times for {rows} rows")
        if self.task == "classification" and rows and not 0 <= answers.min() <= answers.max() < len(self.classes):
            raise ValueError(f"the model answers with labels outside 0 to {len(self.classes) - 1}")
        return answers


def load(folder: Path) -> PackedModel:
    """The model in a folder. Runs the model's code.

    Raises:
        FileNotFoundError: when the folder holds no packed model.
    """
    return PackedModel(Path(folder))


def _load_pyfunc(path: str) -> PackedModel:
    """MLflow's entry: the model in its data folder."""
    return load(Path(path))


def class_name(value: object) -> str:
    """A class as it stands in a column's name: ``true`` for a boolean, else its text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unpickled(path: Path) -> Any:
    with path.open("rb") as stream:
        return pickle.load(stream)


def _flat(values: Any) -> NDArray[Any]:
    import numpy as np

    return np.asarray(values).reshape(-1)


def _positions(values: Any) -> NDArray[np.int64]:
    """Positions of classes: whole numbers, in whatever type the estimator answers with."""
    import numpy as np

    try:
        answers = _flat(values).astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError("the model answers with labels that are no numbers of classes") from None
    wrong = answers[~(np.isfinite(answers) & (answers == np.floor(answers)))]
    if len(wrong):
        raise ValueError(f"the model answers with the label {wrong[0]:g}, and a class's number is a whole one")
    return answers.astype(np.int64)


def _best(probability: NDArray[np.float64]) -> NDArray[Any]:
    """The most probable class; the first among equals."""
    import numpy as np

    best: NDArray[Any] = np.argmax(probability, axis=1)
    return best


def _from_logits(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sigmoid of one column, softmax of several; without overflow."""
    import numpy as np

    columns = logits.reshape(len(logits), -1)
    if columns.shape[1] == 1:
        columns = np.hstack([np.zeros_like(columns), columns])
    powers = np.exp(columns - columns.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares if logits.reshape(len(logits), -1).shape[1] > 1 else shares[:, 1:]
