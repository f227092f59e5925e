"""``json``: objects in a file, one a line or as one list.

Each key is a column, in the order of first appearance; a key that an object lacks is missing there. Types are JSON's
own, found from all values: whole numbers ``int``, with any fraction among them ``float``, ``bool``, and text, which is
not looked into (a date stays text). A column that mixes types is text, and ``ingest`` says so. Lists and objects are
kept and cannot be learned from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources.files import FileSource

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from mlopsctl.tables.columns import Column, ColumnType
    from mlopsctl.tables.scan import Scan

_OBJECT_LIMIT = 1 << 24
_LOOK = 1 << 16
_ENGINE_TYPES = {"int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "string": "VARCHAR", "other": "JSON"}
_WHOLE = frozenset({"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"})
_MIXED = "JSON"


class JsonFile(FileSource):
    """A JSON file whose objects are the rows."""

    kind: Literal["json"] = Field(default="json", title="Kind", description="A JSON file whose objects are the rows.")
    lines: bool = Field(
        default=True,
        title="One object a line",
        description="true: each line is one object; false: the file is one list of objects.",
    )

    def scan(self, connection: Connection, project: Path) -> Scan:
        """The rows of the file; every value is looked at to find the types.

        Raises:
            StepProblem: when the file is missing, empty or malformed, or holds anything but objects.
        """
        from mlopsctl.tables.columns import Column, check_names, shown
        from mlopsctl.tables.engine import file_literal, identifier, literal
        from mlopsctl.tables.scan import Scan

        (file,) = self.files(project)
        if not self.lines:
            _check_list(file)
        read = f"format='{self._format}', maximum_object_size={_OBJECT_LIMIT}"
        structure = self._structure(connection, file, f"read_json_objects({file_literal(file)}, {read})")
        check_names(list(structure), str(file))
        columns = tuple(Column(name, _type(found)) for name, found in structure.items())
        types = ", ".join(f"{literal(column.name)}: '{_ENGINE_TYPES[column.type]}'" for column in columns)
        selected = ", ".join(_value(identifier(column.name), column) for column in columns)
        mixed = [name for name, found in structure.items() if found == _MIXED]
        return Scan(
            f"SELECT {selected} FROM read_json({file_literal(file)}, {read}, columns={{{types}}})",
            columns,
            tuple(f"column {shown(name)} is text: its values are of several types" for name in mixed),
        )

    @property
    def _format(self) -> str:
        return "newline_delimited" if self.lines else "array"

    def _structure(self, connection: Connection, file: Path, objects: str) -> dict[str, Json]:
        """The keys of all objects with their types, in the engine's words."""
        row = connection.execute(f"SELECT json_group_structure(json) FROM {objects}").fetchone()
        if row is None or row[0] is None:
            raise StepProblem.because("empty-data", f"{file} holds no object", hint="give it one object a row")
        found = json.loads(row[0])
        if isinstance(found, dict):
            return found
        what = "each line must be one object" if self.lines else "the list must hold objects only"
        if self.lines and isinstance(found, list):
            hint = "for one list of objects write `lines: false`"
        else:
            hint = 'a row is written {"age": 39, "income": "low"}'
        raise StepProblem.because("bad-data", f"{file} holds other values than objects: {what}", hint=hint)


def _check_list(file: Path) -> None:
    """Refuse what is no list, and a list that was cut off, which the engine would read to where it ends."""
    with file.open("rb") as stream:
        start = stream.read(_LOOK).removeprefix(b"\xef\xbb\xbf").lstrip()
        stream.seek(max(0, file.stat().st_size - _LOOK))
        end = stream.read().rstrip()
    if start.startswith(b"\x1f\x8b") or not start:
        return
    if not start.startswith(b"["):
        hint = "for one object a line leave `lines: false` out"
        raise StepProblem.because("bad-data", f"{file} holds no list of objects", hint=hint)
    if not end.endswith(b"]"):
        raise StepProblem.because(
            "bad-data", f"the list in {file} does not end", hint="the file was cut off; write it again"
        )


def _type(found: Json) -> ColumnType:
    from mlopsctl.tables.columns import ColumnType

    if not isinstance(found, str):
        return ColumnType.OTHER
    if found in _WHOLE:
        return ColumnType.INT
    return {"DOUBLE": ColumnType.FLOAT, "BOOLEAN": ColumnType.BOOL}.get(found, ColumnType.STRING)


def _value(name: str, column: Column) -> str:
    return f"{name}::VARCHAR AS {name}" if column.type == "other" else name
