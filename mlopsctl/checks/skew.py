"""``skew``: what is served differs from what was trained on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.checks.comparing import Comparing
from mlopsctl.ground.scalars import Name


class Skew(Comparing):
    """The distribution of a column in served rows stays near that of the train split."""

    kind: Literal["skew"] = Field(default="skew", title="Kind", description="Training against serving.")
    serving: Name | None = Field(
        default=None,
        title="Serving data",
        description="The dataset of served rows; else the serving log.",
    )
    on_missing: Literal["error", "warn"] = Field(
        default="error", title="Without served rows", description="What it means when there are no served rows."
    )

    @property
    def dataset(self) -> str | None:
        """The dataset of served rows, if one is named."""
        return self.serving
