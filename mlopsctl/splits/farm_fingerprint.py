"""``farm_fingerprint``: BigQuery's ``MOD(ABS(FARM_FINGERPRINT(x)), buckets)``, so both sides agree on each row.

``x`` is the row's JSON or one column's text, as ``tables/bigquery.py`` writes them. Of one fingerprint, -2**63,
BigQuery cannot take ``ABS`` and its query fails; so does this split, rather than place the row where it would not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import ColumnName, refusal
from mlopsctl.splits.placing import ORDER, Placed, Placing, column_named, rows
from mlopsctl.tables.bigquery import Fingerprinted, row_sql, text_sql
from mlopsctl.tables.columns import Column, shown
from mlopsctl.tables.engine import batches

if TYPE_CHECKING:
    import numpy as np
    from duckdb import DuckDBPyConnection as Connection
    from numpy.typing import NDArray
    from pyarrow import Array

# `8` alone reads as a number in YAML, `1-4` as text.
Buckets: TypeAlias = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^\d{1,9}(-\d{1,9})?$")]

# Small enough for the processor's cache, which makes it three times as fast as large ones.
_BATCH_ROWS = 8192
_NOWHERE = -1
_LEAST = -(2**63)

_RANGE = re.compile(r"^(\d{1,9})(?:-(\d{1,9}))?$")


class FarmFingerprint(Placing):
    """Buckets of a fingerprint, over the whole row's JSON text or one column's text; null goes to no split."""

    kind: Literal["farm_fingerprint"] = Field(
        default="farm_fingerprint", title="Kind", description="By buckets of BigQuery's FARM_FINGERPRINT."
    )
    column: ColumnName | None = Field(
        default=None, title="Column", description="The column whose text is hashed; the whole row when nothing is said."
    )
    buckets: int = Field(ge=1, le=1_000_000, title="Buckets", description="How many buckets there are, from 0.")
    train: Buckets = Field(title="Train", description="The buckets to train on: 8 or 1-4.")
    validation: Buckets = Field(title="Validation", description="The buckets that select: 8 or 1-4.")
    test: Buckets = Field(title="Test", description="The buckets that gates judge on: 8 or 1-4.")

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        taken: list[tuple[str, range]] = []
        for name, written in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            found = bucket_range(written)
            if len(found) == 0 or found[-1] >= self.buckets:
                raise _problem(f"`{name}: {written}` is not within the buckets 0-{self.buckets - 1}")
            for other, theirs in taken:
                if max(found[0], theirs[0]) <= min(found[-1], theirs[-1]):
                    raise _problem(f"`{other}` and `{name}` share buckets")
            taken.append((name, found))
        return self

    def used(self) -> Fingerprinted:
        """The rows that go somewhere, for a source that can leave the others where they are."""
        ranges: list[tuple[int, int]] = []
        for found in sorted((bucket_range(getattr(self, name)) for name in ORDER), key=lambda one: one[0]):
            if ranges and ranges[-1][1] + 1 == found[0]:
                ranges[-1] = (ranges[-1][0], found[-1])
            else:
                ranges.append((found[0], found[-1]))
        return Fingerprinted(self.column, self.buckets, tuple(ranges))

    def places(self, connection: Connection, relation: str, columns: Sequence[Column]) -> Placed:
        """See :meth:`Placing.places`; rows whose column holds nothing go nowhere."""
        import numpy as np
        import pyarrow as pa

        text = row_sql(columns) if self.column is None else text_sql(column_named(columns, self.column))
        query = f"SELECT encode({text}) AS text FROM {relation}"
        found = [self._of_batch(batch.column(0)) for batch in batches(connection, query, _BATCH_ROWS)]
        place = np.concatenate([places for places, _ in found])
        lost = sum(missing for _, missing in found)
        connection.register("fingerprinted", pa.table({"place": pa.array(place, mask=place == _NOWHERE)}))
        what = shown(self.column) if self.column else "the row"
        remarks = (f"{rows(lost)} with nothing in {what}",) if lost else ()
        return Placed("SELECT place FROM fingerprinted", remarks, f"{len(place)} rows in {self.buckets} buckets")

    def _of_batch(self, texts: Array) -> tuple[NDArray[np.int8], int]:
        """The place of each text, and how many of them are missing."""
        import numpy as np

        missing = texts.is_null().to_numpy(zero_copy_only=False)
        bucket = bucket_of(_fingerprints(texts)[~missing], self.buckets)
        taken = np.full(len(bucket), _NOWHERE, dtype=np.int8)
        for number, name in enumerate(ORDER):
            wanted = bucket_range(getattr(self, name))
            taken[(bucket >= wanted[0]) & (bucket <= wanted[-1])] = number
        place = np.full(len(texts), _NOWHERE, dtype=np.int8)
        place[~missing] = taken
        return place, int(missing.sum())


def bucket_of(fingerprints: NDArray[np.int64], buckets: int) -> NDArray[np.int64]:
    """The bucket of each fingerprint, from 0.

    Raises:
        StepProblem: for the one fingerprint that has no absolute value among INT64.
    """
    import numpy as np

    if (fingerprints == _LEAST).any():
        message = f"a row has the fingerprint {_LEAST}, whose absolute value BigQuery cannot take"
        raise StepProblem.because("fingerprint-overflow", message, hint="leave the row out with `filter`")
    return np.abs(fingerprints) % buckets


def _fingerprints(texts: Array) -> NDArray[np.int64]:
    """FARM_FINGERPRINT of each binary text; that of a missing one means nothing."""
    import numpy as np

    from mlopsctl.tables.farmhash import fingerprints

    first, last = texts.offset, texts.offset + len(texts)
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[first : last + 1].astype(np.int64)
    begin, end = int(ends[0]), int(ends[-1])
    held = np.frombuffer(data, dtype=np.uint8)[begin:end] if data is not None else np.empty(0, dtype=np.uint8)
    return fingerprints(held, ends[:-1] - begin, np.diff(ends)).view(np.int64)


def bucket_range(written: int | str) -> range:
    """The buckets that ``8`` or ``1-4`` names; empty for a range that runs backwards."""
    matched = _RANGE.match(str(written))
    if matched is None:
        return range(0)
    first = int(matched[1])
    return range(first, int(matched[2] or first) + 1)


def _problem(message: str) -> PydanticCustomError:
    return refusal("split-buckets", message, "give each split its own buckets, as 8 or 1-4")
