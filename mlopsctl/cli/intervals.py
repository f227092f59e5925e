"""``run --interval``: the options, and the runs of one interval after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import Output
from mlopsctl.ground.errors import UsageProblem

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded
    from mlopsctl.delivery.execute import Options
    from mlopsctl.ground.interval import Interval

NONE = ("", "")
IntervalOption = Annotated[
    tuple[str, str],
    typer.Option(
        "--interval", metavar="START END", help="Only the rows from START on, and before END, of data split by time."
    ),
]
EveryOption = Annotated[
    str, typer.Option("--every", metavar="LENGTH", help="The interval in parts of that length, such as 7d, one by one.")
]
EachOption = Annotated[
    bool, typer.Option("--each", help="The interval in parts, from one time of the schedule to the next.")
]
StopOption = Annotated[
    bool, typer.Option("--stop-at-failure/--go-on", help="After an interval that failed, begin no more, or go on.")
]
ThereOption = Annotated[
    bool, typer.Option("--there", help="Run intervals on the environment's orchestrator, and not on this machine.")
]


def asked(loaded: Loaded, interval: tuple[str, str], every: str, each: bool) -> tuple[Interval, ...]:
    """The intervals to run; none where the whole of the data is meant.

    Raises:
        UsageProblem: when the options do not fit together, or are no moments.
    """
    from mlopsctl.delivery.intervals import by_length, by_schedule
    from mlopsctl.ground.interval import parse_interval

    if interval == NONE:
        if every or each:
            raise UsageProblem.because("no-interval", "--every and --each are of --interval", hint="name START and END")
        return ()
    if every and each:
        raise UsageProblem.because("every-or-each", "--every and --each are two ways to say it", hint="leave one out")
    whole = parse_interval(*interval)
    if each:
        return by_schedule(loaded, whole)
    return by_length(whole, _seconds(every)) if every else (whole,)


def run_each(
    loaded: Loaded, intervals: tuple[Interval, ...], how: Options, *, stop: bool, there: bool, output: Output
) -> NoReturn:
    """Run them, print a line for each, and end with the exit code that they add up to."""
    from mlopsctl.delivery.intervals import exit_code, run_intervals
    from mlopsctl.orchestrators.local.progress import make_progress
    from mlopsctl.render.console import console
    from mlopsctl.render.intervals import intervals_json, intervals_text

    quiet = output is Output.JSON
    with make_progress(quiet=quiet, live=False) as progress:
        results = run_intervals(
            loaded,
            intervals,
            how,
            progress,
            lambda one: None if quiet else typer.echo(str(one), err=True),
            stop=stop,
            there=there,
        )
    if output is Output.JSON:
        typer.echo(intervals_json(results))
    else:
        console().print(intervals_text(results))
    end(exit_code(results))


def _seconds(text: str) -> float:
    from pydantic import TypeAdapter, ValidationError

    from mlopsctl.ground.scalars import Duration

    adapter: TypeAdapter[float] = TypeAdapter(Duration)
    try:
        return adapter.validate_python(text)
    except ValidationError:
        raise UsageProblem.because(
            "bad-length", f"{text!r} is no length of time", hint="write it like --every 7d, 24h or 90m"
        ) from None
