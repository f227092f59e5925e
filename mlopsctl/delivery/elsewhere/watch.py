"""Looking at an environment's orchestrator without changing it, and stopping a run there."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.elsewhere.engines import Elsewhere, elsewhere
from mlopsctl.ground.errors import Problem, UsageProblem
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.contract import EngineRun

_LOOKED_AT = 20


def going_on(loaded: Loaded) -> tuple[str, ...]:
    """A sentence for each run that goes on there; why the orchestrator could not be asked, where it could not."""
    try:
        there = elsewhere(loaded, lower(loaded), ask=False)
        running = _running(there) if there is not None else ()
    except Problem as problem:
        return (f"the orchestrator was not asked: {problem}",)
    return tuple(
        f"{run.run or run.id} runs on {loaded.project.orchestrator.kind}: {run.url or run.id}" for run in running
    )


def cancel(loaded: Loaded, run: str) -> Iterator[str]:
    """Stop a run there, by our id or the orchestrator's; without one the only run that goes on. What was stopped.

    Raises:
        UsageProblem: when steps run on this machine, no such run goes on, or several do and none was named.
    """
    there = elsewhere(loaded, lower(loaded), ask=False)
    if there is None:
        raise UsageProblem.because(
            "runs-here",
            f"the steps of {loaded.environment} run on this machine",
            hint="press Ctrl-C in the command that runs them, or send it TERM",
        )
    running = _running(there)
    chosen = [found for found in running if not run or run in (found.run, found.id)]
    listed = ", ".join(found.run or found.id for found in running) or "none"
    if not chosen:
        what = f"the run {run} does not go on" if run else "no run goes on"
        raise UsageProblem.because("no-such-run", what, hint=f"running: {listed}")
    if len(chosen) > 1:
        raise UsageProblem.because("which-run", "several runs go on", hint=f"name one of them: {listed}")
    there.engine.cancel(chosen[0].id)
    yield chosen[0].run or chosen[0].id


def _running(there: Elsewhere) -> tuple[EngineRun, ...]:
    return tuple(found for found in there.engine.recent(there.wanted, _LOOKED_AT) if not found.state.ended)
