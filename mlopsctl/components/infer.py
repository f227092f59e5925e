"""``infer``: score new rows with a released model, in batches; every column that came in goes out with the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.sources import Csv, JsonFile, Parquet
from mlopsctl.tables.columns import Column, ColumnType, listed, shown

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection as Connection

    from mlopsctl.frameworks.packed import PackedModel

PREDICTIONS_FILE = "predictions.parquet"
_BATCH = 50_000
_SQL_TYPES = {
    ColumnType.INT: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOL: "BOOLEAN",
    ColumnType.STRING: "VARCHAR",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}


class InferParameters(Parameters):
    """Where the new rows are."""

    source: Csv | Parquet | JsonFile


SPEC = ComponentSpec(
    name="infer",
    version=1,
    inputs={},
    outputs={"predictions": ArtifactType.PREDICTIONS},
    parameters=InferParameters,
    packages=("duckdb", "numpy", "pandas", "pyarrow"),
    preload=("duckdb", "numpy", "pandas", "pyarrow.parquet"),
    state_inputs=("champion",),
)


def run(work: Work, parameters: InferParameters) -> Notes:
    """Read the rows in the types that the model learned from, ask the model, write both.

    Raises:
        StepProblem: when a column is missing or holds values of another type, or the model does not answer.
    """
    from mlopsctl.frameworks.packed import load
    from mlopsctl.tables.engine import opened

    model = load(work.state["champion"])
    source = parameters.source
    rows = 0
    with opened(reads=source.files(work.project)) as connection:
        scan = source.scan(connection, work.project)
        query = _typed(connection, scan.query, scan.columns, _wanted(work.state["champion"]))
        reader = connection.execute(query).to_arrow_reader(_BATCH)
        rows = _write(_answered(model, reader), work.outputs["predictions"] / PREDICTIONS_FILE)
    if not rows:
        raise StepProblem.because("empty-data", "there are no rows to score")
    kept = len(scan.columns)
    return Notes(values={"rows": rows, "columns": kept}, line=f"{rows} rows scored, their {kept} columns kept")


def _wanted(model: Path) -> dict[str, ColumnType]:
    """The columns that the model reads, with the types it learned from."""
    from mlopsctl.frameworks.packed import MODEL_FILE

    about = json.loads((model / MODEL_FILE).read_text(encoding="utf-8"))
    return {one["name"]: ColumnType(one["type"]) for one in about["features"]}


def _typed(connection: Connection, query: str, columns: Sequence[Column], wanted: dict[str, ColumnType]) -> str:
    """The rows with the model's columns in their types."""
    from mlopsctl.tables.engine import identifier

    missing = [name for name in wanted if name not in {column.name for column in columns}]
    if missing:
        raise StepProblem.because(
            "missing-column",
            f"the rows have no column {listed(missing)}, which the model reads",
            hint=f"they have {listed(column.name for column in columns)}",
        )
    selected = []
    for column in columns:
        name, kind = identifier(column.name), wanted.get(column.name, column.type)
        if kind is column.type or kind not in _SQL_TYPES:
            selected.append(name)
            continue
        cast = f"TRY_CAST({name} AS {_SQL_TYPES[kind]})"
        _check_cast(connection, query, column, cast, kind)
        selected.append(f"{cast} AS {name}")
    return f"SELECT {', '.join(selected)} FROM ({query})"


def _check_cast(connection: Connection, query: str, column: Column, cast: str, kind: ColumnType) -> None:
    """A value that is lost by the change of type is refused, never scored as if it were missing."""
    from mlopsctl.tables.engine import identifier

    name = identifier(column.name)
    # A fraction is no whole number; a cast would round it.
    changed = f" OR {cast} <> {name}" if kind is ColumnType.INT and column.type is ColumnType.FLOAT else ""
    lost = f"SELECT count(*), any_value({name}) FROM ({query}) WHERE {name} IS NOT NULL AND ({cast} IS NULL{changed})"
    found = connection.execute(lost).fetchone()
    if found is not None and found[0]:
        raise StepProblem.because(
            "wrong-type",
            f"the model learned from {shown(column.name)} as {kind}, and {found[0]} of the rows hold something else, "
            f"such as {found[1]!r}",
            hint="correct these rows, or leave them out",
        )


def _answered(model: PackedModel, batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Each batch with the model's answers beside it."""
    import pyarrow as pa

    for batch in batches:
        if not batch.num_rows:
            continue
        rows = pa.Table.from_batches([batch])
        answers = pa.Table.from_pandas(model.predict(rows.to_pandas()), preserve_index=False)
        for name in answers.column_names:
            taken = name in rows.column_names
            rows = rows.append_column(f"{name}_of_model" if taken else name, answers[name])
        yield rows


def _write(tables: Iterator[pa.Table], file: Path) -> int:
    """Write the tables one after the other; how many rows there were."""
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for table in tables:
            writer = writer or pq.ParquetWriter(file, table.schema)
            writer.write_table(table.cast(writer.schema))
            rows += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows
