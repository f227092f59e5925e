"""``parquet``: a file, a folder of files, or a pattern."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlopsctl.sources.files import FileSource, globbed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from mlopsctl.tables.scan import Scan


class Parquet(FileSource):
    """Parquet files of equal columns, read in the order of their names."""

    kind: Literal["parquet"] = Field(default="parquet", title="Kind", description="Parquet files of equal columns.")

    _suffix: ClassVar[str] = ".parquet"

    def scan(self, connection: Connection, project: Path) -> Scan:
        """The rows of the files, one after the other.

        Raises:
            StepProblem: when there is no file, one is no Parquet, or their columns differ.
        """
        from mlopsctl.tables.columns import check_names
        from mlopsctl.tables.engine import parquet
        from mlopsctl.tables.scan import normalized

        files = self.files(project)
        relation = parquet(*files)
        described = [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()]
        check_names([name for name, _ in described], str(files[0]))
        return normalized(relation, described)

    def _expand(self, path: Path) -> tuple[Path, ...]:
        if path.is_file():
            return (path,)
        if path.is_dir():
            return tuple(sorted(found for found in path.rglob("*.parquet") if found.is_file()))
        return globbed(path)

    def _missing(self, path: Path) -> tuple[str, str]:
        if path.is_dir():
            return f"the folder {path} holds no *.parquet file", "put the files there or correct `uri`"
        return super()._missing(path)
