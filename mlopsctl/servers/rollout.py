"""How a model gets the traffic: brought up, given its shares step by step, checked after each, or taken back.

Told from what stands, never from what was planned: a rollout that was cut off goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mlopsctl.ground.errors import Problem
from mlopsctl.servers.contract import Model, ServerStatus, Serving, Unfit


@dataclass(frozen=True, slots=True)
class Steps:
    """The growing shares of traffic in percent, the last one 100, and the seconds between two of them."""

    percents: Sequence[int] = (100,)
    pause: float = 0.0


def roll_out(
    serving: Serving, model: Model, steps: Steps, *, checked: bool, wait: Callable[[float], None]
) -> ServerStatus:
    """Serve the model; what serves already is left alone.

    Args:
        checked: look at its answers after each step, and take it back when they are wrong.
        wait: waits so many seconds.

    Raises:
        Unfit: when the model was taken back; what served before serves again.
        Problem: when a call failed; the next command goes on from there.
    """
    before = serving.status()
    share = before.traffic.get(model.digest, 0)
    others = {digest: percent for digest, percent in before.traffic.items() if digest != model.digest}
    previous = max(others, key=lambda digest: others[digest], default="")
    with _taking_back(serving, model, Unfit, ""):
        serving.bring(model)
    if share == 100 and before.healthy:
        return serving.finish(model, previous)
    due = [percent for percent in steps.percents if percent >= share] if others else [100]
    for percent in due:
        at = f" at {percent} % of the traffic" if percent < 100 else ""
        with _taking_back(serving, model, Unfit, at):
            serving.step(model.digest, percent)
        if percent < 100:
            wait(steps.pause)
        if checked:
            # Also where it could not be asked: what is not known to be right gets no more traffic.
            with _taking_back(serving, model, Problem, at):
                serving.check(model, percent)
    return serving.finish(model, previous)


@contextmanager
def _taking_back(serving: Serving, model: Model, found: type[Problem], at: str) -> Iterator[None]:
    """Take the model away when it is found unfit."""
    try:
        yield
    except found as problem:
        try:
            serving.withdraw(model)
        except Problem as second:
            raise Unfit.because(
                "not-taken-back",
                f"the new model is not fit to serve ({problem}), and it could not be taken back: {second}",
                hint="run `mlopsctl apply` again, or `mlopsctl rollback`; `mlopsctl status` says what has the traffic",
            ) from problem
        raise Unfit.because(
            "taken-back",
            f"the new model was taken back{at}: {problem}",
            hint=problem.diagnostics[0].hint or "the release before serves as before; see the server's log",
        ) from problem
