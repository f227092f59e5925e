"""``sql``: a query or a table of a database that SQLAlchemy reaches."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.scalars import SecretRef, Uri
from mlopsctl.sources.tabled import DatabaseSource


class Sql(DatabaseSource):
    """The rows of a query, read through SQLAlchemy."""

    not_yet: ClassVar[str] = "reading from SQL databases"

    kind: Literal["sql"] = Field(default="sql", title="Kind", description="A query or a table of a SQL database.")
    url: Uri | SecretRef = Field(
        title="Database URL",
        description="An SQLAlchemy URL without a password, for example postgresql+psycopg://db.example.com/sales, or "
        "{secret: NAME}.",
    )

    def resolved(self, project: Path) -> tuple[str, ...]:
        """The database's URL; a secret one by its name."""
        return (self.url if isinstance(self.url, str) else f"secret:{self.url.secret}",)
