"""What is measured on a model itself: how long it takes to answer, and how large it is.

Times are another number in every run: they are measured only where a project names them, and an evaluation that holds
one has a digest that measuring again does not give again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from mlopsctl.evidence import Measurement
from mlopsctl.frameworks.packed import PackedModel
from mlopsctl.ground.numbers import percentile
from mlopsctl.metrics.catalogue import METRICS

if TYPE_CHECKING:
    import pandas as pd

SIZE = "model_size_mb"
_SHARES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95}
_WARM = 3
_FEWEST, _MOST = 20, 100
# Seconds that timing should take at most; a slow model still gets its fewest calls.
_BUDGET = 3.0


def facts(
    metrics: Iterable[str], model: PackedModel, folder: Path, rows: pd.DataFrame, calls: int | None = None
) -> dict[str, Measurement]:
    """Those of the metrics that are measured on a model.

    Args:
        rows: raw rows; each call answers one of them, the first ones in their order.
        calls: how many are timed; ``None``: as many as fit into a few seconds.
    """
    wanted = [name for name in metrics if name in METRICS and METRICS[name].needs == "model"]
    found: dict[str, Measurement] = {}
    if SIZE in wanted:
        found[SIZE] = Measurement(SIZE, _size(folder), 1)
    timed = [name for name in wanted if name in _SHARES]
    if timed:
        times, problem = _times(model, rows, calls)
        for name in timed:
            value = None if problem else percentile(times, _SHARES[name])
            found[name] = Measurement(name, value, len(times), problem=problem)
    return found


def _size(folder: Path) -> float:
    """Millions of bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _times(model: PackedModel, rows: pd.DataFrame, calls: int | None) -> tuple[list[float], str]:
    """Milliseconds of each call after a few that warm the model up, or why there are none."""
    if rows.empty:
        return [], "there are no rows"
    try:
        warm = [_timed(model, rows.iloc[[number % len(rows)]]) for number in range(_WARM)]
        if calls is None:
            calls = max(_FEWEST, min(_MOST, int(_BUDGET * 1000 / max(min(warm), 1e-3))))
        return [_timed(model, rows.iloc[[number % len(rows)]]) for number in range(calls)], ""
    except Exception as error:
        # Whatever the model's code raises: it does not answer one row.
        return [], f"the model does not answer a single row: {type(error).__name__}: {error}"


def _timed(model: PackedModel, row: pd.DataFrame) -> float:
    begun = perf_counter()
    model.predict(row)
    return (perf_counter() - begun) * 1000
