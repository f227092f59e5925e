"""When a step starts, and whether: what its trigger rule says of the steps before it, and the branch that it is.

The same functions judge a step on this machine, in a container and in a plan, so that its state hangs on nothing but
the states before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.pipeline.ir import Decision, Rule, Step
from mlopsctl.step.guards import because_skipped, listed
from mlopsctl.step.task import StepState

LONGEST_ANSWER = 65_536
"""Bytes: what a step decides is a word, not a data set."""

_GOOD = (StepState.SUCCESS, StepState.CACHED)
_FAILED = (StepState.FAILED, StepState.UPSTREAM_FAILED)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a step does not start, and the state that it has instead."""

    state: StepState
    problem: str


def stopped(step: Step, ended: Mapping[str, StepState]) -> Stop | None:
    """Why the steps before it keep a step from starting; ``None`` when it starts.

    Args:
        ended: the states of all steps before it, by id.
    """
    canceled = _in(step, ended, (StepState.CANCELED,))
    failed = _in(step, ended, _FAILED)
    if step.rule is not Rule.ALL_SUCCESS and canceled:
        return _canceled(canceled)
    good, skipped = _in(step, ended, _GOOD), _in(step, ended, (StepState.SKIPPED,))
    match step.rule:
        case Rule.ALL_SUCCESS:
            return _not_all_good(step, failed, canceled, skipped)
        case Rule.NONE_FAILED | Rule.NONE_FAILED_MIN_ONE_SUCCESS if failed:
            return _failed(failed)
        case Rule.NONE_FAILED_MIN_ONE_SUCCESS if skipped and not good:
            return Stop(StepState.SKIPPED, because_skipped(skipped))
        case Rule.ONE_SUCCESS if skipped and not good and not failed:
            return Stop(StepState.SKIPPED, because_skipped(skipped))
        case Rule.ONE_SUCCESS if failed and not good:
            return _failed(failed)
        case Rule.ALL_FAILED if good or skipped:
            return Stop(StepState.SKIPPED, f"not run, because {listed((*good, *skipped))} did not fail")
    return None


def needs(step: Step, name: str) -> bool:
    """Whether a step cannot run without that input."""
    return step.rule is Rule.ALL_SUCCESS and not step.inputs[name].optional


def not_taken(decision: Decision, digest: str | None, store: ArtifactStore) -> str:
    """Why a branch is not taken, in one sentence; empty when it is.

    Args:
        digest: the artifact that decides; ``None`` where its step left nothing.

    Raises:
        StepProblem: when the artifact is not one file of text.
    """
    if digest is None:
        return f"its branch hangs on {decision.ref}, which was not written"
    said = answer(decision, digest, store)
    if _equal(said, decision.equals):
        return ""
    return f"another branch: {decision.ref} says {_short(said)}, not {_short(_text(decision.equals))}"


def answer(decision: Decision, digest: str, store: ArtifactStore) -> str:
    """What the deciding artifact says, without the white space around it.

    Raises:
        StepProblem: when the artifact is not one file of text.
    """
    files = store.manifest(digest).files
    if len(files) != 1:
        raise _no_answer(decision, f"it has {len(files)} files")
    if files[0].size > LONGEST_ANSWER:
        raise _no_answer(decision, f"{files[0].path} has {files[0].size} bytes")
    try:
        return store.read(digest, files[0].path).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise _no_answer(decision, f"{files[0].path} is no text") from None


def branch_of(step: Step, outputs: Mapping[str, str | None], store: ArtifactStore) -> Stop | None:
    """Why a step is not run that is a branch, or failed because nothing can be decided; ``None`` when it runs.

    Args:
        outputs: the digest of the deciding output, by ``step.output``.
    """
    if step.decision is None:
        return None
    try:
        why = not_taken(step.decision, outputs.get(str(step.decision.ref)), store)
    except Problem as problem:
        return Stop(StepState.FAILED, str(problem))
    return Stop(StepState.SKIPPED, why) if why else None


def _not_all_good(step: Step, failed: Sequence[str], canceled: Sequence[str], skipped: Sequence[str]) -> Stop | None:
    if failed:
        return _failed(failed)
    if canceled:
        return _canceled(canceled)
    forgiving = {wired.ref.step for wired in step.inputs.values() if wired.optional}
    needing = {wired.ref.step for wired in step.inputs.values() if not wired.optional} | set(step.after)
    if step.decision is not None:
        needing.add(step.decision.ref.step)
    missed = tuple(id for id in skipped if id in needing or id not in forgiving)
    return Stop(StepState.SKIPPED, because_skipped(missed)) if missed else None


def _in(step: Step, ended: Mapping[str, StepState], states: Sequence[StepState]) -> tuple[str, ...]:
    """The steps before it in one of these states: those that it reads in their order there, then the others."""
    first = dict.fromkeys(wired.ref.step for wired in step.inputs.values())
    return tuple(id for id in (*first, *(id for id in step.upstream if id not in first)) if ended[id] in states)


def _failed(names: Sequence[str]) -> Stop:
    return Stop(StepState.UPSTREAM_FAILED, f"not run, because {listed(names)} failed")


def _canceled(names: Sequence[str]) -> Stop:
    return Stop(StepState.CANCELED, f"not run, because {listed(names)} did not run")


def _equal(said: str, wanted: str | bool | int | float) -> bool:
    """Text is compared as it is; true, false and numbers as JSON reads them."""
    if isinstance(wanted, str):
        return said == wanted
    try:
        found = json.loads(said)
    except ValueError:
        return False
    return isinstance(found, bool) is isinstance(wanted, bool) and found == wanted


def _text(value: str | bool | int | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _short(text: str) -> str:
    return json.dumps(text if len(text) <= 80 else f"{text[:79]}…", ensure_ascii=False)


def _no_answer(decision: Decision, why: str) -> StepProblem:
    return StepProblem.because(
        "no-decision",
        f"{decision.ref} decides nothing: {why}",
        hint=f"let {decision.ref.step} write one short text file into {decision.ref.output}",
    )
