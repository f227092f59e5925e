"""``duckdb``: one SQL query over named files: join, union, aggregate, derive.

Each file is a table under its name. The query is one SELECT that reads these tables and nothing else: no other file,
no network, no extension, no table function beside ``range``, ``generate_series`` and ``unnest``, and no function whose
answer changes from one time to the next. The digests of the files and the query stand in the step's key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, TypeAlias

from pydantic import Field

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Uri
from mlopsctl.sources.csv import Csv
from mlopsctl.sources.json import JsonFile
from mlopsctl.sources.parquet import Parquet

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from mlopsctl.tables.scan import Scan

TableName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]

_FROM_VALUES = frozenset({"range", "generate_series", "unnest"})


class DuckDb(Spec):
    """The rows of a query over files, run by DuckDB with external access off."""

    kind: Literal["duckdb"] = Field(default="duckdb", title="Kind", description="A SQL query over files, by DuckDB.")
    query: str = Field(
        min_length=1, title="Query", description="The SELECT that gives the rows, over the tables under `files`."
    )
    files: dict[TableName, Uri] = Field(
        min_length=1,
        title="Files",
        description="The tables of the query: by name, a file relative to the project file, or a URL. What is read is "
        "known by its ending: .csv, .tsv, .json (one list), .jsonl or .ndjson (one object a line); all else is "
        "Parquet: a file, a folder or a pattern.",
    )

    def tables(self) -> dict[str, Csv | JsonFile | Parquet]:
        """The file of each table."""
        return {name: file_source(uri) for name, uri in self.files.items()}

    def formats(self) -> dict[str, Json]:
        """How the file of each table is read: it follows from the file's name, which its digest does not hold."""
        return {name: source.model_dump(mode="json", exclude={"uri"}) for name, source in self.tables().items()}

    def outside(self) -> dict[str, str]:
        """See :meth:`FileSource.outside`."""
        return {f"files.{name}": uri for name, uri in self.files.items()}

    def fingerprints(self, project: Path, memo: Path | None = None) -> dict[str, str]:
        """See :meth:`FileSource.fingerprints`."""
        return {
            name: digest
            for source in self.tables().values()
            for name, digest in source.fingerprints(project, memo).items()
        }

    def resolved(self, project: Path) -> tuple[str, ...]:
        """The absolute paths of what is read."""
        return tuple(path for source in self.tables().values() for path in source.resolved(project))

    def paths(self, project: Path) -> tuple[Path, ...]:
        """The files of all tables.

        Raises:
            StepProblem: when one is missing.
        """
        return tuple(file for source in self.tables().values() for file in source.files(project))

    def here(self, folder: Path, urls: dict[Path, str]) -> DuckDb:
        """See :meth:`FileSource.here`; each table has a folder of its own."""
        brought = {name: source.here(folder / name, urls).uri for name, source in self.tables().items()}
        return self.model_copy(update={"files": brought})

    def scan(self, connection: Connection, project: Path) -> Scan:
        """The rows of the query.

        Raises:
            StepProblem: when a file cannot be read, or the query is more than one SELECT over these tables.
        """
        import duckdb

        from mlopsctl.tables.columns import check_names
        from mlopsctl.tables.engine import identifier
        from mlopsctl.tables.scan import Scan, normalized

        every = self._check(connection)
        columns: set[str] = set()
        remarks: list[str] = []
        for name, source in self.tables().items():
            found = source.scan(connection, project)
            connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS {found.query}")
            remarks += [f"{name}: {remark}" for remark in found.remarks]
            columns |= {column.name for column in found.columns}
        _check_words(every, columns)
        query = self.query.rstrip().removesuffix(";")
        try:
            described = [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE {query}").fetchall()]
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as why:
            _refuse(str(why).splitlines()[0], "correct the query; try it in the duckdb command line first")
        check_names([name for name, _ in described], "the query's answer")
        scan = normalized(f"(\n{query}\n)", described)
        return Scan(scan.query, scan.columns, tuple(remarks))

    def _check(self, connection: Connection) -> list[dict[str, Json]]:
        """Refuse what is not one SELECT over the tables; every node of the query."""
        from mlopsctl.tables.engine import literal
        from mlopsctl.tables.filter import nodes, unstable_call, unstable_functions

        row = connection.execute(f"SELECT json_serialize_sql({literal(self.query)})").fetchone()
        parsed = json.loads(str(row[0] if row else "{}"))
        if parsed.get("error"):
            _refuse(
                str(parsed.get("error_message", "it cannot be parsed")), "write one SELECT over the tables in `files`"
            )
        if len(parsed["statements"]) != 1:
            _refuse(f"it holds {len(parsed['statements'])} statements", "write one SELECT")
        unstable = unstable_functions(connection)
        every = list(nodes(parsed["statements"][0]["node"]))
        known = {name.casefold() for name in (*self.files, *_own_tables(every))}
        for node in every:
            if node.get("type") == "TABLE_FUNCTION":
                self._check_table_function(node)
            elif node.get("type") == "BASE_TABLE":
                self._check_table(node, known)
            if name := unstable_call(node, unstable):
                _refuse(f"{name} gives another answer each time", "write the value itself")
        return every

    def _check_table_function(self, node: Mapping[str, Json]) -> None:
        called = node.get("function")
        name = called.get("function_name") if isinstance(called, Mapping) else None
        if str(name).lower() not in _FROM_VALUES:
            _refuse(f"it reads {name}()", "name each file under `files`, and read it by its name")

    def _check_table(self, node: Mapping[str, Json], known: set[str]) -> None:
        from difflib import get_close_matches

        name = str(node.get("table_name"))
        if name.casefold() in known and not node.get("schema_name") and not node.get("catalog_name"):
            return
        near = get_close_matches(name, self.files, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it may read {', '.join(self.files)}; add others to `files`"
        _refuse(f"it reads {name!r}, which is not among `files`", hint)


def file_source(uri: str) -> Csv | JsonFile | Parquet:
    """The source that reads a file, by how its name ends."""
    name = uri.casefold().removesuffix(".gz")
    if name.endswith(".tsv"):
        return Csv(uri=uri, delimiter="\t")
    if name.endswith(".csv"):
        return Csv(uri=uri)
    if name.endswith((".json", ".jsonl", ".ndjson")):
        return JsonFile(uri=uri, lines=not name.endswith(".json"))
    return Parquet(uri=uri)


def _check_words(every: Iterable[Mapping[str, Json]], columns: Collection[str]) -> None:
    """Refuse the time and the user, which are written like columns."""
    from mlopsctl.tables.filter import unstable_word

    for node in every:
        if word := unstable_word(node, columns):
            hint = "write the value itself; a column that the query makes needs another name, or its table before it"
            _refuse(f"{word} gives another answer each time", hint)


def _own_tables(every: list[dict[str, Json]]) -> Iterator[str]:
    """The names a query gives to parts of itself (WITH)."""
    for node in every:
        held = node.get("cte_map")
        parts = held.get("map") if isinstance(held, Mapping) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, Mapping):
                yield str(part.get("key"))


def _refuse(reason: str, hint: str) -> NoReturn:
    from mlopsctl.ground.text import printable

    raise StepProblem.because("bad-query", f"the `query` cannot be used: {printable(reason)}", hint=hint)
