"""The planes of live systems: the engine's schedules, the registry's alias and the server."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.drift.finding import Finding, Plane, Standing
from mlopsctl.delivery.elsewhere.engines import elsewhere, is_elsewhere
from mlopsctl.delivery.elsewhere.lines import SCHEDULE, engine_lines, short
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.plan import Action
from mlopsctl.delivery.refresh import read_live
from mlopsctl.delivery.stores import Stores
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import Release

# What a plan says of these is about what it would do.
_AS_FOUND = {Action.CREATE: "it is not there", Action.DELETE: "there is one that the project does not ask for"}


def schedule_findings(loaded: Loaded, stores: Stores) -> Iterator[Finding]:
    """The compiled pipeline and its schedules, as the orchestrator has them; none on this machine, which keeps none."""
    del stores
    if not is_elsewhere(loaded):
        return
    there = elsewhere(loaded, lower(loaded), ask=True)
    if there is None:
        return
    wanted = {schedule.name: f"{schedule.cron} ({schedule.timezone})" for schedule in there.wanted.schedules}
    for line in engine_lines(there.wanted, there.deployed):
        same = line.action is Action.KEEP
        asked = wanted.get(line.name, "no schedule") if line.kind == SCHEDULE else short(there.wanted.bundle.digest)
        found = _AS_FOUND.get(line.action, "; ".join(line.reasons))
        yield _finding(Plane.SCHEDULE, f"{line.kind} {line.name}", same, asked, found)


def serving_findings(loaded: Loaded, stores: Stores) -> Iterator[Finding]:
    """The alias and the server against the release."""
    release = stores.state.read(loaded.project.name, loaded.environment).release
    live, notes = read_live(loaded, stores)
    if not live.refreshed:
        yield Finding(Plane.SERVING, "registry", Standing.UNREAD, "to be read", "; ".join(notes))
    else:
        yield _alias(release, live)
    yield from _server(loaded, release, live)
    for left in live.left:
        yield _finding(Plane.SERVING, f"server {left}", False, "nothing serves there", "it serves")


def _alias(release: Release | None, live: Live) -> Finding:
    found = f"v{live.alias_version} {short(live.alias_digest)}" if live.alias_digest else "nothing"
    if release is None:
        return _finding(Plane.SERVING, "alias", not live.alias_digest, "nothing", found)
    wanted = f"v{release.registry_version} {short(release.model)}"
    return _finding(Plane.SERVING, "alias", live.alias_digest == release.model, wanted, found)


def _server(loaded: Loaded, release: Release | None, live: Live) -> Iterator[Finding]:
    what = f"server {live.kind}"
    serves = release is not None and loaded.project.deployment is not None
    if not serves or release is None:
        if live.serving:
            yield _finding(Plane.SERVING, what, False, "nothing serves", f"serves {short(live.served_digest)}")
        return
    wanted = f"v{release.registry_version} {short(release.model)}"
    if not live.serving:
        yield _finding(Plane.SERVING, what, False, wanted, "nothing serves")
    elif live.served_digest != release.model:
        yield _finding(Plane.SERVING, what, False, wanted, f"serves {short(live.served_digest)}")
    elif live.observed and not live.healthy:
        yield _finding(Plane.SERVING, what, False, wanted, "it runs and does not answer")
    elif live.otherwise:
        yield _finding(Plane.SERVING, what, False, wanted, live.otherwise)
    else:
        yield _finding(Plane.SERVING, what, True, wanted, f"serves {short(live.served_digest)}")


def _finding(plane: Plane, what: str, same: bool, wanted: str, found: str) -> Finding:
    return Finding(plane, what, Standing.SAME if same else Standing.DRIFTED, wanted, found)
