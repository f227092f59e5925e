"""Compare what a server answers with what the model predicts, after the same way through JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Difference:
    """Where an answer is not what it should be, as a sentence."""

    text: str

    def __str__(self) -> str:
        return self.text


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Json]]:
    """The rows of a table as JSON: missing values are ``null``, times ISO text."""
    return [
        {str(name): _plain(value) for name, value in zip(frame.columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def difference(body: bytes, expected: dict[str, Json], tolerance: float) -> float | Difference:
    """The largest difference between a served answer to one row and the prediction, or what is wrong with it.

    Args:
        body: of the answer, ``{"predictions": [{…}]}``.
        expected: one row of :func:`plain_rows`.
        tolerance: for numbers, absolute below 1 and relative above.
    """
    try:
        served = json.loads(body)["predictions"]
    except (ValueError, KeyError, TypeError):
        return Difference("the answer is not JSON with predictions")
    if not isinstance(served, list) or len(served) != 1 or not isinstance(served[0], dict):
        return Difference("the answer does not hold one prediction for one row")
    (row,) = served
    if row.keys() != expected.keys():
        return Difference(f"the server answers with {_names(row)}, the model with {_names(expected)}")
    largest = 0.0
    for name, wanted in expected.items():
        found = row[name]
        if _is_float(wanted) or _is_float(found):
            apart = _apart(found, wanted)
            if not apart <= tolerance * max(1.0, abs(float(wanted)) if isinstance(wanted, int | float) else 1.0):
                return Difference(f"the server answers {name} {found!r}, the model predicts {wanted!r}")
            largest = max(largest, apart)
        elif found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
            return Difference(f"the server answers {name} {found!r}, the model predicts {wanted!r}")
    return largest


def _apart(found: Json, wanted: Json) -> float:
    """The distance of two numbers; infinite when one of them is none."""
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        apart = abs(found - wanted)
        return apart if math.isfinite(apart) else math.inf
    return math.inf


def _is_float(value: Json) -> bool:
    return isinstance(value, float)


def _names(row: dict[str, Json]) -> str:
    return ", ".join(map(str, row)) or "nothing"


def _plain(value: object) -> Json:
    """A cell of a table: numpy's scalars become Python's, every kind of missing becomes ``None``."""
    item = getattr(value, "item", None)
    if callable(item):
        value = item()
    isoformat = getattr(value, "isoformat", None)
    if callable(isoformat):
        text = isoformat()
        return None if text == "NaT" else str(text)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    text = str(value)
    return None if text == "<NA>" else text
