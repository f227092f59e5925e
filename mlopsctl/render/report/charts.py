"""The charts of a report: curves of the model over those of the champion, importances, slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal, TypeAlias
from unicodedata import east_asian_width

from mlopsctl.curves import Calibration, Curve, Curves, Importance, Residuals
from mlopsctl.delivery.report.value import SliceTable
from mlopsctl.render.report import words
from mlopsctl.render.report.drawing import INKS
from mlopsctl.render.report.plotting import drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 8
MOST_POINTS = 500
MOST_BARS = 20
MOST_SLICES = 30
_LETTERS = 26
# One a class, as matplotlib calls it and as a letter.
_MARKERS = "os^vDPX*"
_GLYPHS = "●■▲▼◆✚✖★"

Points: TypeAlias = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a chart's legend: the role of its colour, its shape, what it stands for."""

    role: str
    shape: Literal["line", "dashes", "dot", "ring", "diamond", "bar"]
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its heading, its legend, and a line below it."""

    title: str
    svg: str
    keys: tuple[Key, ...] = ()
    caption: str = ""


def curve_charts(curves: Curves) -> Iterator[Chart]:
    """Every chart for which there is something to draw."""
    ours, theirs = curves.candidate, curves.champion
    if ours.roc:
        yield _curve_chart("roc", "ROC", ours.roc, theirs.roc if theirs else (), "false positive rate",
                           "true positive rate", diagonal=True)  # fmt: skip
    if ours.precision_recall:
        yield _curve_chart("pr", "Precision and recall", ours.precision_recall,
                           theirs.precision_recall if theirs else (), "recall", "precision")  # fmt: skip
    if ours.calibration:
        yield _calibration_chart(ours.calibration, theirs.calibration if theirs else ())
    if ours.residuals is not None:
        yield _residual_histogram(ours.residuals, theirs.residuals if theirs else None)
        yield _residual_points(ours.residuals)
    if ours.importances:
        yield _importance_chart(ours.importances, theirs.importances if theirs else (), ours.importance_metric)


def slice_chart(table: SliceTable, at: int) -> Chart | None:
    """The first metric on every slice: a dot for the model, a diamond for the champion, a line for all rows."""
    shown = [row for row in table.rows if row.values and _fine(row.values[0])][:MOST_SLICES]
    if not shown or not table.metrics:
        return None
    values = [value for row in shown if (value := row.values[0]) is not None]
    metric, whole = words.clip(table.metrics[0], 40), table.whole[0]

    def paint(axes: Axes) -> None:
        places = range(len(shown))
        if whole is not None and _fine(whole):
            axes.axvline(whole, color=INKS["muted"], linewidth=1, linestyle=(0, (4, 3)))
        for place, row, ours in zip(places, shown, values, strict=True):
            if row.champion is not None and _fine(row.champion):
                axes.plot([row.champion, ours], [place, place], color=INKS["line"], linewidth=1.5)
                axes.plot([row.champion], [place], marker="D", markersize=5, color=INKS["champion"], linestyle="none",
                          markerfacecolor=INKS["card"])  # fmt: skip
            axes.plot([ours], [place], marker="o", markersize=7, color=INKS["candidate"], linestyle="none",
                      markerfacecolor=INKS["card"] if row.too_small else INKS["candidate"])  # fmt: skip
        axes.set_yticks(list(places), [f"{words.clip(row.value, _LETTERS)} ({words.count(row.rows)})" for row in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(metric)
        axes.margins(x=0.06)

    keys = [Key("candidate", "dot", "this model"), Key("muted", "dashes", "all rows together")]
    if any(_fine(row.champion) for row in shown):
        keys.insert(1, Key("champion", "diamond", "champion"))
    if any(row.too_small for row in shown):
        keys.append(Key("candidate", "ring", "few rows: not judged"))
    title = f"{metric} on each value of {words.clip(table.column, 60)}, with the number of rows"
    svg = drawn(
        f"slices{at}",
        title,
        paint,
        wide=5.0,
        tall=0.8 + 0.24 * len(shown),
        letters=_longest(f"{words.clip(row.value, _LETTERS)} ({words.count(row.rows)})" for row in shown),
    )
    return Chart(metric, svg, tuple(keys))


def _curve_chart(
    name: str,
    title: str,
    ours: Sequence[Curve],
    theirs: Sequence[Curve],
    across: str,
    up: str,
    *,
    diagonal: bool = False,
) -> Chart:
    shown = ours[:MOST_CLASSES]
    champions = {curve.name: curve for curve in theirs}
    alone = len(shown) == 1

    def paint(axes: Axes) -> None:
        if diagonal:
            axes.plot([0, 1], [0, 1], color=INKS["muted"], linewidth=1, linestyle=(0, (1, 3)))
        for at, curve in enumerate(shown):
            other = champions.get(curve.name)
            theirs = None if other is None else _thinned(other.x, other.y)
            _overlaid(axes, None if alone else at, _thinned(curve.x, curve.y), theirs)
        _unit(axes)
        axes.set_xlabel(across)
        axes.set_ylabel(up)

    areas = {curve.name: f": area {words.number(curve.area)}" for curve in shown}
    beside = {name: f": area {words.number(one.area)}" for name, one in champions.items() if name in areas}
    keys = tuple(_keys(areas, beside))
    told = "; ".join(key.text for key in keys)
    caption = f"The first {MOST_CLASSES} of {len(ours)} classes." if len(ours) > MOST_CLASSES else ""
    return Chart(title, drawn(name, f"{title}: {told}", paint), keys, caption)


def _calibration_chart(ours: Sequence[Calibration], theirs: Sequence[Calibration]) -> Chart:
    shown = ours[:MOST_CLASSES]
    champions = {one.name: one for one in theirs}
    alone = len(shown) == 1

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INKS["muted"], linewidth=1, linestyle=(0, (1, 3)))
        for at, one in enumerate(shown):
            other = champions.get(one.name)
            theirs = None if other is None else _thinned(other.predicted, other.observed)
            _overlaid(axes, None if alone else at, _thinned(one.predicted, one.observed), theirs, points=True)
        _unit(axes)
        axes.set_xlabel("predicted probability")
        axes.set_ylabel("share that was so")

    names = dict.fromkeys((one.name for one in shown), "")
    keys = tuple(_keys(names, {name: "" for name in champions if name in names}))
    caption = "On the dotted line a probability means what it says."
    return Chart("Calibration", drawn("calibration", f"Calibration. {caption}", paint), keys, caption)


def _overlaid(axes: Axes, at: int | None, ours: Points, theirs: Points | None, *, points: bool = False) -> None:
    """The challenger's line over the champion's, which is broken; several classes differ in marker and colour.

    Args:
        at: which class it is; ``None`` for one alone.
        points: mark every point, not only some.
    """
    both = ((theirs, "champion", "D", (0, (5, 2)), 1.4), (ours, "candidate", "o", "-", 1.8))
    for line, role, marker, style, width in both:
        if line is None:
            continue
        count = len(line[0])
        axes.plot(
            *line,
            color=INKS[role if at is None else f"class{at}"],
            linestyle=style,
            linewidth=width,
            marker=(marker if points else "") if at is None else _MARKERS[at],
            markersize=4,
            markevery=1 if points else (count * (at or 0) // 48, max(1, count // 6)),
        )


def _keys(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[Key]:
    """The legend of overlaid lines: by class, what is told of it."""
    for at, (name, told) in enumerate(ours.items()):
        alone = len(ours) == 1
        role, label = f"class{at}", f"{_GLYPHS[at]} {words.clip(name, 40)}"
        yield Key("candidate" if alone else role, "line", f"{'this model' if alone else label}{told}")
        if name in theirs:
            text = "champion" if alone else f"{label}, champion"
            yield Key("champion" if alone else role, "dashes", f"{text}{theirs[name]}")


def _residual_histogram(ours: Residuals, theirs: Residuals | None) -> Chart:
    def paint(axes: Axes) -> None:
        _bars(ours)(axes, filled=True)
        if theirs is not None:
            _bars(theirs)(axes, filled=False)
        axes.axvline(0, color=INKS["muted"], linewidth=1, linestyle=(0, (1, 3)))
        axes.set_xlabel("prediction minus truth")
        axes.set_ylabel("share of rows")

    keys = (Key("candidate", "bar", "this model"), *((Key("champion", "dashes", "champion"),) if theirs else ()))
    return Chart("Residuals", drawn("residuals", "Histogram of prediction minus truth", paint, letters=5), keys)


def _bars(found: Residuals) -> Callable[..., None]:
    total = sum(found.counts) or 1

    def paint(axes: Axes, *, filled: bool) -> None:
        if len(found.edges) != len(found.counts) + 1 or not all(_fine(edge) for edge in found.edges):
            return
        shares = [count / total for count in found.counts]
        if filled:
            axes.stairs(shares, found.edges, fill=True, facecolor=INKS["candidate"], alpha=0.55)
        else:
            axes.stairs(shares, found.edges, color=INKS["champion"], linestyle=(0, (5, 2)), linewidth=1.4)

    return paint


def _residual_points(ours: Residuals) -> Chart:
    across, up = _thinned(ours.predicted, ours.residual)

    def paint(axes: Axes) -> None:
        axes.axhline(0, color=INKS["muted"], linewidth=1, linestyle=(0, (1, 3)))
        axes.plot(across, up, marker="o", markersize=3, linestyle="none", color=INKS["candidate"], alpha=0.5)
        axes.set_xlabel("prediction")
        axes.set_ylabel("prediction minus truth")

    rows = f"{words.count(len(across))} rows"
    svg = drawn("points", f"Residuals of {rows} by prediction", paint, letters=7)
    return Chart("Residuals by prediction", svg, (), f"{rows}.")


def _importance_chart(ours: Sequence[Importance], theirs: Sequence[Importance], metric: str) -> Chart:
    ranked = sorted((one for one in ours if _fine(one.mean)), key=lambda one: (-one.mean, one.column))
    shown = ranked[:MOST_BARS]
    champions = {one.column: one.mean for one in theirs if _fine(one.mean)}

    def paint(axes: Axes) -> None:
        places = list(range(len(shown)))
        spread = [one.deviation if _fine(one.deviation) else 0.0 for one in shown]
        axes.barh(places, [one.mean for one in shown], height=0.62, color=INKS["candidate"], alpha=0.75)
        axes.errorbar([one.mean for one in shown], places, xerr=spread, fmt="none", ecolor=INKS["ink"], elinewidth=1)
        beside = [(champions[one.column], at) for at, one in enumerate(shown) if one.column in champions]
        axes.plot([x for x, _ in beside], [y for _, y in beside], marker="D", markersize=4.5, linestyle="none",
                  color=INKS["champion"], markerfacecolor=INKS["card"])  # fmt: skip
        axes.axvline(0, color=INKS["muted"], linewidth=0.8)
        axes.set_yticks(places, [words.clip(one.column, _LETTERS) for one in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"{words.clip(metric, 20)}, worse by")

    keys = [Key("candidate", "bar", "this model, with its deviation")]
    if champions:
        keys.append(Key("champion", "diamond", "champion"))
    told = f"How much worse {words.clip(metric, 40)} gets when a column's values are shuffled."
    more = f" The first {MOST_BARS} of {len(ranked)} columns." if len(ranked) > MOST_BARS else ""
    title = "Importance of columns: " + ", ".join(f"{words.clip(o.column, 40)} {words.number(o.mean)}" for o in shown)
    svg = drawn(
        "importances",
        title,
        paint,
        tall=max(1.6, 0.9 + 0.25 * len(shown)),
        letters=_longest(words.clip(one.column, _LETTERS) for one in shown),
    )
    return Chart("Importance of columns", svg, tuple(keys), told + more)


def _longest(labels: Iterable[str]) -> int:
    """Letters of the longest label, less what a label of an axis would take; wide letters count twice."""
    return max((sum(2 if east_asian_width(one) in "WF" else 1 for one in label) for label in labels), default=0) - 2


def _unit(axes: Axes) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


def _finite(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    pairs = [(a, b) for a, b in zip(x, y, strict=False) if _fine(a) and _fine(b)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _thinned(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """The points of a line, evenly fewer where there are very many; first and last stay."""
    across, up = _finite(x, y)
    if len(across) <= MOST_POINTS:
        return across, up
    kept = sorted({round(at * (len(across) - 1) / (MOST_POINTS - 1)) for at in range(MOST_POINTS)})
    return [across[at] for at in kept], [up[at] for at in kept]


def _fine(value: float | None) -> bool:
    """Whether a number can be drawn: the scales of a chart end before the largest floats do."""
    return value is not None and isfinite(value) and abs(value) < 1e150
