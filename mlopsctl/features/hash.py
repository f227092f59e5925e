"""``hash``: text as one of a fixed number of buckets."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Transform


class Hash(Transform):
    """Text as one of a fixed number of buckets, by a hash; nothing is learned."""

    not_yet: ClassVar[str] = "the hash transform"

    kind: Literal["hash"] = Field(default="hash", title="Kind", description="Text as one of a fixed number of buckets.")
    buckets: int = Field(ge=2, le=1_000_000, title="Buckets", description="How many buckets there are.")
