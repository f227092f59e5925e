"""``min_max``: numbers between 0 and 1."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.features.transform import Transform


class MinMax(Transform):
    """Numbers minus the train split's smallest, over its span."""

    not_yet: ClassVar[str] = "the min_max transform"

    kind: Literal["min_max"] = Field(default="min_max", title="Kind", description="Numbers scaled to 0..1.")
