"""The lines of a plan that are not steps: gates that changed, the release, the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlopsctl.delivery.live import Live
from mlopsctl.delivery.plan import Action, Line, StepPlan
from mlopsctl.gates.policy import PolicyChange
from mlopsctl.metadata.records import EnvironmentState, Release

_DECIDING = ("evaluate", "gate", "preflight", "push")
_ACTIONS = {"added": Action.CREATE, "removed": Action.DELETE}


def gate_lines(changes: Sequence[PolicyChange]) -> Iterator[Line]:
    """One line for each gate that is not as it was when last applied."""
    for change in changes:
        action = _ACTIONS.get(change.change, Action.UPDATE)
        yield Line("gate", change.name, action, (f"{change.change}: {change.reason}",))


def release_line(steps: Sequence[StepPlan], challenger: str, refused: str, state: EnvironmentState, live: Live) -> Line:
    """What happens to the release: nothing, a decision once the steps have run, or a release that is due.

    Args:
        challenger: digest of the selected model when it is known already; else empty.
        refused: why the challenger may not go out, when that is known already; else empty.
    """
    standing = state.release
    version = f"v{standing.registry_version}" if standing else "nothing"
    deciding = any(plan.runs and plan.step.component in _DECIDING for plan in steps)
    drifted = standing is not None and live.refreshed and live.alias_digest != standing.model
    if state.hold and not drifted:
        return Line("release", "champion", Action.KEEP, (f"held at {version}: {state.hold}",))
    if deciding and not state.hold:
        action = Action.UPDATE if standing else Action.CREATE
        return Line("release", "champion", action, (f"{version} now; the gates decide on the challenger",), waits=True)
    goes = not state.hold and not refused and bool(challenger)
    if drifted and not (goes and standing is not None and standing.model != challenger):
        found = f"v{live.alias_version}" if live.alias_version else "nothing"
        return Line(
            "release", "champion", Action.UPDATE, (f"the registry's alias points to {found}, not to {version}",)
        )
    if refused:
        return Line("release", "champion", Action.KEEP, (f"{version} stays: {refused}",))
    if not challenger:
        return Line("release", "champion", Action.KEEP, (f"{version} stays: no challenger",))
    if standing is None:
        return Line("release", "champion", Action.CREATE, ("the gates let the challenger go; first release",))
    if standing.model != challenger:
        return Line("release", "champion", Action.UPDATE, (f"{version} now; the gates let the challenger go",))
    return Line("release", "champion", Action.KEEP, (f"{version} is the challenger",))


def server_lines(wanted: bool, release: Line, state: EnvironmentState, live: Live) -> Iterator[Line]:
    """What happens to the server, and to those that the project no longer asks for."""
    for left in live.left:
        yield Line("server", left, Action.DELETE, ("the project no longer serves there",))
    if not wanted:
        if live.serving:
            yield Line("server", live.kind, Action.DELETE, ("deployment is gone from the project",))
        return
    standing = state.release
    if release.action is not Action.KEEP:
        action = Action.UPDATE if live.serving else Action.CREATE
        yield Line("server", live.kind, action, ("follows the release", *_noted(live)), waits=release.waits)
    elif standing is None:
        yield Line("server", live.kind, Action.KEEP, ("nothing is released",))
    elif not live.refreshed:
        yield Line("server", live.kind, Action.KEEP, ("not asked",))
    elif not live.serving:
        found = f"v{standing.registry_version} is released and not served"
        yield Line("server", live.kind, Action.CREATE, (found, *_noted(live)))
    elif wrong := _wrong(standing, live):
        yield Line("server", live.kind, Action.UPDATE, (wrong,))
    else:
        yield Line(
            "server", live.kind, Action.KEEP, (live.served_url, *_noted(live)) if live.served_url else _noted(live)
        )


def _wrong(standing: Release, live: Live) -> str:
    """What is wrong with a server that runs; empty when nothing is."""
    if live.served_digest != standing.model:
        return "it serves another model than the release"
    if live.observed and not live.healthy:
        return "it runs and does not answer"
    return live.otherwise


def _noted(live: Live) -> tuple[str, ...]:
    return (live.note,) if live.note else ()
