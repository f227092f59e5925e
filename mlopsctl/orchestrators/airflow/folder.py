"""A folder that Airflow reads DAGs from, and the order in which every place is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.files import write_atomic


def in_order(names: Collection[str]) -> list[str]:
    """File names in the order of writing: ``.json`` comes before ``.py``."""
    return sorted(names, key=lambda name: (name.endswith(".py"), name))


class FolderOfDags:
    """A folder that Airflow reads DAGs from; see :class:`~mlopsctl.orchestrators.airflow.files.DagFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def where(self) -> str:
        return str(self._folder)

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        try:
            return {name: (self._folder / name).read_bytes() for name in names if (self._folder / name).is_file()}
        except OSError as error:
            raise self._refused("read from", error) from error

    def write(self, files: Mapping[str, bytes], why: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for name in in_order(files):
                write_atomic(self._folder / name, files[name], mode=0o644)
        except OSError as error:
            raise self._refused("written to", error) from error

    def remove(self, names: Collection[str], why: str) -> tuple[str, ...]:
        removed = []
        try:
            for name in reversed(in_order(names)):
                if (self._folder / name).is_file():
                    (self._folder / name).unlink()
                    removed.append(name)
        except OSError as error:
            raise self._refused("removed from", error) from error
        return tuple(removed)

    def _refused(self, what: str, error: OSError) -> StepProblem:
        return StepProblem.because(
            "dags-not-written",
            f"the DAG cannot be {what} {self._folder}: {error.strerror}",
            hint="check orchestrator.dags, and the folder's permissions",
        )
