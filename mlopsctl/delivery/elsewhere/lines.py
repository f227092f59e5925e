"""The lines of a plan for what stands on the orchestrator's side: the compiled pipeline and its schedules."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.delivery.plan import Action, Line
from mlopsctl.orchestrators.contract import Deployed, Schedule, Wanted

PIPELINE, SCHEDULE = "pipeline", "schedule"
ENGINE_KINDS = (PIPELINE, SCHEDULE)


def engine_lines(wanted: Wanted, deployed: Deployed | None) -> Iterator[Line]:
    """What happens to the compiled pipeline and its schedules. ``deployed`` is ``None`` where nobody was asked."""
    if deployed is None:
        yield Line(PIPELINE, wanted.name, Action.KEEP, ("not asked",))
        return
    version = wanted.bundle.digest
    if not deployed.exists:
        yield Line(PIPELINE, wanted.name, Action.CREATE, ("new",))
    elif deployed.version != version:
        found = (
            f"version {short(deployed.version)} is deployed" if deployed.version else "no version of ours is deployed"
        )
        yield Line(PIPELINE, wanted.name, Action.UPDATE, (f"{found}, the project compiles to {short(version)}",))
    elif deployed.paused and not deployed.schedules:
        yield Line(PIPELINE, wanted.name, Action.UPDATE, ("it is paused",))
    else:
        yield Line(PIPELINE, wanted.name, Action.KEEP, (f"version {short(version)}",))
    yield from _schedules(wanted, deployed)


def short(digest: str) -> str:
    """A digest as people read it."""
    return digest.rpartition(":")[2][:12]


def _schedules(wanted: Wanted, deployed: Deployed) -> Iterator[Line]:
    there = {schedule.name: schedule for schedule in deployed.schedules}
    for schedule in wanted.schedules:
        found = there.pop(schedule.name, None)
        if found is None:
            yield Line(SCHEDULE, schedule.name, Action.CREATE, (f"{schedule.cron} ({schedule.timezone})",))
            continue
        moved = tuple(_differences(schedule, found))
        action = Action.UPDATE if moved else Action.KEEP
        yield Line(SCHEDULE, schedule.name, action, moved or (f"{schedule.cron} ({schedule.timezone})",))
    for name in sorted(there):
        yield Line(SCHEDULE, name, Action.DELETE, ("no longer in the project",))


def _differences(wanted: Schedule, found: Schedule) -> Iterator[str]:
    if (found.cron, found.timezone) != (wanted.cron, wanted.timezone):
        yield f"it runs at {found.cron} ({found.timezone}), the project says {wanted.cron} ({wanted.timezone})"
    if found.paused != wanted.paused:
        yield "it is paused" if found.paused else "it is not paused"
    if found.max_concurrent != wanted.max_concurrent:
        yield f"{found.max_concurrent} runs may overlap, the project says {wanted.max_concurrent}"
    if found.version != wanted.version:
        yield f"it starts version {short(found.version)}" if found.version else "it starts a version that is not ours"
