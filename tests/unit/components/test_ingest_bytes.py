"""The same rows leave the same bytes, whatever file they stood in and whatever it said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.csv import write_csv

from mlopsctl.artifacts.manifest import scan
from mlopsctl.components import ingest
from mlopsctl.components.spec import Work


def _digest(folder: Path, name: str, source: dict[str, Any]) -> str:
    out = folder / name
    out.mkdir()
    parameters = ingest.IngestParameters.model_validate({"dataset": "rows", "source": source})
    ingest.run(Work(folder, {}, {"examples": out}), parameters)
    return scan(out).digest


def test_the_same_rows_of_csv_and_of_parquet_with_and_without_statistics(tmp_path: Path) -> None:
    rows = pa.table(
        {"id": range(300), "kind": [f"k{n % 7}" for n in range(300)], "x": [n / 8 + 0.1 for n in range(300)]}
    )
    write_csv(rows, tmp_path / "rows.csv")
    pq.write_table(rows, tmp_path / "told.parquet")
    pq.write_table(rows, tmp_path / "untold.parquet", write_statistics=False)
    found = {
        _digest(tmp_path, "csv", {"kind": "csv", "uri": "rows.csv"}),
        _digest(tmp_path, "told", {"kind": "parquet", "uri": "told.parquet"}),
        _digest(tmp_path, "untold", {"kind": "parquet", "uri": "untold.parquet"}),
    }
    assert len(found) == 1
