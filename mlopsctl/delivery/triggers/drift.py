"""The drift trigger: due when a check failed in enough of the newest looks since a model was trained.

A look is a recorded run of the check; `run --until validate-<dataset>` takes one without training anything. The same
data looked at twice is one look. What a model was trained on since is no reason to train again.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl import evidence
from mlopsctl.delivery.triggers.past import Past
from mlopsctl.delivery.triggers.value import Decision, State
from mlopsctl.evidence import Anomalies, CheckResult, Verdict
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.triggers import DriftTrigger

_KINDS = ("drift", "skew")


def decide_drift(trigger: DriftTrigger, past: Past) -> Decision:
    """Decide from the recorded results of the check.

    Raises:
        Problem: when recorded evidence cannot be read.
    """
    step = f"validate-{trigger.dataset}"
    looks = [_judged(trigger, past, record) for record in _looks(past, step)][: trigger.of]
    command = f"`mlopsctl run --until {step}` takes a look"
    if not looks:
        trained = next((run for run in past.runs if past.trained(run)), None)
        if trained is None:
            return Decision(State.UNDECIDED, f"the data of {trigger.dataset} was never looked at", hint=command)
        return Decision(State.WAITING, f"no look at other data since run {trained.id} trained", hint=command)
    failed = [(verdict, why) for verdict, why in looks if verdict is Verdict.FAIL]
    counted = f"{len(failed)} of the last {len(looks)} look{'s' if len(looks) > 1 else ''} failed"
    wanted = f"{trigger.times} of {trigger.of} are asked for"
    if len(failed) >= trigger.times:
        return Decision(State.DUE, f"{counted}, {wanted}: {failed[0][1]}")
    if looks[0][0] is Verdict.ERROR:
        return Decision(State.UNDECIDED, f"the last look could not be judged: {looks[0][1]}", hint=command)
    return Decision(State.WAITING, f"{counted}, {wanted}")


def _looks(past: Past, step: str) -> Iterator[ExecutionRecord]:
    """The executions of a check since a model was trained, newest first, each at other data than the one before."""
    found: list[ExecutionRecord] = []
    known = ""
    for run in past.runs:
        record = past.of(run).get(step)
        if past.trained(run):
            known = "" if record is None else record.key
            break
        if record is not None and "anomalies" in record.outputs:
            found.append(record)
    keys = [*(record.key for record in found), known]
    yield from (record for at, record in enumerate(found) if not record.key or record.key != keys[at + 1])


def _judged(trigger: DriftTrigger, past: Past, record: ExecutionRecord) -> tuple[Verdict, str]:
    """What a look said of the checks that are watched."""
    digest = record.outputs["anomalies"].digest
    anomalies = evidence.parse(Anomalies, past.stores.artifacts.read(digest, evidence.ANOMALIES_FILE))
    watched = [check for check in anomalies.checks if _watched(trigger, check)]
    for verdict in (Verdict.FAIL, Verdict.ERROR):
        for check in watched:
            if check.verdict is verdict:
                return verdict, f"{check.name}: {check.reason}"
    return (Verdict.PASS, "") if watched else (Verdict.ERROR, "the check was not there yet")


def _watched(trigger: DriftTrigger, check: CheckResult) -> bool:
    return check.kind in _KINDS if trigger.check is None else check.name == trigger.check
