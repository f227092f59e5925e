"""The report as one HTML file that asks for nothing: no script, no font, no picture from elsewhere.

Every value is printable text and escaped where it meets the page; only what ``drawing`` made is markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mlopsctl.curves import Confusion
from mlopsctl.delivery.report.value import Report, StepRow, Trial
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.render.money import of_step, whole
from mlopsctl.render.report import charts, graph, sparks, words
from mlopsctl.render.report.summary import sound, spread

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_CLASSES = 15
MOST_CONFUSIONS = 20
MOST_PARTS = 60
_NEEDED = ("jinja2", "matplotlib")


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a step stands in the time of the run, in per cent of the whole."""

    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """Rows of one class that were answered with another."""

    truth: str
    answer: str
    rows: int
    of: int


def page(report: Report) -> str:
    """The whole file.

    Raises:
        StepProblem: when the libraries that draw it are not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise StepProblem.because(
            "no-report-libraries",
            f"an HTML report needs {' and '.join(missing)}",
            hint="pip install 'mlopsctl[run]', or use --output markdown, which needs neither",
        )
    from markupsafe import Markup

    curves = report.curves
    drawn = [charts.slice_chart(table, at) for at, table in enumerate(report.slices)]
    picture = graph.Picture() if report.pipeline is None else graph.picture(report.pipeline, report.steps)
    environment = _environment()
    return (
        environment.get_template("page.html.j2").render(
            report=report,
            run=report.run,
            curve_charts=list(charts.curve_charts(curves)) if curves is not None else [],
            slice_charts=drawn,
            graph=Markup(picture.svg),
            graph_width=picture.width,
            bars=_bars(report.steps),
            confusions=_confusions(report),
            champion=any(row.champion is not None for row in report.metrics),
            cost=whole(report.cost) if report.cost is not None else "",
            anomalies=[(check, one) for check in report.checks for one in check.anomalies],
        )
        + "\n"
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("mlopsctl.render.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What a template prints is printable, whoever wrote it.
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    made.filters["mark"] = Markup
    made.globals.update(
        words=words, spread=spread, sparks=sparks, limit=MOST_PARTS, trial_columns=_trial_columns, of_step=of_step
    )
    return made


def _bars(steps: tuple[StepRow, ...]) -> list[Bar]:
    """Places on a line from the start of the run to the end of its last step."""
    end = max((step.started + step.milliseconds for step in steps), default=0) or 1
    return [
        Bar(round(100 * step.started / end, 2), max(0.4, round(100 * step.milliseconds / end, 2))) for step in steps
    ]


def _confusions(report: Report) -> list[tuple[str, Confusion, list[Mistake]]]:
    """The matrices to show, with the largest mistakes where one has too many classes for a table."""
    if report.curves is None:
        return []
    both = (("This model", report.curves.candidate), ("Champion", report.curves.champion))
    return [
        (title, model.confusion, _mistakes(model.confusion) if len(model.confusion.classes) > MOST_CLASSES else [])
        for title, model in both
        if model is not None and model.confusion is not None and sound(model.confusion)
    ]


def _mistakes(found: Confusion) -> list[Mistake]:
    every = [
        Mistake(found.classes[truth], found.classes[answer], rows, sum(row))
        for truth, row in enumerate(found.counts)
        for answer, rows in enumerate(row)
        if truth != answer and rows
    ]
    return sorted(every, key=lambda one: -one.rows)[:MOST_CONFUSIONS]


def _trial_columns(trials: tuple[Trial, ...]) -> list[str]:
    return list(dict.fromkeys(name for trial in trials for name in trial.parameters))[:12]
