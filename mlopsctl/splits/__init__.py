"""Splits: which rows train, which select, which judge. One file a kind."""

from typing import Annotated

from pydantic import Field

from mlopsctl.splits.column import ColumnSplit
from mlopsctl.splits.farm_fingerprint import FarmFingerprint
from mlopsctl.splits.group import GroupSplit
from mlopsctl.splits.hash import HashSplit
from mlopsctl.splits.placing import Placed
from mlopsctl.splits.time import TimeSplit

Split = Annotated[HashSplit | FarmFingerprint | TimeSplit | GroupSplit | ColumnSplit, Field(discriminator="kind")]

NAMES = ("train", "validation", "test")

__all__ = ["NAMES", "ColumnSplit", "FarmFingerprint", "GroupSplit", "HashSplit", "Placed", "Split", "TimeSplit"]
