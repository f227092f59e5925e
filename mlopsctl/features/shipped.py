"""What a packed model needs beside scikit-learn to transform rows: hashed values, weighted words, the user's own.

This file stands alone: it is copied into the ``code/`` folder of every transform and model that uses it, under the
name ``mlopsctl_features``, so that the model serves where ``mlopsctl`` is not installed. Pickles name its classes by
that module. Each is a function of a frame: raw columns in, float64 columns out, the index kept.
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SHIPPED_AS = "mlopsctl_features"


def as_text(value: object) -> str:
    """A value as the text that is hashed and read: ``true`` and ``false``, whole numbers without a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value)


def bucket(value: object, buckets: int) -> int:
    """The bucket of a value: the first 8 bytes of the SHA-256 of its UTF-8 text, big-endian, modulo ``buckets``."""
    content = as_text(value).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") % buckets


class HashedBuckets:
    """A column of 0 and 1 for each bucket; a missing value is 0 everywhere."""

    __module__ = SHIPPED_AS

    def __init__(self, buckets: int) -> None:
        self.buckets = buckets

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        filled = np.zeros((len(frame), len(frame.columns) * self.buckets))
        for place, name in enumerate(frame.columns):
            # The last place answers for missing values, whose code is -1.
            codes, values = pd.factorize(frame[name].to_numpy(dtype=object))
            found = np.array([*(bucket(value, self.buckets) for value in values.tolist()), -1])[codes]
            rows = np.flatnonzero(found >= 0)
            filled[rows, place * self.buckets + found[rows]] = 1.0
        names = [f"{name}#{number}" for name in frame.columns for number in range(self.buckets)]
        return pd.DataFrame(filled, index=frame.index, columns=names)


class WeightedWords:
    """The words of each column, weighted as scikit-learn's ``TfidfVectorizer`` does; a missing text has no words.

    ``learned`` are, by column, its words in order and the weight of each. A fitted vectorizer is not kept: it holds
    numbers that differ from process to process.
    """

    __module__ = SHIPPED_AS

    def __init__(self, learned: dict[str, tuple[list[str], NDArray[np.float64]]], names: list[str]) -> None:
        self.learned = learned
        self.names = names

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        import numpy as np
        import pandas as pd
        from sklearn.feature_extraction.text import TfidfVectorizer

        parts = []
        for name, (words, weights) in self.learned.items():
            vectorizer = TfidfVectorizer(vocabulary=words)
            vectorizer.idf_ = weights
            parts.append(vectorizer.transform(texts(frame[name])).toarray().astype(np.float64))
        return pd.DataFrame(np.hstack(parts), index=frame.index, columns=self.names)


class OwnColumns:
    """A fitted transformer of the user's own, its answer checked and named."""

    __module__ = SHIPPED_AS

    def __init__(self, transformer: Any, names: list[str], entrypoint: str) -> None:
        self.transformer = transformer
        self.names = names
        self.entrypoint = entrypoint

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        numbers = as_numbers(self.transformer.transform(frame), len(frame), self.entrypoint)
        if numbers.shape[1] != len(self.names):
            raise ValueError(f"{self.entrypoint} gives {numbers.shape[1]} columns, and gave {len(self.names)} before")
        return pd.DataFrame(numbers, index=frame.index, columns=self.names)


def texts(column: pd.Series) -> list[str]:
    """The values as texts; a missing one is empty."""
    import pandas as pd

    return ["" if pd.isna(value) else as_text(value) for value in column.tolist()]


def as_numbers(answer: Any, rows: int, entrypoint: str) -> NDArray[np.float64]:
    """What a transformer answered (frame, array or sparse matrix) as rows × columns of float64.

    Raises:
        ValueError: when it is not one row of numbers for each row, or a number is infinite.
    """
    import numpy as np

    dense = answer.toarray() if hasattr(answer, "toarray") else answer
    try:
        numbers = np.asarray(dense, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{entrypoint} gives something that is no number: {error}") from None
    numbers = numbers.reshape(len(numbers), -1) if numbers.ndim == 1 else numbers
    if numbers.ndim != 2 or len(numbers) != rows:
        raise ValueError(f"{entrypoint} gives {numbers.shape} for {rows} rows")
    if np.isinf(numbers).any():
        raise ValueError(f"{entrypoint} gives infinite numbers")
    return numbers


# In a process of mlopsctl itself, pickles find the classes here; a model that is loaded brings its own copy.
sys.modules.setdefault(SHIPPED_AS, sys.modules[__name__])
