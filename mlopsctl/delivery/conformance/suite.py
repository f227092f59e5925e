"""The suite: which orchestrators, a run on each, and how they compare."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.compile import compile_for, refused
from mlopsctl.delivery.conformance.compare import Difference, compare
from mlopsctl.delivery.conformance.interpreters import ENGINES, python_with
from mlopsctl.delivery.conformance.observed import Observed
from mlopsctl.delivery.conformance.runs import Asked, run_here, run_on_airflow, run_on_kfp
from mlopsctl.delivery.conformance.throwaway import thrown_away
from mlopsctl.delivery.execute import Options
from mlopsctl.delivery.pinned import moment, pin
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.ground.errors import InvalidProject, Problem, UsageProblem
from mlopsctl.lowering.lower import executable, lower, on_this_machine
from mlopsctl.orchestrators.contract import Bundle
from mlopsctl.orchestrators.local.contract import Observer

SECONDS = 3600.0
"""How long one run may take by default."""


@dataclass(frozen=True, slots=True)
class Report:
    """How the orchestrators compare for one environment of a project.

    Attributes:
        runs: in the order in which they ran.
        left_out: the orchestrators that were not asked for by name and cannot run it, each with the reason.
        differences: in pipeline order.
    """

    project: str
    environment: str
    runs: tuple[Observed, ...]
    left_out: Mapping[str, str]
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs that must not."""
        return not self.differences and len({run.failed for run in self.runs}) <= 1

    @property
    def passed(self) -> bool:
        """Whether all runs came to their end, and are equal."""
        return self.equal and not any(run.failed for run in self.runs)


@dataclass(frozen=True, slots=True)
class _Ready:
    """An orchestrator that can run the project: how it is asked, and with which interpreter."""

    asked: Asked
    bundle: Bundle | None
    python: str


def check_conformance(
    loaded: Loaded,
    engines: Sequence[str],
    options: Options,
    observer: Observer,
    tell: Callable[[str], None],
    *,
    keep: Path | None = None,
    seconds: float = SECONDS,
) -> Report:
    """Run the project on each orchestrator, in throw-away stores, and compare.

    Args:
        engines: those that must run; empty for all that can.
        tell: is told which orchestrator begins.
        keep: a folder for the stores, which stay; a temporary one by default.
        seconds: how long one orchestrator may take.

    Raises:
        UsageProblem: when fewer than two orchestrators are left to compare.
        Problem: when one that was asked for is not installed, or refuses the project.
    """
    require_step_libraries()
    with _folder(keep) as root:
        pinned = _pinned(loaded, root)
        ready, left_out = _ready(loaded, engines, pinned, root, seconds)
        runs = []
        for engine, one in ready.items():
            tell(engine)
            runs.append(_run(engine, one, options, observer))
        pipeline = next(iter(ready.values())).asked.pipeline
        return Report(loaded.project.name, loaded.environment, tuple(runs), left_out, compare(pipeline, runs))


def _run(engine: str, ready: _Ready, options: Options, observer: Observer) -> Observed:
    if ready.bundle is None:
        return run_here(ready.asked, options, observer)
    if engine == "kfp":
        return run_on_kfp(ready.asked, ready.bundle, ready.python, sys.executable)
    return run_on_airflow(ready.asked, ready.bundle, ready.python)


def _ready(
    loaded: Loaded, engines: Sequence[str], pinned: Mapping[str, str], root: Path, seconds: float
) -> tuple[dict[str, _Ready], dict[str, str]]:
    """Everything that can refuse, before anything runs."""
    found: dict[str, _Ready] = {}
    left_out: dict[str, str] = {}
    for engine in [one for one in ENGINES if not engines or one in engines]:
        try:
            found[engine] = _prepared(loaded, engine, pinned, root / engine, seconds)
        except Problem as problem:
            if engine in engines or engine == "local":
                raise
            left_out[engine] = str(problem)
    if len(found) < 2:
        raise UsageProblem.because(
            "nothing-to-compare",
            "there are not two orchestrators to compare: " + "; ".join(left_out.values() or [", ".join(found)]),
            hint="name more of them with --on, and install what is missing (docs/conformance.md)",
        )
    return found, left_out


def _prepared(loaded: Loaded, engine: str, pinned: Mapping[str, str], root: Path, seconds: float) -> _Ready:
    root.mkdir(parents=True, exist_ok=True)
    there = thrown_away(loaded, engine, root)
    lowered = executable(lower(there))
    asked = Asked(there, on_this_machine(lowered).pipeline, pinned, root, seconds)
    if engine == "local":
        return _Ready(asked, None, sys.executable)
    compiled = compile_for(there, engine)
    if compiled.bundle is None:
        raise InvalidProject(refused((compiled,)))
    return _Ready(asked, compiled.bundle, python_with(engine))


def _pinned(loaded: Loaded, root: Path) -> Mapping[str, str]:
    """The same state for every run: one moment, no champion and no earlier data, for the stores are new."""
    pipeline = lower(thrown_away(loaded, "local", root)).pipeline
    wanted = {name for step in pipeline.steps for name in step.state_inputs}
    return pin(wanted, _NoHistory(), "", None, moment())


class _NoHistory:
    """New stores know no earlier data."""

    def accepted_statistics(self, dataset: str) -> tuple[str, ...]:
        return ()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise UsageProblem.because(
                "folder-not-empty", f"{keep} holds something already", hint="name a new folder with --keep"
            )
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="mlopsctl-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()
