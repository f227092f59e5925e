"""The ``data`` section: where rows come from, what is checked, and how they are split."""

from pydantic import Field

from mlopsctl.checks import Check
from mlopsctl.config.sections.text import Scalar, Text
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import ColumnName, RelativePath
from mlopsctl.sources import Source
from mlopsctl.splits import HashSplit, Split


class Dataset(Spec):
    """One dataset: source, filter, checks, split, columns; in that order."""

    source: Source = Field(title="Source", description="Where the rows come from, by `kind`.")
    columns: tuple[ColumnName, ...] | None = Field(
        None,
        min_length=1,
        title="Columns",
        description="The columns that are kept after checks and split, the label among them; all by default.",
    )
    filter: Text | None = Field(
        None, title="Filter", description="One SQL condition; only rows for which it is true are read."
    )
    label: ColumnName | None = Field(
        None, title="Label", description="The column to predict. Needed by the dataset that models are trained on."
    )
    positive: Scalar | None = Field(
        None,
        title="Positive value",
        description="The label's value that counts as positive; every other value is negative. Classification only.",
    )
    split: Split = Field(
        default_factory=lambda: HashSplit.model_construct(kind="hash"),
        title="Split",
        description="How rows are divided into train, validation and test; by default by hash, 80/10/10.",
    )
    contract: RelativePath | None = Field(
        None,
        alias="schema",
        title="Schema",
        description="The file with the reviewed data contract, relative to the project file; inferred by default.",
    )
    checks: tuple[Check, ...] = Field(
        (), title="Checks", description="Rules on the data. A failed check stops what reads the data."
    )
