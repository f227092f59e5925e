"""Which transforms each raw column goes through, in which order; pure, before any value is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from mlopsctl.features import Feature
from mlopsctl.features.drop import Drop
from mlopsctl.features.one_hot import OneHot
from mlopsctl.features.standardize import Standardize
from mlopsctl.features.transform import VALUES, Transform
from mlopsctl.ground.errors import Diagnostic, StepProblem
from mlopsctl.tables.columns import Column, ColumnType, shown, unknown_column


@dataclass(frozen=True, slots=True)
class Chain:
    """Columns of one sort that go through the same transforms, in order. No transforms: the columns are dropped."""

    columns: tuple[Column, ...]
    transforms: tuple[Transform, ...]

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers from the start (true and false are, unless they become columns)."""
        first = self.columns[0].type
        if self.raw:
            return False
        return first.numeric or (first is ColumnType.BOOL and not isinstance(self.transforms[-1], OneHot))

    @property
    def raw(self) -> bool:
        """Whether the columns go to one transform all together, as they are in the data."""
        return bool(self.transforms) and self.transforms[0].raw

    @property
    def dtypes(self) -> dict[str, Literal["float64", "object"]]:
        """As what each column reaches the first transform."""
        if not self.raw:
            return dict.fromkeys((column.name for column in self.columns), "float64" if self.numeric else "object")
        return {column.name: "float64" if column.type.numeric else "object" for column in self.columns}


def chains(features: Sequence[Feature], columns: Sequence[Column], label: str | None) -> tuple[Chain, ...]:
    """The chains of all columns but the label, in the order of the columns.

    A column that no feature lists is standardised when it holds numbers and one-hot encoded when it holds text or
    true and false. A column that several list goes through ``impute`` first, then one other.

    Raises:
        StepProblem: with every column that is unknown, is the label, holds what its transform cannot take, or is
            listed by transforms that do not go together.
    """
    names = [column.name for column in columns if column.name != label]
    problems = [*_unknown(features, names, label)]
    grouped: dict[tuple[tuple[int, ...], str], list[Column]] = {}
    for column in columns:
        if column.name != label:
            numbers = tuple(number for number, feature in enumerate(features) if column.name in feature.columns)
            steps = _steps(features, numbers, column)
            problems += _misfits(column, steps)
            sort = "raw" if steps and steps[0].raw else _sort(column.type)
            grouped.setdefault((numbers, sort), []).append(column)
    if problems:
        raise StepProblem(problems)
    return tuple(
        Chain(columns=tuple(members), transforms=_kept(_steps(features, numbers, members[0])))
        for (numbers, _), members in grouped.items()
    )


def _sort(type: ColumnType) -> str:
    """Columns of one sort have the same default and may share transforms."""
    return "number" if type.numeric else type.value


def _steps(features: Sequence[Feature], numbers: Sequence[int], column: Column) -> tuple[Transform, ...]:
    listed = [features[number] for number in numbers]
    return (*listed, *_default(column, listed))


def _default(column: Column, listed: Sequence[Transform]) -> tuple[Transform, ...]:
    """What the project leaves unsaid: a column nobody lists, and text that would stay text."""
    # Built without validation: the data may have names that could not be written in the project.
    columns = (column.name,)
    if column.type.numeric:
        return () if listed else (Standardize.model_construct(columns=columns),)
    if column.type not in VALUES or any(not transform.goes_on for transform in listed):
        return ()
    return (OneHot.model_construct(columns=columns),)


def _kept(steps: tuple[Transform, ...]) -> tuple[Transform, ...]:
    return () if isinstance(steps[0], Drop) else steps


def _unknown(features: Sequence[Feature], names: Sequence[str], label: str | None) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for feature in features:
        for name in feature.columns:
            if name == label:
                message = f"`{feature.kind}` lists the label {shown(name)}, which is no feature"
                found.append(Diagnostic(id="label-as-feature", message=message, hint="take it out of `columns`"))
            elif name not in names:
                found += unknown_column(name, names, f"features: {feature.kind}").diagnostics
    return found


def _misfits(column: Column, steps: Sequence[Transform]) -> list[Diagnostic]:
    """What is wrong with a column's transforms, one by one and together."""
    found: list[Diagnostic] = []
    if not steps:
        message = f"column {shown(column.name)} is {column.type}, which no default transform takes"
        hint = f"list it under `{{kind: drop, columns: [{column.name}]}}`, or leave it out of `columns` of the dataset"
        return [Diagnostic(id="wrong-type", message=message, hint=hint)]
    for before, after in pairwise(steps):
        if not before.goes_on or after.raw or isinstance(after, Drop):
            message = f"column {shown(column.name)} is listed by `{_kind(before)}` and by `{_kind(after)}`"
            hint = "list it once; only `impute` may come before another transform"
            if after.raw:
                hint = "list it once; your own transformer gets the values as they are in the data, and fills them"
            found.append(Diagnostic(id="column-twice", message=message, hint=hint))
    for transform in steps:
        reason = transform.misfit(column.type)
        if reason:
            message = f"`{_kind(transform)}` of column {shown(column.name)}: {reason}"
            found.append(Diagnostic(id="wrong-type", message=message, hint="use a transform for that type"))
    return found


def _kind(transform: Transform) -> str:
    return str(getattr(transform, "kind", ""))
