"""The inside of an adopted model: an MLflow model as it was registered, answering as a packed model's estimator.

This file stands alone: it is shipped in the packed model's ``code/``, beside the MLflow model's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

FOLDER = "adopted_model"


class Rows:
    """The transform of a model that takes raw rows: none."""

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows as they are."""
        return rows


class Answers:
    """A model that answers with labels or numbers; it is loaded when it is first asked.

    Attributes:
        classes: the labels in order, of a classification; empty in a regression.
    """

    def __init__(self, classes: tuple[Any, ...]) -> None:
        self.classes = classes
        self._loaded: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the loaded model."""
        return {"classes": self.classes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """See :meth:`__getstate__`."""
        self.classes = state["classes"]
        self._loaded = None

    @property
    def model(self) -> Any:
        """The model by its own flavour where that is scikit-learn's, else by MLflow's general one."""
        if self._loaded is None:
            self._loaded = load(Path(__file__).resolve().parent / FOLDER)
        return self._loaded

    def predict(self, rows: pd.DataFrame) -> NDArray[Any]:
        """Positions in ``classes``, or numbers.

        Raises:
            ValueError: when the model answers with something that is no class.
        """
        import numpy as np

        answers = np.asarray(self.model.predict(self._typed(rows)))
        answers = answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers
        if answers.ndim != 1:
            raise ValueError(f"the adopted model answers with {answers.ndim}-dimensional values, not one for each row")
        return self._places(answers) if self.classes else answers.astype(np.float64)

    def _typed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with whole numbers as fractions where the model's signature has those: MLflow converts none."""
        signature = getattr(getattr(self.model, "metadata", None), "signature", None)
        if signature is None or signature.inputs is None or not signature.inputs.has_input_names():
            return rows
        wanted = {column.name: str(getattr(column, "type", "")) for column in signature.inputs.inputs}
        doubles = [
            name
            for name in rows.columns
            if rows[name].dtype.kind in "iub" and wanted.get(name) in ("DataType.double", "double")
        ]
        return rows.astype(dict.fromkeys(doubles, "float64"))

    def _places(self, answers: NDArray[Any]) -> NDArray[np.int64]:
        import numpy as np

        places = {label: place for place, label in enumerate(self.classes)}
        texts = {str(label): place for place, label in enumerate(self.classes)}
        found = [places.get(value, texts.get(str(value), -1)) for value in answers.tolist()]
        if -1 in found:
            strange = answers[found.index(-1)]
            raise ValueError(f"the adopted model answers {strange!r}, which is none of the classes {self.classes}")
        return np.asarray(found, dtype=np.int64)


class Probabilities(Answers):
    """A model that has ``predict_proba`` and ``classes_``."""

    @property
    def classes_(self) -> NDArray[np.int64]:
        """The columns of the probabilities, as positions in ``classes``."""
        import numpy as np

        return self._places(np.asarray(self.model.classes_))

    def predict_proba(self, rows: pd.DataFrame) -> NDArray[Any]:
        """Probabilities, rows × the classes that the model knows."""
        import numpy as np

        return np.asarray(self.model.predict_proba(rows), dtype=np.float64)


def load(folder: Path) -> Any:
    """The MLflow model in a folder. Runs its code."""
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import Model

    flavors = Model.load(str(folder)).flavors
    if "sklearn" in flavors:
        return mlflow.sklearn.load_model(str(folder))
    return mlflow.pyfunc.load_model(str(folder))
