"""Tell what happened to everybody who wants to hear it; who cannot be told changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mlopsctl.ground.errors import Problem
from mlopsctl.ground.log import log_for
from mlopsctl.ground.redact import redact
from mlopsctl.notifiers.events import Happening, Notifying

_log = log_for("notify")


def tell(notifiers: Sequence[Notifying], happenings: Iterable[Happening], project: Path) -> tuple[str, ...]:
    """Send each event to each notifier that wants it; what could not be told, a sentence each.

    Args:
        project: the project's folder.
    """
    failed: dict[str, None] = {}
    for happening in happenings:
        for notifier in notifiers:
            if happening.event not in notifier.events:
                continue
            try:
                notifier.send(happening, project)
            except Problem as problem:
                said = redact(str(problem))
                _log.warning("not told", notified=happening.event, problem=said)
                failed[f"{happening.event} was not told: {said}"] = None
    return tuple(failed)
