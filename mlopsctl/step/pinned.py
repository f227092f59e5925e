"""What was pinned for a run, as a step sees it: the champion, the data accepted last, the clock, gates broken by hand.

None of it is in a step's key. Names: ``champion`` (the digest of a model), ``previous-<dataset>`` (the digests of the
statistics of the data that passed its checks last and before that, newest first), ``clock`` (a moment of UTC in ISO
format), ``overrides`` (a model, its evaluation and the gates broken for it, as JSON), ``promoted`` (the digest of the
model that the environment's lock names).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from mlopsctl.evidence import Verdict
from mlopsctl.gates.policy import rule_digest
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.pipeline.ir import Step

CHAMPION = "champion"
CLOCK = "clock"
OVERRIDES = "overrides"
PREVIOUS = "previous-"
PROMOTED = "promoted"


def artifacts(step: Step, pinned: Mapping[str, str], inputs: Collection[str] = ()) -> dict[str, str]:
    """The pinned artifacts that a step wants, digests by name.

    Args:
        inputs: digests of what the step reads: data is never compared with itself.
    """
    wanted = {name: pinned.get(name, "").split() for name in step.state_inputs if name not in (CLOCK, OVERRIDES)}
    chosen = {
        name: [digest for digest in digests if not (name.startswith(PREVIOUS) and digest in inputs)]
        for name, digests in wanted.items()
    }
    return {name: digests[0] for name, digests in chosen.items() if digests}


def clock(step: Step, pinned: Mapping[str, str]) -> int:
    """The pinned moment in milliseconds since the epoch; 0 for a step that wants none."""
    moment = pinned.get(CLOCK, "") if CLOCK in step.state_inputs else ""
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0


def parameters(step: Step, pinned: Mapping[str, str]) -> Mapping[str, Json]:
    """The step's parameters, with the gates broken by hand where it wants them."""
    broken = pinned.get(OVERRIDES, "") if OVERRIDES in step.state_inputs else ""
    return {**step.parameters, "overrides": json.loads(broken)} if broken else step.parameters


def stale(step: Step, record: ExecutionRecord, pinned: Mapping[str, str]) -> str:
    """Why a recorded result was made against another state than the pinned one; empty when it still holds.

    A new champion never makes evidence stale that is about the champion itself: nothing is to be released then. Data
    that passed stays passed, and data that was too old grows no younger.
    """
    judged = {artifact.digest for artifact in record.inputs.values()}
    for name in step.state_inputs:
        before, now = record.state_inputs.get(name, ""), pinned.get(name, "")
        if name == OVERRIDES:
            if _broken(step, record, now) != record.notes.get("overridden", {}):
                return "gates were broken by hand for this model" if now else "no gate is broken by hand any more"
        elif name.startswith(PREVIOUS):
            passed = record.notes.get("verdict") == Verdict.PASS.value
            if before != now and not passed:
                return "other data passed its checks meanwhile"
            if not before and not judged.issuperset(now.split()):
                return "there was no earlier data to compare with, and now there is"
        elif name != CLOCK and before != now and now not in judged:
            return f"the {name} is another one than the evidence compares with"
    return ""


def undecided(record: ExecutionRecord) -> str:
    """Why a recorded result says nothing, though its step did not fail; empty where it does say something."""
    is_open = record.component == "preflight" and record.notes.get("verdict") == Verdict.ERROR.value
    return "could not be decided last time" if is_open else ""


def _broken(step: Step, record: ExecutionRecord, pinned: str) -> Json:
    """The gates that the pinned override would break on the evaluation that the record is about."""
    verdicts, gates = record.notes.get("gates"), step.parameters.get("gates")
    asked = json.loads(pinned) if pinned else {}
    about = (record.notes.get("model"), record.inputs["evaluation"].digest if "evaluation" in record.inputs else "")
    if not isinstance(verdicts, Mapping) or (asked.get("model"), asked.get("evaluation")) != about:
        return {}
    listed = gates if isinstance(gates, list | tuple) else ()
    rules = {str(gate["name"]): rule_digest(gate) for gate in listed if isinstance(gate, Mapping)}
    return {
        name: why
        for name, why in asked["gates"].items()
        if verdicts.get(name, "pass") != Verdict.PASS.value and rules.get(name) == asked["rules"].get(name, "")
    }
