"""Where the two files of a DAG lie: in a folder, a bucket or a git repository, all spoken to in the same words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from mlopsctl.orchestrators.airflow.folder import FolderOfDags
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
