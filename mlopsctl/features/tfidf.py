"""``tfidf``: words of a text, weighted by how rare they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Made, Transform
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import ColumnType, shown

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class TfIdf(Transform):
    """The words of a text as weights: frequent in the row, rare in the train split.

    Words are two or more letters or digits, in lower case. A missing text has no words, and words that the train split
    does not have count for nothing.
    """

    takes: ClassVar[frozenset[ColumnType]] = frozenset({ColumnType.STRING})
    ships: ClassVar[bool] = True

    kind: Literal["tfidf"] = Field(default="tfidf", title="Kind", description="Words weighted by how rare they are.")
    max_features: int = Field(
        default=1000, ge=1, title="Most words", description="How many of the most frequent words are kept."
    )

    def made(self, train: pd.DataFrame) -> Made:
        """See :meth:`Transform.made`."""
        from sklearn.preprocessing import FunctionTransformer

        from mlopsctl.features.shipped import WeightedWords

        learned = {str(name): self._learned(train[name]) for name in train.columns}
        outputs = [(name, f"{name}:{word}") for name, (words, _) in learned.items() for word in words]
        return Made([FunctionTransformer(WeightedWords(learned, [name for _, name in outputs]))], outputs)

    def _learned(self, column: pd.Series) -> tuple[list[str], NDArray[np.float64]]:
        """The words of a column of the train split, and their weights."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        from mlopsctl.features.shipped import texts

        try:
            vectorizer = TfidfVectorizer(max_features=self.max_features).fit(texts(column))
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            message = f"column {shown(str(column.name))} has no word of two letters or digits in the train split"
            raise StepProblem.because("no-words", message, hint="use one_hot or hash, or drop the column") from None
        return vectorizer.get_feature_names_out().tolist(), vectorizer.idf_
