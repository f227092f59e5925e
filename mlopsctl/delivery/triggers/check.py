"""Look at every trigger of an environment once: the clock, the sources and the recorded runs decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.stores import open_stores
from mlopsctl.delivery.triggers.data import decide_data
from mlopsctl.delivery.triggers.drift import decide_drift
from mlopsctl.delivery.triggers.metric import decide_metric
from mlopsctl.delivery.triggers.past import read_past
from mlopsctl.delivery.triggers.schedule import decide_schedule
from mlopsctl.delivery.triggers.value import Checked, Decided, Decision, State
from mlopsctl.ground.errors import Problem
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.specs import Local
from mlopsctl.triggers import DataTrigger, DriftTrigger, MetricTrigger, ScheduleTrigger, Trigger


def check_triggers(loaded: Loaded, now: datetime) -> Checked:
    """Decide whether a run is due; changes nothing, and remembers nothing.

    Args:
        now: the moment to decide for, with its time zone.

    Raises:
        Problem: when the project or its stores cannot be read. A trigger's own source that cannot be is told in it.
    """
    project = loaded.project
    with open_stores(loaded) as stores:
        pipeline = lower(loaded).pipeline
        past = read_past(loaded, pipeline, stores)
        release = stores.state.read(project.name, loaded.environment).release
        released = "" if release is None else release.model
        starter = "" if isinstance(project.orchestrator, Local) else f"the orchestrator ({project.orchestrator.kind})"

        def decider(trigger: Trigger) -> Callable[[], Decision]:
            match trigger:
                case ScheduleTrigger():
                    return partial(decide_schedule, trigger, past, now, starter)
                case DataTrigger():
                    return partial(decide_data, trigger, loaded, pipeline, past, now)
                case DriftTrigger():
                    return partial(decide_drift, trigger, past)
                case MetricTrigger():
                    return partial(decide_metric, trigger, released, past, now)

        decided = tuple(
            Decided(index, trigger.kind, _subject(trigger), _decision(decider(trigger)))
            for index, trigger in enumerate(project.starting)
        )
    return Checked(project.name, loaded.environment, now, decided)


def _decision(decide: Callable[[], Decision]) -> Decision:
    try:
        return decide()
    except Problem as problem:
        hint = next((one.hint for one in problem.diagnostics if one.hint), "")
        return Decision(State.UNREADABLE, str(problem), hint=hint)


def _subject(trigger: Trigger) -> str:
    match trigger:
        case ScheduleTrigger():
            return f"{trigger.cron} in {trigger.timezone}"
        case DataTrigger():
            return trigger.dataset
        case DriftTrigger():
            return trigger.dataset if trigger.check is None else f"{trigger.dataset}: {trigger.check}"
        case MetricTrigger():
            return trigger.metric
