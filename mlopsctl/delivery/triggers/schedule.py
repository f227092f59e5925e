"""The schedule trigger: due when its newest time has come since the last run began."""

from __future__ import annotations

from datetime import datetime

from mlopsctl.delivery.triggers.past import Past
from mlopsctl.delivery.triggers.value import Decision, State, of_ms, shown
from mlopsctl.ground.cron_times import Times
from mlopsctl.triggers import ScheduleTrigger


def decide_schedule(trigger: ScheduleTrigger, past: Past, now: datetime, starter: str = "") -> Decision:
    """Decide from the clock and the recorded runs, whatever came of them.

    Args:
        starter: the orchestrator that starts these runs by itself; empty where nobody does.
    """
    times = Times(trigger.cron, trigger.timezone)
    last, following = times.last(now), times.next(now)
    if starter:
        return Decision(State.WAITING, f"{starter} starts these runs by itself", following)
    if last is None:
        return Decision(State.WAITING, "it has not come in nine years", following)
    run = next(past.whole(), None)
    if run is None:
        return Decision(State.DUE, f"no run is recorded, and its time was {shown(last)}", following)
    began = of_ms(run.started)
    if began >= last:
        return Decision(State.WAITING, f"run {run.id} began at {shown(began)}, after {shown(last)}", following)
    return Decision(State.DUE, f"its time was {shown(last)}, and the last run began at {shown(began)}", following)
