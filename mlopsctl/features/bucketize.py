"""``bucketize``: numbers as the number of their bucket."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Transform


class Bucketize(Transform):
    """Numbers as buckets: at the given boundaries, or at quantiles of the train split."""

    not_yet: ClassVar[str] = "the bucketize transform"

    kind: Literal["bucketize"] = Field(default="bucketize", title="Kind", description="Numbers as buckets.")
    buckets: int = Field(default=10, ge=2, le=1000, title="Buckets", description="How many quantile buckets there are.")
    boundaries: Annotated[tuple[float, ...], Field(strict=False)] = Field(
        default=(), title="Boundaries", description="Where the buckets end, growing; they replace the quantiles."
    )
