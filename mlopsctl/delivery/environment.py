"""What is so in an environment, and the two ways back: rollback and destroy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.elsewhere.engines import elsewhere
from mlopsctl.delivery.elsewhere.watch import going_on
from mlopsctl.delivery.findings import read_findings
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.promotion.follow import HOLD, follow, refuse_destroy, withdrawn_models
from mlopsctl.delivery.promotion.follow import notes as lock_notes
from mlopsctl.delivery.promotion.revert import hold_lock, locked_model
from mlopsctl.delivery.refresh import read_live
from mlopsctl.delivery.release import Standing, intended, roll_back, take_down
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.delivery.telling import tell_rollback
from mlopsctl.ground.errors import Undecided, UsageProblem
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import EnvironmentState, ExecutionRecord, Release, RunRecord
from mlopsctl.metadata.state import Lease


@dataclass(frozen=True, slots=True)
class Status:
    """What is so: the release state, the live systems, the last run with its steps and its evidence."""

    project: str
    environment: str
    state: EnvironmentState
    live: Live
    run: RunRecord | None
    executions: tuple[ExecutionRecord, ...]
    findings: Findings
    notes: tuple[str, ...] = ()


def status(loaded: Loaded) -> Status:
    """Read what is so; changes nothing."""
    with open_stores(loaded) as stores:
        live, notes = read_live(loaded, stores)
        runs = stores.metadata.runs(loaded.project.name, loaded.environment, limit=1)
        run = runs[0] if runs else None
        executions = tuple(stores.metadata.executions(run.id)) if run is not None else ()
        return Status(
            project=loaded.project.name,
            environment=loaded.environment,
            state=stores.state.read(loaded.project.name, loaded.environment),
            live=live,
            run=run,
            executions=executions,
            findings=findings_of_executions(executions, stores),
            notes=(*notes, *_of_lock(loaded), *going_on(loaded)),
        )


def _of_lock(loaded: Loaded) -> tuple[str, ...]:
    """What the lock says, where the environment follows one: which model, a hold, or that it proves nothing."""
    try:
        proof = follow(loaded)
    except Undecided as problem:
        return (f"the lock proves nothing: {problem}",)
    hold = proof.followed.lock.hold if proof is not None else None
    held = (f"the lock says hold: {hold.reason}",) if hold is not None else ()
    return (*lock_notes(loaded, proof, lifts=False), *held)


def findings_of_executions(executions: tuple[ExecutionRecord, ...], stores: Stores) -> Findings:
    """The evidence that recorded executions left."""
    outputs = {f"{e.step}.{name}": artifact for e in executions for name, artifact in e.outputs.items()}
    return read_findings(
        {ref: artifact.digest for ref, artifact in outputs.items()},
        {ref: artifact.type for ref, artifact in outputs.items()},
        stores.artifacts,
    )


def last_findings(loaded: Loaded, stores: Stores) -> tuple[Findings, str]:
    """The evidence of the environment's last run, and the digest of the evaluation in it; empty for none."""
    runs = stores.metadata.runs(loaded.project.name, loaded.environment, limit=1)
    executions = tuple(stores.metadata.executions(runs[0].id)) if runs else ()
    evaluated = [e.outputs["evaluation"].digest for e in executions if e.step == "evaluate" and e.outputs]
    return findings_of_executions(executions, stores), evaluated[-1] if evaluated else ""


def rollback(loaded: Loaded, to: int | None, reason: str) -> Standing:
    """Serve an earlier release again and hold it; see :func:`~mlopsctl.delivery.release.roll_back`."""
    with open_stores(loaded) as stores, writing(loaded, stores) as lease:
        before = stores.state.read(loaded.project.name, loaded.environment).release
        waiting = locked_model(loaded)
        standing = roll_back(loaded, stores, lease, to, reason)
        now = standing.state.release
        if before is not None and now is not None and before.number == now.number:
            _hold_again(loaded, stores, standing.state.hold)
            return standing
        target = now.model if now is not None else ""
        models = sorted({waiting, before.model if before is not None else ""} - {"", target})
        with intended(stores, lease, HOLD, {"models": models}):
            if before is not None:
                hold_lock(loaded, before.model, reason)
        tell_rollback(loaded, standing, reason)
        return standing


def _hold_again(loaded: Loaded, stores: Stores, reason: str) -> None:
    """Let the lock say the hold of an earlier rollback, where it names what that withdrew and says nothing of it."""
    model = locked_model(loaded)
    if model in withdrawn_models(loaded, stores):
        hold_lock(loaded, model, reason)


def destroy(loaded: Loaded) -> EnvironmentState:
    """Stop serving, stop scheduled runs and forget the release; models, runs and artifacts stay."""
    with open_stores(loaded) as stores, writing(loaded, stores) as lease:
        if stores.state.read(loaded.project.name, loaded.environment).release is not None:
            refuse_destroy(loaded, "its release would no longer be served")
        there = elsewhere(loaded, lower(loaded), ask=False)
        if there is not None:
            there.engine.remove(there.wanted)
        return take_down(loaded, stores, lease)


def retire(loaded: Loaded) -> Release:
    """Take the champion out of service for good: nothing has to beat it any more. The release it was.

    Raises:
        UsageProblem: when nothing is released.
    """
    with open_stores(loaded) as stores, writing(loaded, stores) as lease:
        release = stores.state.read(loaded.project.name, loaded.environment).release
        if release is None:
            raise UsageProblem.because("nothing-released", f"nothing is released in {loaded.environment}")
        refuse_destroy(loaded, "its release would be retired")
        take_down(loaded, stores, lease, retired=True)
        return release


@contextmanager
def writing(loaded: Loaded, stores: Stores, environment: str = "") -> Iterator[Lease]:
    """Be the environment's only writer; runs that a killed process left open are closed first.

    ``environment``: another name than the project's environment, for runs that stand beside its own.
    """
    holder, name = f"mlopsctl (pid {os.getpid()})", environment or loaded.environment
    with stores.state.acquire(loaded.project.name, name, holder, stores.home / "locks") as lease:
        stores.metadata.sweep_dead_runs(loaded.project.name, name, "")
        yield lease
