"""What stands in a step's key for rows of BigQuery that are not read: the states of the tables they come from.

A table's state is when it was last modified, its rows, its bytes and its columns. A view's is its text and the states
of what it reads. What no state can stand for is refused, and the source's ``version`` is the way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.sources.bigquery_calls import BigQueryCalls, Price
from mlopsctl.sources.bigquery_names import TableId
from mlopsctl.sources.bigquery_text import unseen

# Beyond so many tables BigQuery no longer names all.
_MOST_NAMED = 50
_DEEPEST = 16
_VIEWS = {"VIEW": "view", "MATERIALIZED_VIEW": "materializedView"}
_PLAIN = frozenset({"TABLE", "SNAPSHOT"})
_HINT = "say with `version` what stands for the rows: a query of one row that changes whenever they do"


class States:
    """Collects the states of everything that is read, each once."""

    def __init__(self, calls: BigQueryCalls) -> None:
        self._calls = calls
        self._found: dict[str, Json] = {}
        self.remarks: list[str] = []

    def of_query(self, sql: str, price: Price, *, what: str = "the query", depth: int = 0) -> None:
        """Add the states of what a query reads and calls.

        Raises:
            StepProblem: when they cannot stand for its answer, or cannot be asked.
        """
        if why := unseen(sql):
            _refuse(f"{what}: {why}")
        if len(price.tables) >= _MOST_NAMED:
            _refuse(f"{what} reads {_MOST_NAMED} tables or more, of which BigQuery does not name all")
        for table in price.tables:
            self.of_table(table, depth=depth)
        for routine in price.routines:
            self._of_routine(routine)

    def of_table(self, table: TableId, described: Mapping[str, Json] | None = None, *, depth: int = 0) -> None:
        """Add the state of a table, or of a view and what it reads."""
        name = str(table)
        if name in self._found:
            return
        if "*" in name:
            _refuse(f"{name} is whatever tables have such a name")
        found = self._calls.table(table) if described is None else described
        kind = str(found.get("type", "TABLE"))
        self._found[name] = {
            "type": kind,
            "modified": found.get("lastModifiedTime"),
            "columns": found.get("schema"),
            **({} if kind == "VIEW" else {"rows": found.get("numRows"), "bytes": found.get("numBytes")}),
        }
        if (late := found.get("streamingBuffer")) is not None:
            self._found[f"{name} (streaming)"] = late
            self.remarks.append(f"{name} is streamed into; the newest rows are seen by estimate only")
        if kind in _VIEWS:
            self._of_view(table, found.get(_VIEWS[kind]), depth)
        elif kind not in _PLAIN:
            _refuse(
                f"{name} is {printable(kind.lower())}: its rows lie outside BigQuery, which does not see them change"
            )

    def as_json(self) -> Json:
        """All states, by full names."""
        return dict(self._found)

    def _of_view(self, table: TableId, definition: Json, depth: int) -> None:
        """A view's state is its text, and the states below; BigQuery may name them beside it, and may not."""
        text = str(definition.get("query", "")) if isinstance(definition, Mapping) else ""
        if not text or depth >= _DEEPEST:
            _refuse(f"what the view {table} reads cannot be found out")
        self._found[f"{table} (text)"] = text
        try:
            price = self._calls.price(text, default=table)
        except StepProblem as problem:
            told = problem.diagnostics[0]
            _refuse(f"what the view {table} reads cannot be found out: {told.message}")
        self.of_query(text, price, what=f"the view {table}", depth=depth + 1)

    def _of_routine(self, routine: TableId) -> None:
        name = f"{routine}()"
        if name in self._found:
            return
        found = self._calls.routine(routine)
        if found.get("remoteFunctionOptions") is not None:
            _refuse(f"{name} asks a service outside BigQuery")
        self._found[name] = {"modified": found.get("lastModifiedTime"), "text": found.get("definitionBody")}


def _refuse(why: str) -> NoReturn:
    raise StepProblem.because("unseen-data", f"nothing stands for the rows in the step's key: {why}", hint=_HINT)
