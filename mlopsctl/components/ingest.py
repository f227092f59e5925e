"""``ingest``: source → filter → split → projection, out of core, as Parquet.

1. Find the rows (a file, or what a function of the project returns) and the columns' types.
2. Keep the rows of ``filter``; write them, with all columns, as ``source.parquet`` for statistics and checks.
3. Check the label. Place each row in train, validation, test or none by the bytes of the whole row.
4. Write each split, projected to the columns the project names, and say what there is in ``examples.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.sources import Csv, Parquet, PythonSource, Source
from mlopsctl.splits import HashSplit, Split
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import Column, ColumnType, listed, unknown_column
from mlopsctl.tables.label import check_label
from mlopsctl.tables.scan import Scan

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection


class IngestParameters(Parameters):
    """A dataset as the project describes it.

    ``columns`` is empty for all columns; ``task`` is the training task, which says what the label must be like.
    """

    dataset: str
    source: Source
    label: str | None = None
    positive: bool | int | float | str | None = None
    columns: tuple[str, ...] = ()
    filter: str | None = None
    split: Split = Field(default_factory=HashSplit)
    task: str = ""


SPEC = ComponentSpec(
    name="ingest",
    version=1,
    inputs={},
    outputs={"examples": ArtifactType.EXAMPLES},
    parameters=IngestParameters,
    packages=("duckdb", "pyarrow", "pandas"),
    preload=("duckdb",),
)


def run(work: Work, parameters: IngestParameters) -> Notes:
    """See the module's text.

    Raises:
        StepProblem: when the data cannot be read or does not fit what the project says of it.
    """
    from mlopsctl.tables.engine import opened

    source, rows = _located(parameters.source, work.project)
    split = _executable(parameters.split)
    reads = () if isinstance(source, PythonSource) else source.files(work.project)
    folder = work.outputs["examples"]
    with opened(reads=reads, writes=[folder]) as connection:
        if isinstance(source, PythonSource):
            scan = source.scan(connection, work.project, rows)
        else:
            scan = source.scan(connection, work.project)
        projected = _projected(scan.columns, parameters)
        total = _write_source(connection, scan, parameters, folder)
        if parameters.label is not None:
            label = next(column for column in scan.columns if column.name == parameters.label)
            check_label(connection, folder / files.SOURCE_FILE, label, parameters.positive, parameters.task)
        counts = _write_splits(connection, split, scan.columns, projected, folder)
    _check_splits(counts, split, total)
    result = files.Examples(
        dataset=parameters.dataset,
        label=parameters.label,
        positive=parameters.positive,
        columns=projected,
        source_columns=scan.columns,
        splits={**counts, "unused": total - sum(counts.values())},
        rows=total,
    )
    files.write(result, folder)
    return _notes(result)


def _located(source: Source, project: Path) -> tuple[Csv | Parquet | PythonSource, object]:
    """The source to scan; a function is called, and where it returns a path, that file is the source."""
    if isinstance(source, Csv | Parquet):
        return source, None
    if not isinstance(source, PythonSource):
        hint = "use csv, parquet or a python function"
        raise StepProblem.because("not-yet", f"{source.not_yet} is not there yet", hint=hint)
    rows = source.call(project)
    if not isinstance(rows, str | Path):
        return source, rows
    if str(rows).casefold().endswith(".csv"):
        return Csv(uri=str(rows)), None
    return Parquet(uri=str(rows)), None


def _executable(split: Split) -> HashSplit:
    if isinstance(split, HashSplit):
        return split
    raise StepProblem.because("not-yet", f"{split.not_yet} is not there yet", hint="use `kind: hash`")


def _projected(columns: Sequence[Column], parameters: IngestParameters) -> tuple[Column, ...]:
    """The columns of the splits in the source's order: those asked for, and the label."""
    names = [column.name for column in columns]
    label = parameters.label
    if label is not None and label not in names:
        raise unknown_column(label, names, "label")
    for name in parameters.columns:
        if name not in names:
            raise unknown_column(name, names, "columns")
    wanted = set(parameters.columns) | {label} if parameters.columns else set(names)
    projected = tuple(column for column in columns if column.name in wanted)
    strange = [column.name for column in projected if column.type is ColumnType.OTHER]
    if strange:
        message = f"columns that hold lists, structures or bytes cannot be learned from: {listed(strange)}"
        raise StepProblem.because("wrong-type", message, hint="leave them out with `columns`")
    if all(column.name == label for column in projected):
        raise StepProblem.because("no-features", "no column is left to learn from", hint="name more `columns`")
    return projected


def _write_source(connection: Connection, scan: Scan, parameters: IngestParameters, folder: Path) -> int:
    """Write every row and column after the filter; the number of rows."""
    from mlopsctl.tables.engine import write_parquet
    from mlopsctl.tables.filter import filtered

    query = scan.query
    if parameters.filter is not None:
        query = filtered(connection, query, parameters.filter, [column.name for column in scan.columns])
    total = write_parquet(connection, query, folder / files.SOURCE_FILE)
    if total:
        return total
    if parameters.filter is None:
        raise StepProblem.because("empty-data", "the source has no rows", hint="look at the file; it has a header only")
    message = f"no row is left by `filter: {parameters.filter}`"
    raise StepProblem.because("empty-data", message, hint="loosen the filter")


def _write_splits(
    connection: Connection, split: HashSplit, columns: Sequence[Column], projected: Sequence[Column], folder: Path
) -> dict[str, int]:
    """Write the three splits; the number of rows of each."""
    from mlopsctl.tables.engine import identifier, parquet, write_parquet

    source = parquet(folder / files.SOURCE_FILE)
    connection.execute(f"CREATE TEMP TABLE places AS {split.places(source, columns)}")
    selected = ", ".join(f"source.{identifier(column.name)}" for column in projected)
    return {
        name: write_parquet(
            connection,
            f"SELECT {selected} FROM {source} AS source POSITIONAL JOIN places WHERE places.place = {number}",
            files.split_file(folder, name),
        )
        for number, name in enumerate(files.SPLITS)
    }


def _check_splits(counts: dict[str, int], split: HashSplit, total: int) -> None:
    """No split that was asked for may be empty: nothing could be fitted, selected or judged on it."""
    empty = [name for name in files.SPLITS if counts[name] == 0]
    if not empty:
        return
    told = ", ".join(f"{name} {counts[name]}" for name in files.SPLITS)
    message = f"the split {' and the split '.join(empty)} got none of the {total} rows ({told})"
    written = ", ".join(f"{name}: {getattr(split, name):g}" for name in files.SPLITS)
    hint = f"add rows, or give it a larger share than `split: {{kind: hash, {written}}}`"
    raise StepProblem.because("empty-split", message, hint=hint)


def _notes(examples: files.Examples) -> Notes:
    shares = ", ".join(f"{examples.splits[name]} {name}" for name in files.SPLITS)
    unused = examples.splits["unused"]
    line = f"{examples.rows} rows: {shares}" + (f", {unused} unused" if unused else "")
    return Notes(values={"rows": examples.rows, **{f"rows_{key}": n for key, n in examples.splits.items()}}, line=line)
