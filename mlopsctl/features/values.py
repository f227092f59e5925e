"""Looking at the values before they are transformed, while the column and the rows can still be named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlopsctl.features.chains import Chain
from mlopsctl.features.impute import Impute
from mlopsctl.features.one_hot import OneHot
from mlopsctl.features.ordinal import Ordinal
from mlopsctl.ground.errors import Diagnostic, StepProblem
from mlopsctl.tables.columns import listed, shown

if TYPE_CHECKING:
    import pandas as pd


def check_train(chains: Sequence[Chain], train: pd.DataFrame) -> None:
    """Refuse columns of the train split that nothing can be learned from.

    Raises:
        StepProblem: with every column that has no value, and every column of numbers that has infinite ones.
    """
    problems = [*_empty(chains, train), *_infinite(chains, train, "train")]
    if problems:
        raise StepProblem(problems)


def check_held_out(chains: Sequence[Chain], train: pd.DataFrame, rows: pd.DataFrame, split: str) -> None:
    """Refuse rows of another split that the fitted transform could not take.

    Raises:
        StepProblem: for infinite numbers, and for unseen or missing values where a feature says ``unseen: error``.
    """
    problems = [*_infinite(chains, rows, split), *_unseen(chains, train, rows, split)]
    if problems:
        raise StepProblem(problems)


def _empty(chains: Sequence[Chain], train: pd.DataFrame) -> Iterator[Diagnostic]:
    for chain in chains:
        for column in chain.columns:
            if chain.transforms and not chain.raw and train[column.name].isna().all():
                message = f"column {shown(column.name)} has no value in the train split"
                yield Diagnostic(id="empty-column", message=message, hint=_leave_out(column.name))


def _infinite(chains: Sequence[Chain], rows: pd.DataFrame, split: str) -> Iterator[Diagnostic]:
    import numpy as np

    for chain in chains:
        for column in chain.columns if chain.transforms and chain.numeric else ():
            count = int(np.isinf(rows[column.name].astype("float64")).sum())
            if count:
                message = f"column {shown(column.name)} is infinite in {count} rows of the {split} split"
                hint = f"filter those rows out, or {_leave_out(column.name)}"
                yield Diagnostic(id="infinite-values", message=message, hint=hint)


def _unseen(chains: Sequence[Chain], train: pd.DataFrame, rows: pd.DataFrame, split: str) -> Iterator[Diagnostic]:
    for chain in chains:
        last = chain.transforms[-1] if chain.transforms else None
        if not isinstance(last, OneHot | Ordinal) or last.unseen == "ignore":
            continue
        # A missing value has a place in no column of one_hot, and stays missing in an order.
        filled = isinstance(last, Ordinal) or any(isinstance(transform, Impute) for transform in chain.transforms)
        order = last.order if isinstance(last, Ordinal) else ()
        for column in chain.columns:
            known = set(order or train[column.name].dropna().unique())
            values = rows[column.name]
            strange = sorted(str(value) for value in set(values.dropna().unique()) - known)
            if strange:
                message = (
                    f"column {shown(column.name)} of the {split} split has values that train lacks: {listed(strange)}"
                )
                yield Diagnostic(id="unseen-value", message=message, hint="write `unseen: ignore`, or filter them out")
            elif not filled and values.isna().any():
                message = f"column {shown(column.name)} of the {split} split has missing values"
                yield Diagnostic(id="missing-values", message=message, hint="list it under `impute` before `one_hot`")


def _leave_out(name: str) -> str:
    return f"leave it out: {{kind: drop, columns: [{name}]}}"
