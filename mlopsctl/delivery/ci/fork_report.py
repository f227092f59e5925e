"""The report of a fork's run, taken from the run that the event names and published as unverified."""

from __future__ import annotations

from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.ci.event import FinishedRun
from mlopsctl.delivery.publish.handed import MOST_BYTES, Handed, UnusableReport, parse_archive, read_handed
from mlopsctl.delivery.publish.unverified import Origin, unverified
from mlopsctl.delivery.publish.value import Publication
from mlopsctl.forges.contract import Forge, TooLarge


def artifact_name(project: str) -> str:
    """What the report's artifact is called in the run of a pull request."""
    return f"mlopsctl-{project}-report"


def fork_publication(loaded: Loaded, run: FinishedRun, forge: Forge, file: Path | None) -> Publication:
    """What the run reported, beside the commit and the pull request that the forge itself names.

    Args:
        loaded: the project of the branch that is asked to take the commit.
        file: a report that is here already; by default the run's artifact is taken, in memory.
    """
    asked = forge.pull_request_of(run.repository, run.branch, run.commit, run.base)
    number = asked.number if asked is not None else 0
    origin = Origin(run.commit, number, run.repository, run.succeeded)
    try:
        return unverified(loaded, origin, _report(loaded, run, forge, file))
    except UnusableReport as why:
        return unverified(loaded, origin, None, str(why))


def _report(loaded: Loaded, run: FinishedRun, forge: Forge, file: Path | None) -> Handed:
    if file is not None:
        return read_handed(file)
    name = artifact_name(loaded.project.name)
    try:
        content = forge.artifact(run.id, name, run.commit, MOST_BYTES)
    except TooLarge as why:
        raise UnusableReport(str(why)) from why
    if content is None:
        raise UnusableReport("there is no report")
    return parse_archive(content)
