"""Statistics and checks of a wide Parquet file, against the same pass in lazy Polars on its streaming engine.

Each side runs in a process of its own on one thread. CPU seconds and the peak of resident memory. Limits: three times
the CPU of Polars, and one GiB. ``benchmarks/statistics.py 1000000`` measures fewer rows than 10 million.
"""

from __future__ import annotations

import os

# Before numpy or polars is imported anywhere.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[name] = "1"

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROWS, PART = 10_000_000, 500_000
CPU_LIMIT, MEMORY_LIMIT = 3.0, 1024.0
CHECKS: list[dict[str, Any]] = [
    {"name": "rows", "kind": "row_count", "min": 1},
    {"name": "schema", "kind": "schema"},
    {"name": "known", "kind": "null_fraction", "column": "gaps0", "max": 0.2},
    {"name": "plausible", "kind": "range", "column": "float0", "min": -100, "max": 100},
    {"name": "fresh", "kind": "freshness", "column": "time", "max_age": "36500d"},
    {"name": "kinds", "kind": "drift", "column": "kind2", "metric": "l_infinity", "max": 0.1},
    {"name": "numbers", "kind": "drift", "column": "float1", "metric": "jensen_shannon", "max": 0.1},
    {"name": "stable", "kind": "drift", "column": "gaps1", "metric": "psi", "max": 0.1},
]


def main() -> int:
    """Make the rows, measure both sides, and fail above a limit."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory(prefix="mlopsctl-benchmark-") as folder:
        # Apart, too: a process starts with the peak of the one that it was forked from.
        _apart("make", folder, rows)
        here, there = (_apart(side, folder, rows) for side in ("ours", "polars"))
    ratio = here["seconds"] / there["seconds"]
    for side, found in (("mlopsctl", here), ("polars", there)):
        print(f"{side:9} {rows:>10,} rows × 20 columns: {found['seconds']:6.1f} s CPU, {found['mebibytes']:5.0f} MiB")
    print(f"CPU ratio {ratio:.2f} (limit {CPU_LIMIT:g}), peak {here['mebibytes']:.0f} MiB (limit {MEMORY_LIMIT:g})")
    return 0 if ratio <= CPU_LIMIT and here["mebibytes"] <= MEMORY_LIMIT else 1


def make(folder: Path, rows: int) -> None:
    """20 columns: floats, whole numbers, categories, some with gaps, one of truth and one of time; written in parts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = np.array([f"category-{number}" for number in range(300)])
    writer: Any = None
    for start in range(0, rows, PART):
        count, draw = min(PART, rows - start), np.random.default_rng(start)
        columns: dict[str, Any] = {f"float{n}": draw.normal(n, n + 1, count) for n in range(6)}
        columns |= {f"gaps{n}": pa.array(draw.gamma(2, 2, count), mask=draw.random(count) < 0.1) for n in range(2)}
        columns |= {f"int{n}": draw.integers(0, 10 ** (n + 1), count) for n in range(4)}
        columns["wide"] = draw.integers(-(2**40), 2**40, count)
        columns["gaps2"] = pa.array(draw.integers(0, 50, count), mask=draw.random(count) < 0.2)
        columns |= {f"kind{n}": kinds[draw.integers(0, many, count)] for n, many in enumerate((4, 40, 300))}
        columns["gaps3"] = pa.array(kinds[draw.integers(0, 12, count)], mask=draw.random(count) < 0.25)
        columns["flag"] = draw.random(count) < 0.3
        columns["time"] = pa.array(draw.integers(1_600_000_000, 1_700_000_000, count) * 10**6, pa.timestamp("us"))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(folder / "source.parquet", table.schema)
        writer.write_table(table, row_group_size=122_880)
    writer.close()


