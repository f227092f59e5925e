"""Where the two files of a DAG lie: in a folder, a bucket or a git repository, all spoken to in the same words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.orchestrators.specs import Airflow
from mlopsctl.orchestrators.specs.airflow_dags import GitDags, is_bucket


class DagFiles(Protocol):
    """A place that Airflow reads DAGs from. Whatever goes wrong on the way is a ``Problem``.

    Files are written whole, the plan before the DAG file that reads it, and removed the other way round, so that a DAG
    file never meets a plan that is not there.
    """

    @property
    def where(self) -> str:
        """The place as people know it."""

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """The content of those files that are there, by name."""

    def write(self, files: Mapping[str, bytes], why: str) -> None:
        """Make files have this content; nothing where they have it. ``why`` stands where the place keeps history."""

    def remove(self, names: Collection[str], why: str) -> tuple[str, ...]:
        """Remove files, and say which were there."""


def dag_files(settings: Airflow, project: Path) -> DagFiles:
    """The place that ``orchestrator.dags`` names; nothing is asked yet."""
    dags = settings.dags
    if isinstance(dags, GitDags):
        from mlopsctl.orchestrators.airflow.git import GitOfDags

        return GitOfDags(dags)
    if is_bucket(dags):
        from mlopsctl.orchestrators.airflow.bucket import BucketOfDags

        return BucketOfDags(dags)
    return FolderOfDags(project / dags)


def in_order(names: Collection[str]) -> list[str]:
    """File names in the order of writing: ``.json`` comes before ``.py``."""
    return sorted(names, key=lambda name: (name.endswith(".py"), name))


class FolderOfDags:
    """A folder that Airflow reads DAGs from; see :class:`DagFiles`."""

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
