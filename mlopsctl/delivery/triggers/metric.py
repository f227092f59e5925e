"""The metric trigger: due when the released model left its bounds where it was measured last."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlopsctl import evidence
from mlopsctl.delivery.triggers.past import Past
from mlopsctl.delivery.triggers.value import Decision, State, of_ms, shown
from mlopsctl.evidence import Evaluation, Measurement
from mlopsctl.ground.numbers import exact
from mlopsctl.triggers import MetricTrigger


def decide_metric(trigger: MetricTrigger, released: str, past: Past, now: datetime) -> Decision:
    """Decide from the newest recorded measurement of the model.

    Args:
        released: the digest of the model in service; empty for none.

    Raises:
        Problem: when recorded evidence cannot be read.
    """
    if not released:
        return Decision(State.WAITING, "no model is released, so none can have got worse")
    hint = "`mlopsctl run` measures it again beside the challenger, where a change gate on the metric compares the two"
    since = None if trigger.window is None else now - timedelta(seconds=trigger.window)
    for run in past.runs:
        record = past.of(run).get("evaluate")
        if record is None or "evaluation" not in record.outputs or of_ms(run.started) > now:
            continue
        if since is not None and of_ms(run.started) < since:
            break
        digest = record.outputs["evaluation"].digest
        found = _measured(
            evidence.parse(Evaluation, past.stores.artifacts.read(digest, evidence.EVALUATION_FILE)),
            trigger.metric,
            released,
        )
        if found is not None:
            return _judged(trigger, found, f"run {run.id} of {shown(of_ms(run.started))}")
    within = "" if since is None else f" since {shown(since)}"
    return Decision(State.UNDECIDED, f"{trigger.metric} of the released model was not measured{within}", hint=hint)


def _measured(evaluation: Evaluation, metric: str, model: str) -> Measurement | None:
    if evaluation.model == model:
        return evaluation.measurement(metric)
    if evaluation.champion != model:
        return None
    compared = evaluation.comparison(metric, "champion")
    return None if compared is None else compared.baseline


def _judged(trigger: MetricTrigger, found: Measurement, where: str) -> Decision:
    value = found.value
    if value is None:
        return Decision(State.UNDECIDED, f"{trigger.metric} was undefined in {where}: {found.problem}")
    told = f"{trigger.metric} was {value:.6g} in {where}"
    if trigger.min is not None and not value >= trigger.min:
        return Decision(State.DUE, f"{told}, less than {exact(trigger.min)}")
    if trigger.max is not None and not value <= trigger.max:
        return Decision(State.DUE, f"{told}, more than {exact(trigger.max)}")
    return Decision(State.WAITING, f"{told}, within its bounds")
