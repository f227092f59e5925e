"""Checks: rules on data. What the user writes under ``kind`` is the object that judges. One file a kind."""

from typing import Annotated

from pydantic import Field

from mlopsctl.checks.drift import Drift
from mlopsctl.checks.freshness import Freshness
from mlopsctl.checks.null_fraction import NullFraction
from mlopsctl.checks.range import RangeCheck
from mlopsctl.checks.row_count import RowCount
from mlopsctl.checks.schema import SchemaCheck
from mlopsctl.checks.skew import Skew
from mlopsctl.checks.unique import Unique

Check = Annotated[
    RowCount | SchemaCheck | NullFraction | RangeCheck | Unique | Freshness | Drift | Skew,
    Field(discriminator="kind"),
]

__all__ = [
    "Check",
    "Drift",
    "Freshness",
    "NullFraction",
    "RangeCheck",
    "RowCount",
    "SchemaCheck",
    "Skew",
    "Unique",
]
