"""Tell a project's notifiers how a command ended; who could not be told is noted, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.happenings import Ending, happenings, release_event
from mlopsctl.delivery.outcome import Findings, Outcome
from mlopsctl.delivery.pinned import moment
from mlopsctl.delivery.release import Standing
from mlopsctl.notifiers.events import Happening
from mlopsctl.notifiers.tell import tell


def tell_outcome(loaded: Loaded, outcome: Outcome, *, elsewhere: bool = False, failed: str = "") -> Outcome:
    """Tell what a run came to, and note who could not be told.

    Args:
        elsewhere: the run's own last task has told everything but the release.
        failed: why the command failed after all steps had ended.
    """
    ending = Ending(
        project=loaded.project.name,
        environment=loaded.environment,
        run=outcome.run,
        results={} if elsewhere else outcome.results,
        findings=Findings() if elsewhere else outcome.findings,
        failed=failed,
        released=outcome.released,
    )
    notes = tell(loaded.project.notify, happenings(ending), loaded.folder)
    return replace(outcome, notes=(*outcome.notes, *notes)) if notes else outcome


def tell_rollback(loaded: Loaded, standing: Standing, reason: str) -> None:
    """Tell that an earlier release is back."""
    if standing.released is None:
        return
    about = Happening("rolled_back", loaded.project.name, loaded.environment, moment(), standing.released.run)
    tell(loaded.project.notify, [release_event("rolled_back", about, standing.released, reason)], loaded.folder)
