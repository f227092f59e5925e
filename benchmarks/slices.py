"""What slicing costs beside one NumPy pass that knows nothing but the numbers: a million rows, one thread.

The pass is what one writes by hand: factorize the column, count and sum with bincount, divide. Ours also names the
values, keeps their rows for comparisons, and checks the answers. CPU seconds, the smallest of the rounds.
Limit: three times the pass.
"""

from __future__ import annotations

import os

# Before numpy is imported anywhere.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from mlopsctl.components.slicing import sliced
from mlopsctl.metrics.answers import Answers
from mlopsctl.metrics.grouped import measure_groups

ROWS, CLASSES, ROUNDS, LIMIT = 1_000_000, 4, 5, 3.0
METRICS = ("accuracy", "macro_f1", "log_loss")
CASES = (("carrier",), ("hour",), ("carrier", "hour"))


def main() -> int:
    """Measure, print, and fail above the limit."""
    rows, answers = made()
    worst = 0.0
    for columns in CASES:
        ours = best(partial(by_us, rows, columns, answers))
        plain = best(partial(by_numpy, rows, columns, answers))
        worst = max(worst, ours / plain)
        print(f"{' x '.join(columns):15} {ours * 1000:7.0f} ms, one pass {plain * 1000:7.0f} ms: {ours / plain:.2f}")
    print(f"largest ratio {worst:.2f} (limit {LIMIT:.0f})")
    return 0 if worst <= LIMIT else 1


def made() -> tuple[pd.DataFrame, Answers]:
    """Flights of sixteen carriers by the hour, and a model's answers."""
    draw = np.random.default_rng(1)
    carriers = np.array([f"C{number}" for number in range(16)], dtype=object)
    rows = pd.DataFrame({"carrier": carriers[draw.integers(0, 16, ROWS)], "hour": draw.integers(0, 24, ROWS)})
    shares = draw.dirichlet(np.ones(CLASSES), ROWS)
    return rows, Answers(draw.integers(0, CLASSES, ROWS), shares.argmax(axis=1), shares, CLASSES)


def by_us(rows: pd.DataFrame, columns: tuple[str, ...], answers: Answers) -> dict[str, list[float]]:
    """As `evaluate` does it."""
    found = sliced(rows, columns)
    count = len(found.values)
    return {
        metric: [float(value) for value in measure_groups(metric, answers, found.codes, count, found.rows)]  # type: ignore[arg-type]
        for metric in METRICS
    }


def by_numpy(rows: pd.DataFrame, columns: tuple[str, ...], answers: Answers) -> dict[str, list[float]]:
    """As one writes it by hand."""
    codes = pd.factorize(rows[columns[0]], sort=True)[0].astype(np.int64)
    for column in columns[1:]:
        other, found = pd.factorize(rows[column], sort=True)
        codes = codes * len(found) + other
    count = int(codes.max()) + 1
    sizes = np.bincount(codes, minlength=count)
    right = np.bincount(codes, weights=answers.truth == answers.prediction, minlength=count) / sizes
    cells = (codes * CLASSES + answers.truth.astype(np.int64)) * CLASSES + answers.prediction.astype(np.int64)
    matrices = np.bincount(cells, minlength=count * CLASSES**2).reshape(count, CLASSES, CLASSES)
    hit = np.diagonal(matrices, axis1=1, axis2=2)
    f1 = (2 * hit / (matrices.sum(axis=1) + matrices.sum(axis=2))).mean(axis=1)
    said = answers.probability[np.arange(ROWS), answers.truth]  # type: ignore[index]
    loss = np.bincount(codes, weights=-np.log(said), minlength=count) / sizes
    return {"accuracy": right.tolist(), "macro_f1": f1.tolist(), "log_loss": loss.tolist()}


def best(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest round."""
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
