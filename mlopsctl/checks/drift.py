"""``drift``: a column's distribution moved."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.checks.comparing import Comparing
from mlopsctl.ground.scalars import Name

PREVIOUS, TRAIN = "previous", "train"


class Drift(Comparing):
    """The distribution of a column stays near that of a reference.

    ``previous``: all rows against those of the newest earlier run whose checks passed. ``train``: the validation and
    test rows together against the train rows. A dataset: all rows against all of that dataset's.
    """

    kind: Literal["drift"] = Field(default="drift", title="Kind", description="A column's distribution moved.")
    against: Name = Field(
        default=PREVIOUS,
        title="Reference",
        description="previous (the statistics of the run before), train (the train split), or the name of a dataset.",
    )

    @property
    def dataset(self) -> str | None:
        """The dataset that is the reference, if one is."""
        return None if self.against in (PREVIOUS, TRAIN) else self.against
