"""When the rows have drifted often enough: what a pull request asks for that trains a model on the newer ones.

The plan trains by itself, since the digest of the rows stands in the keys of the steps. The file that is proposed says
in git why, and its merge is what starts the delivery; it changes no key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.drift.finding import Drift
from mlopsctl.delivery.drift.looks import Decision, decide, record_look
from mlopsctl.delivery.plan import Plan
from mlopsctl.delivery.prepare import plan as make_plan
from mlopsctl.delivery.promotion.proposal import Proposal
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.text import printable
from mlopsctl.lowering.release_lock import FOLDER

_HEAD = "# Why a model is to be trained on newer rows. Written by `mlopsctl drift --pr`; no step reads it.\n"


@dataclass(frozen=True, slots=True)
class Retrain:
    """What is asked for.

    Attributes:
        found: the look; ``environment`` is where it was taken, ``trains`` the one whose runs train its models.
        decisions: dataset by dataset, why this is often enough.
        plan: what ``apply`` would do in ``trains`` now.
        file, content: what is proposed.
    """

    found: Drift
    environment: str
    trains: str
    decisions: tuple[Decision, ...]
    plan: Plan
    file: Path
    content: bytes

    def proposal(self, body: str) -> Proposal:
        """The pull request; always on the same branch, so that there is one at a time."""
        project = self.found.project
        return Proposal(
            branch=f"mlopsctl/retrain-{project}-{self.environment}",
            title=f"Retrain {project}: the data of {self.environment} has drifted",
            body=body,
            files={self.file: self.content},
            once=True,
        )


@dataclass(frozen=True, slots=True)
class NoRetrain:
    """Why no retraining is asked for."""

    reason: str


def ask_to_retrain(loaded: Loaded, found: Drift) -> Retrain | NoRetrain:
    """Record this look, and see whether enough of the last ones drifted and whether the plan would train.

    Raises:
        Locked: when somebody else writes the environment's state.
    """
    decisions = decide(loaded, record_look(loaded, found))
    due = tuple(one for one in decisions if one.due)
    if not due:
        return NoRetrain("; ".join(one.reason for one in decisions) or "no rows were compared with a champion's")
    trains = _trained_in(loaded)
    try:
        plan = make_plan(trains)
    except Problem as problem:
        return NoRetrain(f"the plan of {trains.environment}, which trains, cannot be made: {problem}")
    if not any(step.runs and step.step.component == "train" for step in plan.steps):
        return NoRetrain(
            f"the plan of {trains.environment}, which trains, trains nothing: a model was trained on the rows that it "
            "reads, or they are the result of a function, whose data a plan cannot see"
        )
    file = loaded.folder / FOLDER / f"{loaded.environment}.retrain.yaml"
    content = "".join([_HEAD, *_lines(loaded, trains.environment, due)]).encode()
    return Retrain(found, loaded.environment, trains.environment, due, plan, file, content)


def _trained_in(loaded: Loaded) -> Loaded:
    """The environment whose runs train the models that this one gets by its lock; itself where it trains."""
    known = {loaded.environment}
    while loaded.project.follows_lock and (promotion := loaded.project.promotion) is not None:
        if not promotion.source or promotion.source in known:
            break
        known.add(promotion.source)
        loaded = load_project(loaded.file, promotion.source)
    return loaded


def _lines(loaded: Loaded, trains: str, due: Sequence[Decision]) -> Iterator[str]:
    """The same looks give the same text, so that asking again changes nothing."""
    newest = max((one.look for one in due), key=lambda look: look.at)
    yield "version: 1\n"
    yield f"project: {_quoted(loaded.project.name)}\n"
    yield f"environment: {_quoted(loaded.environment)}\n"
    yield f"trains: {_quoted(trains)}\n"
    yield f"seen: {_quoted(datetime.fromtimestamp(newest.at // 1000, UTC).isoformat())}\n"
    yield f"champion: {_quoted(newest.model)}\n"
    yield "drifted:\n"
    for decision in due:
        for one in decision.look.seen:
            if one.drifted and one.dataset == decision.dataset:
                yield f"  - dataset: {_quoted(one.dataset)}\n"
                yield f"    check: {_quoted(one.check)}\n"
                yield f"    rows: {_quoted(one.rows)}\n"
                yield f"    found: {_quoted(one.reason)}\n"


def _quoted(text: str) -> str:
    return json.dumps(printable(text), ensure_ascii=False)
