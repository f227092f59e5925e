"""What was seen to happen by itself: runs that a trigger started, schedules that stand, promotions that are proved."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.elsewhere.engines import elsewhere, is_elsewhere
from mlopsctl.delivery.promotion.follow import follow
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.checkout import ask_git
from mlopsctl.ground.errors import Problem
from mlopsctl.levels import Promoted
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import RunRecord
from mlopsctl.orchestrators.specs import Airflow
from mlopsctl.triggers import ScheduleTrigger

_MOST_RUNS = 200
_SHORT = 12


def triggered_runs(loaded: Loaded, stores: Stores) -> tuple[RunRecord, ...]:
    """The newest runs of the project, in any environment, that something besides a person started; newest first."""
    runs = stores.metadata.runs(loaded.project.name, limit=_MOST_RUNS)
    return tuple(run for run in runs if run.cause)


def standing_schedules(loaded: Loaded) -> tuple[tuple[str, ...], str]:
    """The schedules on the environment's orchestrator as git asks for them, a sentence each; why nobody asked it."""
    declared = any(isinstance(trigger, ScheduleTrigger) for trigger in loaded.project.starting)
    if not declared or not is_elsewhere(loaded):
        return (), ""
    try:
        there = elsewhere(loaded, lower(loaded), ask=True)
    except Problem as problem:
        return (), f"its orchestrator could not be asked: {problem}"
    deployed = there.deployed if there is not None else None
    if there is None or deployed is None:
        return (), ""
    settings = loaded.project.orchestrator
    if isinstance(settings, Airflow) and settings.url is None:
        return (), "`orchestrator.url` is not set, so Airflow was not asked"
    if deployed.paused or not deployed.version:
        return (), f"{there.wanted.name} is {'paused' if deployed.paused else 'not'} there"
    wanted = {one.name: (one.cron, one.timezone) for one in there.wanted.schedules}
    found = [one for one in deployed.schedules if not one.paused and wanted.get(one.name) == (one.cron, one.timezone)]
    return tuple(
        f"the schedule {one.name}, {one.cron} in {one.timezone}, stands on {settings.kind}" for one in found
    ), ""


def promotions(environments: Sequence[Loaded], stores: Stores) -> tuple[Promoted, ...]:
    """What came of the promotion into each environment that has one."""
    return tuple(
        _locked(one) if one.project.follows_lock else _released(one, stores)
        for one in environments
        if one.project.promotion is not None and one.project.promotion.source
    )


def _locked(loaded: Loaded) -> Promoted:
    """The lock that it follows, where its evidence verifies and it is in a commit."""
    name = loaded.environment
    try:
        proof = follow(loaded)
    except Problem as problem:
        return Promoted(name, problem=str(problem))
    if proof is None:
        return Promoted(name)
    lock, file = proof.followed.lock, proof.followed.file
    commit = (ask_git(loaded.folder, "log", "-1", "--format=%H", "--", str(file)) or b"").decode().strip()
    where = file.relative_to(loaded.folder).as_posix()
    if not commit:
        return Promoted(name, problem=f"{where} is in no commit yet")
    signed = "signed evidence" if proof.signed else "evidence"
    told = f"{name} follows {lock.model.name} v{lock.model.version} of {lock.source}, by a lock with {signed}"
    places = (f"{where}:1", f"commit {commit[:_SHORT]}", f"run {proof.statement.predicate.run}")
    return Promoted(name, told, (*places, f"model {lock.model.digest}"))


def _released(loaded: Loaded, stores: Stores) -> Promoted:
    """The code that moves up is promoted once the environment released what it trained."""
    release = stores.state.read(loaded.project.name, loaded.environment).release
    if release is None:
        return Promoted(loaded.environment)
    told = f"{loaded.environment} released {release.registry_name} v{release.registry_version}"
    return Promoted(loaded.environment, told, (f"run {release.run}", f"model {release.model}"))
