"""``farm_fingerprint``: BigQuery's ``MOD(ABS(FARM_FINGERPRINT(x)), buckets)``, so both sides agree on each row."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName, refusal

# `8` alone reads as a number in YAML, `1-4` as text.
Buckets: TypeAlias = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^\d{1,9}(-\d{1,9})?$")]

_RANGE = re.compile(r"^(\d{1,9})(?:-(\d{1,9}))?$")


class FarmFingerprint(Spec):
    """Buckets of a fingerprint, over the whole row's JSON text or one column's text; null goes to no split."""

    not_yet: ClassVar[str] = "splitting by BigQuery's fingerprint"

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


def bucket_range(written: int | str) -> range:
    """The buckets that ``8`` or ``1-4`` names; empty for a range that runs backwards."""
    matched = _RANGE.match(str(written))
    if matched is None:
        return range(0)
    first = int(matched[1])
    return range(first, int(matched[2] or first) + 1)


def _problem(message: str) -> PydanticCustomError:
    return refusal("split-buckets", message, "give each split its own buckets, as 8 or 1-4")
