"""``ingest``: source → filter → split → projection, out of core, as Parquet.

1. Find the rows (files, the answer of a database, or what a function of the project returns) and the columns' types.
2. Keep the rows of ``filter``; write them, with all columns, as ``source.parquet`` for statistics and checks.
3. Check the label. Place each row in train, validation, test or none, as the split says.
4. Write each split, projected to the columns the project names, and say what there is in ``examples.json``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field, JsonValue

from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.interval import Interval
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.sources import BigQuery, Csv, DuckDb, Parquet, PythonSource, Source, Sql
from mlopsctl.sources.bound import too_many_rows
from mlopsctl.sources.elsewhere import speaking_of_urls
from mlopsctl.splits import FarmFingerprint, HashSplit, Placed, Split, TimeSplit
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import Column, ColumnType, listed, unknown_column
from mlopsctl.tables.label import check_label
from mlopsctl.tables.scan import Scan

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection


class IngestParameters(Parameters):
    """A dataset as the project describes it.

    ``columns`` is empty for all columns; ``task`` is the training task, which says what the label must be like;
    ``formats`` says how each file of a ``duckdb`` source is read, which stands here for the step's key alone.
    ``interval`` is the first moment that is used and the first that is used no more, of a split by time.
    ``most_rows`` are the most that are read: a source with more of them is refused.
    """

    dataset: str
    source: Source
    label: str | None = None
    positive: bool | int | float | str | None = None
    columns: tuple[str, ...] = ()
    filter: str | None = None
    split: Split = Field(default_factory=HashSplit)
    task: str = ""
    formats: dict[str, JsonValue] = Field(default_factory=dict)
    interval: tuple[AwareDatetime, AwareDatetime] | None = None
    most_rows: int | None = None

    @property
    def between(self) -> Interval | None:
        """The interval whose rows are used; all of them are without one."""
        return None if self.interval is None else Interval(*self.interval)


SPEC = ComponentSpec(
    name="ingest",
    version=4,
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

    folder = work.outputs["examples"]
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as spool, speaking_of_urls() as urls:
        reads, scanned = _reading(parameters, work.project, Path(spool), urls)
        with opened(reads=reads, writes=[folder]) as connection:
            scan = scanned(connection)
            projected = _projected(scan.columns, parameters)
            total = _write_source(connection, scan, parameters, folder)
            if parameters.label is not None:
                label = next(column for column in scan.columns if column.name == parameters.label)
                check_label(connection, folder / files.SOURCE_FILE, label, parameters.positive, parameters.task)
            split = _split(parameters)
            placed, counts = _write_splits(connection, split, scan.columns, projected, folder)
    _check_splits(counts, parameters.split, placed, total)
    result = files.Examples(
        dataset=parameters.dataset,
        label=parameters.label,
        positive=parameters.positive,
        columns=projected,
        source_columns=scan.columns,
        splits={**counts, "unused": total - sum(counts.values())},
        rows=total,
        remarks=(*scan.remarks, *placed.remarks),
    )
    files.write(result, folder)
    return _notes(result)


def _reading(
    parameters: IngestParameters, project: Path, spool: Path, urls: dict[Path, str]
) -> tuple[Sequence[Path], Callable[[Connection], Scan]]:
    """What the engine may read, and how it then finds the rows; a function is called, a database is asked."""
    source, split, most = parameters.source, parameters.split, parameters.most_rows
    if isinstance(source, BigQuery):
        shards = source.read(spool, split.used() if isinstance(split, FarmFingerprint) else None, most)
        return [spool], shards.scan
    if isinstance(source, Sql):
        answer = source.read(project, spool, most)
        return [spool], lambda connection: answer.scan()
    if isinstance(source, DuckDb):
        query = source.here(spool / "tables", urls)
        return query.paths(project), lambda connection: query.scan(connection, project)
    if not isinstance(source, PythonSource):
        rows_here = source.here(spool / "rows", urls)
        return rows_here.files(project), lambda connection: rows_here.scan(connection, project)
    rows = source.call(project)
    if not isinstance(rows, str | Path):
        return (), lambda connection: source.scan(connection, project, rows)
    named = Csv(uri=str(rows)) if str(rows).casefold().endswith(".csv") else Parquet(uri=str(rows))
    file = named.here(spool / "rows", urls)
    return file.files(project), lambda connection: file.scan(connection, project)


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
    if parameters.between is not None and isinstance(parameters.split, TimeSplit):
        query = parameters.split.rows_of(connection, query, scan.columns, parameters.between)
    most = parameters.most_rows
    if most is not None:
        query = f"FROM ({query}) LIMIT {most + 1}"
    if scan.unordered:
        query = f"FROM ({query}) ORDER BY ALL"
    total = write_parquet(connection, query, folder / files.SOURCE_FILE)
    if most is not None and total > most:
        raise too_many_rows(most)
    if total:
        return total
    if parameters.between is not None:
        message = f"the source has no row of the interval {parameters.between}"
        raise StepProblem.because("empty-data", message, hint="name an interval that the data has rows of")
    if parameters.filter is None:
        raise StepProblem.because("empty-data", "the source has no rows", hint="look at the file; it has a header only")
    message = f"no row is left by `filter: {parameters.filter}`"
    raise StepProblem.because("empty-data", message, hint="loosen the filter")


def _split(parameters: IngestParameters) -> Split:
    if parameters.between is not None and isinstance(parameters.split, TimeSplit):
        return parameters.split.inside(parameters.between)
    return parameters.split


def _write_splits(
    connection: Connection, split: Split, columns: Sequence[Column], projected: Sequence[Column], folder: Path
) -> tuple[Placed, dict[str, int]]:
    """Write the three splits; how rows were placed, and the number of rows of each."""
    from mlopsctl.tables.engine import identifier, parquet, write_parquet

    source = parquet(folder / files.SOURCE_FILE)
    placed = split.places(connection, source, columns)
    connection.execute(f"CREATE TEMP TABLE places AS {placed.query}")
    selected = ", ".join(f"source.{identifier(column.name)}" for column in projected)
    return placed, {
        name: write_parquet(
            connection,
            f"SELECT {selected} FROM {source} AS source POSITIONAL JOIN places WHERE places.place = {number}",
            files.split_file(folder, name),
        )
        for number, name in enumerate(files.SPLITS)
    }


def _check_splits(counts: dict[str, int], split: Split, placed: Placed, total: int) -> None:
    """No split that was asked for may be empty: nothing could be fitted, selected or judged on it."""
    empty = [name for name in files.SPLITS if counts[name] == 0]
    if not empty:
        return
    told = ", ".join(f"{name} {counts[name]}" for name in files.SPLITS)
    message = f"the split {' and the split '.join(empty)} got none of the {total} rows ({told})"
    if placed.range:
        message += f"; {placed.range}"
    if placed.remarks:
        message += f"; {'; '.join(placed.remarks)}"
    written = ", ".join(f"{key}: {value}" for key, value in split.model_dump(exclude_none=True).items())
    raise StepProblem.because("empty-split", message, hint=f"add rows, or change `split: {{{written}}}`")


def _notes(examples: files.Examples) -> Notes:
    told = [f"{examples.splits[name]} {name} ({examples.shares[name]:.1%})" for name in (*files.SPLITS, "unused")]
    shares = ", ".join(told if examples.splits["unused"] else told[:-1])
    values: dict[str, Json] = {"rows": examples.rows, **{f"rows_{key}": n for key, n in examples.splits.items()}}
    values["shares"] = dict(examples.shares)
    if examples.remarks:
        values["remarks"] = list(examples.remarks)
    return Notes(values=values, line="; ".join([f"{examples.rows} rows: {shares}", *examples.remarks]))
