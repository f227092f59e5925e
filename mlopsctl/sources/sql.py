"""``sql``: a query or a table of a SQLite or PostgreSQL database.

A database's answer has no file whose digest could stand in the step's key. So ``plan`` asks, in a process of its own
that alone knows the secret: with ``version`` this one small query, whose answer in this database stands for the rows;
without it the whole query, whose rows are digested and thrown away. Rows have no order in a database: they are sorted
by all columns when they are kept, so the same rows are the same data.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlopsctl.ground.digest import Json, canonical_json, digest_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import SecretRef, Uri
from mlopsctl.ground.secrets import secret_value
from mlopsctl.sources.tabled import DatabaseSource

if TYPE_CHECKING:
    from mlopsctl.sources.spool import Answer

_LONGEST = 60


class Sql(DatabaseSource):
    """The rows of a query, read through SQLAlchemy."""

    kind: Literal["sql"] = Field(default="sql", title="Kind", description="A query or a table of a SQL database.")
    url: Uri | SecretRef = Field(
        title="Database URL",
        description="An SQLAlchemy URL without a password, for example postgresql+psycopg://db.example.com/sales or "
        "sqlite:///data/sales.db, or {secret: NAME}.",
    )
    version: str | None = Field(
        None,
        min_length=1,
        title="Version",
        description="A query of one row that changes whenever the rows do, for example SELECT max(updated_at) FROM "
        "sales; plan asks it instead of reading all rows.",
    )

    def resolved(self, project: Path) -> tuple[str, ...]:
        """The database's URL; a secret one by its name."""
        return (self.url if isinstance(self.url, str) else f"secret:{self.url.secret}",)

    def outside(self) -> dict[str, str]:
        """See :meth:`FileSource.outside`: the database and the question, in one line.

        The short digest at its end tells two questions apart that read the same in one line.
        """
        asked = " ".join((self.table or self.query or "").split())
        if len(asked) > _LONGEST:
            asked = f"{asked[:_LONGEST]}…"
        where = self.url if isinstance(self.url, str) else f"{{secret: {self.url.secret}}}"
        exact = hashlib.sha256(canonical_json(self.model_dump(mode="json"))).hexdigest()[:8]
        return {"url": f"{where}: {asked} ({exact})"}

    def fingerprints(self, project: Path, memo: Path | None = None) -> dict[str, str]:
        """See :meth:`FileSource.fingerprints`; a child process asks the database."""
        from mlopsctl.sources.asking import fingerprint_elsewhere

        (name,) = self.outside().values()
        secret = "" if isinstance(self.url, str) else self.url.secret
        return {name: fingerprint_elsewhere(self.model_dump(mode="json"), secret, project)}

    def read(self, project: Path, folder: Path, most: int | None = None) -> Answer:
        """Ask, and keep the rows as Parquet in the folder.

        Args:
            most: the most rows that are taken.

        Raises:
            StepProblem: when the secret is missing, the database cannot be reached, it does not answer with rows, or
                it answers with more than ``most``.
        """
        from mlopsctl.sources.bound import at_most
        from mlopsctl.sources.database import asked
        from mlopsctl.sources.spool import Spool

        question = self.table or self.query or ""
        with asked(self._secret_url(), question, project, table=self.table is not None) as rows:
            with Spool(folder, rows.names) as spool:
                for batch in at_most(rows.batches, most):
                    spool.add(batch)
            return spool.answer()

    def fingerprint_here(self, project: Path, folder: Path) -> str:
        """What stands in the key for the rows, asked in this process; ``folder`` is for what is read meanwhile.

        Raises:
            StepProblem: see :meth:`read`; also when ``version`` does not give one row.
        """
        if self.version is None:
            return self.read(project, folder).digest()
        from mlopsctl.sources.database import asked, identity

        url = self._secret_url()
        with asked(url, self.version, project) as rows:
            found = [row for batch in rows.batches for row in batch]
        if len(found) != 1:
            hint = "write a query of one row, for example SELECT max(updated_at), count(*) FROM sales"
            raise StepProblem.because("bad-version", f"the `version` query gave {len(found)} rows, not one", hint=hint)
        answer: list[Json] = [None if value is None else str(value) for value in found[0]]
        stands: Json = {"database": identity(url, project), "version": self.version, "answer": answer}
        return digest_json("mlopsctl/rows-version/v2", stands)

    def _secret_url(self) -> str:
        return self.url if isinstance(self.url, str) else secret_value(self.url.secret)
