"""The two files of a DAG in its folder: written whole, the plan before the DAG file that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.orchestrators.contract import Bundle, Wanted


class DagFiles:
    """A folder that Airflow reads DAGs from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def version(self, wanted: Wanted) -> str:
        """The digest of the files that are there; empty where one is missing."""
        found: dict[str, bytes] = {}
        for name in wanted.bundle.files:
            path = self.folder / name
            if not path.is_file():
                return ""
            found[name] = path.read_bytes()
        return Bundle(found, wanted.bundle.main).digest

    def write(self, wanted: Wanted) -> None:
        """Replace the files.

        Raises:
            StepProblem: when the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Sorted, `.json` comes before `.py`: a new DAG file never meets a plan that is not there.
            for name in sorted(wanted.bundle.files):
                write_atomic(self.folder / name, wanted.bundle.files[name], mode=0o644)
        except OSError as error:
            raise StepProblem.because(
                "dags-not-written",
                f"the DAG cannot be written to {self.folder}: {error.strerror}",
                hint="check orchestrator.dags, and the folder's permissions",
            ) from error

    def remove(self, wanted: Wanted) -> Iterator[str]:
        """Remove the files, the DAG file first."""
        for name in sorted(wanted.bundle.files, reverse=True):
            path = self.folder / name
            if path.is_file():
                path.unlink()
                yield f"removed {path.name}"
