"""Schedules as recurring runs: what is there compared with what is wanted, and the change from one to the other.

The server cannot change a recurring run, it can only enable and disable it. Also, it starts a run at once for a time
that passed while one was disabled. So a changed schedule gets a new recurring run, and of a schedule never two are
enabled: the new one is created disabled, the old ones are deleted, the new one is enabled. Killed in between, either
the old one still starts runs or none does; ``look`` shows that, and the next ``deploy`` replaces what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.orchestrators.contract import Schedule, Wanted
from mlopsctl.orchestrators.kfp.cron import check_timezone, our_cron, server_cron
from mlopsctl.orchestrators.kfp.marks import mark
from mlopsctl.orchestrators.kfp.server import Server
from mlopsctl.orchestrators.kfp.things import SETTINGS, Pipeline, Recurring
from mlopsctl.orchestrators.specs.kfp import Kubeflow

Versions = Callable[[Recurring], str]
"""The digest of the bundle that a recurring run starts; empty where that is not one of ours."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The recurring runs of a project beside what is wanted of them.

    Attributes:
        experiment: the id of the experiment that runs should be in; empty where there is none yet.
    """

    wanted: Wanted
    settings: Kubeflow
    there: Sequence[Recurring]
    versions: Versions
    experiment: str

    @property
    def aims(self) -> dict[str, Schedule]:
        """What is wanted, by name."""
        return {
            schedule.name: replace(schedule, version=self.wanted.bundle.digest) for schedule in self.wanted.schedules
        }

    @property
    def as_wanted(self) -> bool:
        """Whether there is nothing to do."""
        return {one.name: one for one in self.seen()} == self.aims

    def seen(self) -> tuple[Schedule, ...]:
        """The schedules that are there, one for each name: where there are several, one that differs."""
        aims = self.aims
        found: dict[str, Schedule] = {}
        for one in self.there:
            schedule = self.schedule(one, aims.get(one.name))
            if one.name in found and found[one.name] == aims.get(one.name):
                # Two of a name are never as wanted, not even when each is.
                found[one.name] = schedule if schedule != found[one.name] else replace(schedule, version="")
            found.setdefault(one.name, schedule)
        return tuple(found[name] for name in sorted(found))

    def notes(self) -> Iterator[str]:
        """What the schedules alone do not say."""
        names = [one.name for one in self.there]
        for name in sorted(set(names)):
            if names.count(name) > 1:
                yield f"the schedule {name} is there {names.count(name)} times"
        for one in self.there:
            if one.name in self.aims and (odd := list(self._odd(one))):
                yield f"the schedule {one.name} differs in {', '.join(odd)}"

    def schedule(self, one: Recurring, aim: Schedule | None) -> Schedule:
        """A recurring run as a schedule. It starts no version of ours where it starts one otherwise than wanted."""
        otherwise = aim is not None and any(self._odd(one))
        return Schedule(
            name=one.name,
            cron=our_cron(one.cron, aim.cron if aim is not None else "") or "no times of a calendar",
            timezone=aim.timezone if aim is not None else self.settings.timezone,
            paused=one.paused,
            max_concurrent=one.most,
            version="" if otherwise else self.versions(one),
        )

    def _odd(self, one: Recurring) -> Iterator[str]:
        """What differs that a schedule does not tell."""
        if one.mark is None or one.mark.more.get(SETTINGS) != settings_digest(self.settings):
            yield "its settings"
        elif one.service_account != (self.settings.service_account or one.service_account):
            yield "its service account"
        elif one.pipeline_root != (self.settings.pipeline_root or one.pipeline_root):
            yield "its pipeline root"
        if one.experiment != self.experiment:
            yield "its experiment"
        if one.parameters:
            yield "its parameters"
        if one.catches_up:
            yield "catching up"
        if one.bounded:
            yield "its first or last day"


def check_schedules(wanted: Wanted, settings: Kubeflow) -> None:
    """Refuse schedules that the server cannot keep.

    Raises:
        InvalidProject: with what to do.
    """
    for schedule in wanted.schedules:
        check_timezone(schedule, settings.timezone)


def settings_digest(settings: Kubeflow) -> str:
    """What else of the settings a recurring run is made with."""
    made_with: Json = {"pipeline_root": settings.pipeline_root, "service_account": settings.service_account}
    return digest_json("mlopsctl/kfp-recurring/v1", made_with).rpartition(":")[2][:12]


def make_so(
    server: Server, comparison: Comparison, pipeline: Pipeline, version: str, again: Callable[[], Sequence[Recurring]]
) -> Iterator[str]:
    """Make the recurring runs as wanted, and say what was done; nothing for those that are.

    Args:
        version: the id of the version that they start.
        again: looks what is there now.
    """
    there: dict[str, list[Recurring]] = {}
    for one in comparison.there:
        there.setdefault(one.name, []).append(one)
    for name, aim in comparison.aims.items():
        yield from _one(server, comparison, there.pop(name, []), _Making(aim, pipeline, version, again))
    for name in sorted(there):
        yield from delete_all(server, there[name])


def delete_all(server: Server, there: Sequence[Recurring]) -> Iterator[str]:
    """Delete recurring runs, and say so."""
    for one in there:
        server.delete_recurring(one.id, one.name)
        yield f"deleted the recurring run {one.name}"


@dataclass(frozen=True, slots=True)
class _Making:
    """One schedule that is made so."""

    aim: Schedule
    pipeline: Pipeline
    version: str
    again: Callable[[], Sequence[Recurring]]


def _one(server: Server, comparison: Comparison, there: Sequence[Recurring], making: _Making) -> Iterator[str]:
    aim = making.aim
    kept = next((one for one in there if comparison.schedule(one, aim) == aim), None)
    running = replace(aim, paused=False)
    if kept is None and aim.paused:
        kept = next((one for one in there if comparison.schedule(one, aim) == running), None)
        if kept is not None:
            server.disable_recurring(kept.id, aim.name)
            yield f"paused the recurring run {aim.name}"
    others = [one for one in there if one is not kept]
    if kept is not None:
        yield from delete_all(server, others)
        return
    first = replace(aim, paused=aim.paused or bool(others))
    made = _create(server, comparison, first, making)
    for one in others:
        server.delete_recurring(one.id, one.name)
    if first.paused and not aim.paused:
        server.enable_recurring(made, aim.name)
    yield f"{'replaced' if others else 'created'} the recurring run {aim.name}"


def _create(server: Server, comparison: Comparison, aim: Schedule, making: _Making) -> str:
    wanted, settings = comparison.wanted, comparison.settings
    known = {one.id for one in comparison.there}

    def done() -> Recurring | None:
        new = [one for one in making.again() if one.id not in known]
        return next((one for one in new if comparison.schedule(one, aim) == aim), None)

    root = {"pipeline_root": settings.pipeline_root} if settings.pipeline_root else {}
    account = {"service_account": settings.service_account} if settings.service_account else {}
    body: dict[str, Json] = {
        "display_name": aim.name,
        "description": str(mark(wanted, **{SETTINGS: settings_digest(settings)})),
        "experiment_id": comparison.experiment,
        "pipeline_version_reference": {"pipeline_id": making.pipeline.id, "pipeline_version_id": making.version},
        # Left out altogether, the server would take it that no parameter has a value, not even a default.
        "runtime_config": {"parameters": {}, **root},
        "trigger": {"cron_schedule": {"cron": server_cron(aim.cron)}},
        "mode": "DISABLE" if aim.paused else "ENABLE",
        "max_concurrency": str(aim.max_concurrent),
        "no_catchup": True,
        **account,
    }
    return server.create_recurring(body, done)
