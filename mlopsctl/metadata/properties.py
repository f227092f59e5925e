"""Properties of executions and contexts: one row for each that is set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from sqlalchemy import Connection, Table, insert, select

from mlopsctl.metadata.text import chunks

Value: TypeAlias = str | int
Row: TypeAlias = dict[str, Value | None]


def rows(owner: str, id: int, values: Mapping[str, Value | None], *, custom: bool = False) -> list[Row]:
    """The rows of one owner; ``None`` and empty text are not kept. ``custom``: the type does not name them."""
    return [
        {
            owner: id,
            "name": name,
            "is_custom_property": int(custom),
            "int_value": None if isinstance(value, str) else value,
            "string_value": value if isinstance(value, str) else None,
        }
        for name, value in values.items()
        if value is not None and value != ""
    ]


def write(connection: Connection, table: Table, found: list[Row]) -> None:
    """Insert rows."""
    if found:
        connection.execute(insert(table), found)


def read(connection: Connection, table: Table, owners: Iterable[int], *, custom: bool = False) -> dict[int, Properties]:
    """All properties of each owner, or all custom ones."""
    owner = next(iter(table.primary_key.columns))
    found: dict[int, Properties] = defaultdict(Properties)
    for some in chunks(owners):
        query = select(owner, table.c.name, table.c.string_value, table.c.int_value).where(
            owner.in_(some), table.c.is_custom_property == int(custom)
        )
        for id, name, text, number in connection.execute(query):
            if text is not None:
                found[id].texts[name] = text
            elif number is not None:
                found[id].numbers[name] = number
    return found


class Properties:
    """The properties of one owner, by type."""

    __slots__ = ("numbers", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.numbers: dict[str, int] = {}

    def text(self, name: str) -> str:
        """The property's text, empty where it is not set."""
        return self.texts.get(name, "")

    def number(self, name: str) -> int | None:
        """The property's number, where it is set."""
        return self.numbers.get(name)
