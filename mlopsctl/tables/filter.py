"""``filter``: one SQL boolean expression over one row, checked before it meets the data."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.tables.columns import listed
from mlopsctl.tables.engine import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

# Words that are columns to the parser, and functions where no column has the name.
_VALUE_WORDS = frozenset(
    {
        "current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
        "current_user", "localtime", "localtimestamp", "session_user", "user",
    }
)  # fmt: skip
# What the engine takes for consistent, or says nothing of because it is a macro.
_ALSO_UNSTABLE = _VALUE_WORDS | {
    "ago", "current_localtime", "current_localtimestamp", "gen_random_uuid", "now", "pg_conf_load_time",
    "pg_postmaster_start_time", "random", "setseed", "today", "uuid", "version",
}  # fmt: skip

_HINT = "write one condition over columns, for example trip_miles > 0 AND fare IS NOT NULL"


def filtered(connection: Connection, query: str, condition: str, known: Sequence[str]) -> str:
    """The query with only the rows for which the condition is true.

    Raises:
        StepProblem: when the condition is not one expression, asks for columns there are not, is not true or false,
            looks at more than the row, or could answer differently tomorrow.
    """
    import duckdb

    try:
        duckdb.SQLExpression(condition)
        tree = json.loads(str(_one(connection, f"SELECT json_serialize_sql({literal(_select(condition))})")))
        if tree.get("error"):
            raise _problem(condition, str(tree.get("error_message", "it cannot be parsed")))
        _check(connection, condition, tree["statements"][0]["node"], known)
        found = f"SELECT * FROM ({query}) AS source WHERE (\n{condition}\n)"
        described = connection.execute(f"DESCRIBE SELECT (\n{condition}\n) AS answer FROM ({query}) AS source")
        kind = described.fetchall()[0][1]
        connection.execute(f"DESCRIBE {found}")
    except duckdb.BinderException as why:
        raise _problem(condition, _reason(why), f"the data has {listed(known)}") from why
    except duckdb.Error as why:
        raise _problem(condition, _reason(why)) from why
    if kind != "BOOLEAN":
        raise _problem(condition, f"it gives {kind}, not true or false")
    return found


def _select(condition: str) -> str:
    return f"SELECT (\n{condition}\n)"


def _check(connection: Connection, condition: str, tree: Json, known: Sequence[str]) -> None:
    """Only operators and functions of the row itself, which give the same answer each time."""
    unstable = unstable_functions(connection)
    for node in nodes(tree):
        if node.get("class") == "SUBQUERY":
            raise _problem(condition, "it holds a query of its own")
        if node.get("class") == "WINDOW":
            raise _problem(condition, "it looks at other rows")
        if name := unstable_call(node, unstable) or unstable_word(node, known):
            raise _problem(condition, f"{name} gives another answer each time")


def unstable_functions(connection: Connection) -> frozenset[str]:
    """The functions whose answers do not follow from their arguments alone."""
    found = connection.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type IN ('scalar', 'macro') AND stability <> 'CONSISTENT'"
    ).fetchall()
    return frozenset({str(row[0]) for row in found} | _ALSO_UNSTABLE)


def unstable_call(node: Mapping[str, Json], unstable: Container[str]) -> str:
    """How the node calls one of these functions, as a user would write it; empty when it calls none."""
    name = node.get("function_name")
    if not isinstance(name, str):
        return ""
    if name.lower() in unstable:
        return f"{name}()"
    # With one argument it is the time from then to today. What the list is called depends on the engine's version.
    arguments = node.get("arguments", node.get("children"))
    alone = isinstance(arguments, list) and len(arguments) == 1
    return f"{name}() of one moment" if name.lower() == "age" and alone else ""


def unstable_word(node: Mapping[str, Json], columns: Iterable[str]) -> str:
    """The word without parentheses that means the time or the user, where no column has its name; empty for none."""
    names = node.get("column_names")
    if not isinstance(names, list) or len(names) != 1:
        return ""
    word = str(names[0])
    own = {column.casefold() for column in columns}
    return word if word.casefold() in _VALUE_WORDS - own else ""


def nodes(tree: Json) -> Iterator[dict[str, Json]]:
    """Every node of a parsed expression or query."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)


def _one(connection: Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _reason(why: Exception) -> str:
    return str(why).splitlines()[0]


def _problem(condition: str, reason: str, hint: str = _HINT) -> StepProblem:
    short = condition if len(condition) <= 200 else condition[:197] + "..."
    return StepProblem.because("bad-filter", f"`filter: {printable(short)}` cannot be used: {reason}", hint=hint)
