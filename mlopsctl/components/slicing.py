"""Slices: which rows have which value of a column, or of several columns crossed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlopsctl.gates.rule import slice_key
from mlopsctl.ground.errors import StepProblem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MISSING = "(missing)"
_MOST = 1_000


def rows_by_value(rows: pd.DataFrame, columns: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """The positions of the rows of each value, by the value's text, in the values' own order.

    Crossed columns give the texts joined by a comma; a comma inside one is written with a backslash.

    Raises:
        StepProblem: when there are more values than anybody reads.
    """
    import numpy as np

    found: dict[str, list[NDArray[np.int64]]] = {}
    groups = rows.groupby(list(columns), dropna=False, sort=True, observed=True).indices
    if len(groups) > _MOST:
        raise StepProblem.because(
            "too-many-slices",
            f"the slice {slice_key(tuple(columns))} has {len(groups)} values; at most {_MOST} can be measured",
            hint="slice by a column with fewer values",
        )
    for value, positions in groups.items():
        parts = value if isinstance(value, tuple) else (value,)
        texts = [_text(part) for part in parts]
        name = texts[0] if len(texts) == 1 else ",".join(_escaped(text) for text in texts)
        found.setdefault(name, []).append(np.asarray(positions, dtype=np.int64))
    return {name: np.sort(np.concatenate(positions)) for name, positions in found.items()}


def _text(value: object) -> str:
    # NaN and NaT alone differ from themselves.
    if value is None or value != value:
        return MISSING
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,")
