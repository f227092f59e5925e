"""Runs over intervals of time: the same pipeline on the rows of each, oldest first, up to its verdict.

Nothing is registered or released by such a run. What an interval came to is stored under the keys of its steps, so a
second call takes the results that there are and runs what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.apply import run
from mlopsctl.delivery.execute import Options
from mlopsctl.delivery.intervals_there import run_interval_there
from mlopsctl.delivery.outcome import Outcome
from mlopsctl.evidence import GateResult, Verdict
from mlopsctl.ground.cron_times import Times
from mlopsctl.ground.errors import Diagnostic, ExitCode, InvalidProject, UsageProblem
from mlopsctl.ground.interval import Interval
from mlopsctl.orchestrators.local.contract import Observer
from mlopsctl.splits import TimeSplit
from mlopsctl.step.task import StepState
from mlopsctl.triggers import ScheduleTrigger

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class IntervalResult:
    """What an interval came to; ``outcome`` is absent for one that was not begun, because an earlier one failed."""

    interval: Interval
    outcome: Outcome | None = None

    @property
    def reused(self) -> bool:
        """Whether every step's result was there already."""
        quiet = (StepState.CACHED, StepState.SKIPPED)
        return self.outcome is not None and all(one.state in quiet for one in self.outcome.results.values())

    @property
    def deciding(self) -> GateResult | None:
        """The gate that decided: the first that did not pass, else the first; none without gates."""
        blessing = self.outcome.findings.blessing if self.outcome is not None else None
        gates = [gate for gate in blessing.gates if gate.decides] if blessing is not None else []
        return next((gate for gate in gates if gate.verdict is not Verdict.PASS), gates[0] if gates else None)


def within(loaded: Loaded, interval: Interval) -> Loaded:
    """The project with only the rows of an interval.

    Raises:
        InvalidProject: when the data that is trained on is not split by time, or a cut point lies outside.
    """
    found = list(_problems(loaded, interval))
    if found:
        raise InvalidProject(found)
    return replace(loaded, interval=interval)


def by_schedule(loaded: Loaded, whole: Interval) -> tuple[Interval, ...]:
    """The interval in parts, from one time of the project's schedule to the next.

    Raises:
        UsageProblem: when the project has no schedule.
    """
    schedules = [one for one in loaded.project.triggers if isinstance(one, ScheduleTrigger)]
    if not schedules:
        raise UsageProblem.because(
            "no-schedule",
            f"--each goes by the schedule, and {loaded.environment} has none",
            hint="add `triggers: [{kind: schedule, cron: …}]`, or say how long a part is: --every 7d",
        )
    times = Times(schedules[0].cron, schedules[0].timezone)
    ticks: list[datetime] = []
    tick = times.next(whole.start)
    while tick is not None and tick < whole.end:
        ticks.append(tick)
        if len(ticks) > _MOST:
            raise UsageProblem.because(
                "too-many-intervals",
                f"{whole} has more than {_MOST:,} times of the schedule {schedules[0].cron}",
                hint="name a shorter interval",
            )
        tick = times.next(tick)
    return whole.cut(ticks)


def by_length(whole: Interval, seconds: float) -> tuple[Interval, ...]:
    """The interval in parts of that length; the last one may be shorter.

    Raises:
        UsageProblem: when that are too many.
    """
    return whole.tiled(timedelta(seconds=seconds))


def run_intervals(
    loaded: Loaded,
    intervals: Sequence[Interval],
    options: Options,
    observer: Observer,
    tell: Callable[[Interval], None],
    *,
    stop: bool = False,
    there: bool = False,
) -> tuple[IntervalResult, ...]:
    """Run each interval up to its verdict, oldest first.

    Args:
        tell: is told each interval before it begins.
        there: on the environment's orchestrator, and not on this machine.
        stop: begin no more after one whose run failed; its verdict stops nothing.

    Raises:
        UsageProblem: when steps are chosen elsewhere.
        InvalidProject: when one of them does not fit the project; nothing was run then.
        Problem: when a store fails.
    """
    if there and not options.selection.whole:
        message = "steps cannot be chosen on an orchestrator elsewhere"
        raise UsageProblem.because("whole-interval", message, hint="leave out --step, --from and --until, or --there")
    ordered = sorted(intervals)
    if any(after.start < before.end for before, after in pairwise(ordered)):
        raise ValueError("intervals overlap")
    parts = [within(loaded, one) for one in ordered]
    found: list[IntervalResult] = []
    stopped = False
    for one, part in zip(ordered, parts, strict=True):
        if stopped:
            found.append(IntervalResult(one))
            continue
        tell(one)
        outcome = run_interval_there(part, observer, reuse=options.reuse) if there else run(part, options, observer)
        found.append(IntervalResult(one, outcome))
        stopped = stop and bool(outcome.failed)
    return tuple(found)


def exit_code(results: Sequence[IntervalResult]) -> ExitCode:
    """1 where a run failed or was not begun, else the worst verdict's: 4 before 3, since less is known then."""
    codes = {result.outcome.exit_code if result.outcome is not None else ExitCode.FAILED for result in results}
    return next((c for c in (ExitCode.FAILED, ExitCode.UNDECIDED, ExitCode.REFUSED) if c in codes), ExitCode.DONE)


def _problems(loaded: Loaded, interval: Interval) -> list[Diagnostic]:
    project = loaded.project
    timed = {name: data.split for name, data in project.data.items() if isinstance(data.split, TimeSplit)}
    trained = project.training_data if project.training is not None else ""
    needed = [trained] if trained else list(project.data)
    if not timed or (trained and trained not in timed):
        name = needed[0] if needed else ""
        hint = "write `split: {kind: time, column: …, validation: -14d, test: -7d}`"
        message = f"the data {name} is not split by time, so no interval of it can be run"
        return [Diagnostic("no-time-split", message, loaded.span(("data", name, "split"), True), hint)]
    found = []
    for name, split in timed.items():
        cut, why = split.unfit(interval)
        if why:
            hint = "count back from the interval's end, such as `validation: -14d` and `test: -7d`"
            found.append(Diagnostic("outside-interval", why, loaded.span(("data", name, "split", cut)), hint))
    return found