def ours(file: Path) -> None:
    """Statistics of every column, and every check."""
    from pydantic import TypeAdapter

    from mlopsctl.checks import Check
    from mlopsctl.checks.counting import count
    from mlopsctl.checks.data_schema import inferred
    from mlopsctl.checks.rows import Rows
    from mlopsctl.checks.rule import DataEvidence
    from mlopsctl.evidence import Verdict
    from mlopsctl.tables.columns import Column
    from mlopsctl.tables.engine import opened, parquet
    from mlopsctl.tables.examples import Examples
    from mlopsctl.tables.measure import measure
    from mlopsctl.tables.scan import column_type
    from mlopsctl.tables.statistics import Statistics

    checks = TypeAdapter(tuple[Check, ...]).validate_json(json.dumps(CHECKS))
    with opened(reads=[file.parent]) as connection:
        described = connection.execute(f"DESCRIBE FROM {parquet(file)}").fetchall()
        columns = tuple(Column(row[0], column_type(row[1])) for row in described)
        table = measure(connection, file, columns)
        known = Statistics("d", {"source": table, "train": table})
        examples = Examples("d", None, None, columns, columns, {"train": table.rows}, table.rows)
        rows = Rows(connection, file.parent, examples, known, inferred("d", table), known, clock=1_700_000_000_000)
        for check in checks:
            result = check.judge(DataEvidence(table.rows, count(check, rows)))
            if result.verdict is not Verdict.PASS:
                sys.exit(f"{result.name}: {result.reason}")


def polars(file: Path) -> None:
    """The same numbers: missing, NaN, infinite, different, moments, quantiles, histograms, frequent values; checks."""
    import polars as pl

    frame = pl.scan_parquet(file)
    schema = frame.collect_schema()
    numeric = [name for name, type in schema.items() if type.is_numeric()]
    asked = [pl.len().alias("rows")]
    for name, type in schema.items():
        column = pl.col(name)
        asked += [column.null_count().alias(f"{name} missing"), column.approx_n_unique().alias(f"{name} different")]
        if type.is_float():
            asked += [column.is_nan().sum().alias(f"{name} nan"), column.is_infinite().sum().alias(f"{name} infinite")]
        if type.is_numeric():
            asked += [getattr(column, what)().alias(f"{name} {what}") for what in ("min", "max", "mean", "std")]
            points = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95)
            asked += [column.quantile(point, "linear").alias(f"{name} {point}") for point in points]
    asked += [pl.col("time").min().alias("time min"), pl.col("time").max().alias("time max")]
    found = frame.select(asked).collect(engine="streaming").row(0, named=True)
    plans = []
    for name in numeric:
        low, high = found[f"{name} min"], found[f"{name} max"]
        bucket = ((pl.col(name) - low) / ((high - low) / 20)).floor().clip(0, 19).cast(pl.Int32)
        plans.append(frame.group_by(bucket.alias("bucket")).len())
    few = [
        name for name, type in schema.items() if type in (pl.String, pl.Boolean) or found[f"{name} different"] < 1000
    ]
    plans += [frame.group_by(name).len().sort("len", descending=True).head(1000) for name in few]
    # The checks: types, presence and domains of the schema; a range; the newest time; three distributions again.
    wrong = [pl.col(name).is_null().sum() for name in schema if not name.startswith("gaps")]
    plans.append(frame.select(wrong))
    plans.append(frame.select(pl.col(name).is_in([f"category-{n}" for n in range(300)]).sum() for name in few[-5:-1]))
    plans.append(frame.select(pl.col("float0").is_between(-100, 100).sum()))
    plans.append(frame.select(pl.col("time").max()))
    plans.append(frame.group_by("kind2").len())
    for name in ("float1", "gaps1"):
        cuts = [found[f"{name} {tenth / 10}"] for tenth in range(1, 10)]
        plans.append(frame.select((pl.col(name) <= cut).sum().alias(str(cut)) for cut in cuts))
    pl.collect_all(plans, engine="streaming")


def _apart(side: str, folder: str, rows: int) -> dict[str, float]:
    """One side in a fresh process."""
    command = [sys.executable, __file__, str(rows), side, folder]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def _measured(rows: int, side: str, folder: Path) -> None:
    started = time.process_time()
    if side == "make":
        make(folder, rows)
    else:
        (ours if side == "ours" else polars)(folder / "source.parquet")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.process_time() - started, "mebibytes": peak}))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _measured(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    else:
        sys.exit(main())
