"""``hash``: text as one of a fixed number of buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Made, Transform
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import ColumnType

if TYPE_CHECKING:
    import pandas as pd

# Rows × columns × 8 bytes: beyond this they do not fit the memory of the machines that steps run on.
MOST_CELLS = 500_000_000


class Hash(Transform):
    """Text or whole numbers as 0 and 1 for each of a fixed number of buckets, by a hash; nothing is learned.

    The bucket is the first 8 bytes of the SHA-256 of the UTF-8 text, big-endian, modulo ``buckets``: the same on every
    machine. A missing value is 0 everywhere; a new value has its bucket like every other.
    """

    takes: ClassVar[frozenset[ColumnType]] = frozenset({ColumnType.STRING, ColumnType.INT})
    ships: ClassVar[bool] = True

    kind: Literal["hash"] = Field(default="hash", title="Kind", description="Text as one of a fixed number of buckets.")
    buckets: int = Field(ge=2, le=1_000_000, title="Buckets", description="How many buckets there are.")

    def _taken(self) -> str:
        return "text and whole numbers"

    def made(self, train: pd.DataFrame) -> Made:
        """See :meth:`Transform.made`."""
        from sklearn.preprocessing import FunctionTransformer

        from mlopsctl.features.shipped import HashedBuckets

        if train.size * self.buckets > MOST_CELLS:
            message = f"{train.size} values in {self.buckets} buckets make more than {MOST_CELLS:,} numbers"
            raise StepProblem.because("too-many-values", message, hint="use fewer buckets")
        hashed = HashedBuckets(self.buckets)
        outputs = [(str(name), f"{name}#{number}") for name in train.columns for number in range(self.buckets)]
        return Made([FunctionTransformer(hashed)], outputs)
