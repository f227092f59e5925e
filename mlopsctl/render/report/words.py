"""The words and numbers that both pages share: what a verdict, a bound, a time or an interval reads like."""

from __future__ import annotations

import time
from collections.abc import Iterable
from math import isfinite

from mlopsctl.delivery.report.value import Against, Bounds, GateRow, Interval, Prose, Said, Standing
from mlopsctl.evidence import Verdict
from mlopsctl.gates.rule import slice_key, slice_name
from mlopsctl.ground.numbers import exact, shown
from mlopsctl.ground.text import printable
from mlopsctl.step.task import StepState

NONE = "–"

# XML, and so a chart, has no way to write these at all.
_NO_CHARACTERS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}

STANDINGS = {
    Standing.RELEASED: ("✓", "Released", "pass"),
    Standing.PASSED: ("✓", "Passed", "pass"),
    Standing.REFUSED: ("✗", "Refused", "fail"),
    Standing.UNDECIDED: ("?", "Not decided", "error"),
    Standing.FAILED: ("✗", "Failed", "fail"),
    Standing.CANCELED: ("■", "Stopped", "warn"),
    Standing.RUNNING: ("…", "Not ended", "warn"),
}
"""Mark, word and tone of each standing."""

VERDICTS = {Verdict.PASS: ("✓", "pass"), Verdict.FAIL: ("✗", "fail"), Verdict.ERROR: ("?", "error")}

STATES = {
    StepState.SUCCESS: ("✓", "done", "pass"),
    StepState.CACHED: ("=", "reused", "quiet"),
    StepState.FAILED: ("✗", "failed", "fail"),
    StepState.SKIPPED: ("–", "skipped", "warn"),
    StepState.UPSTREAM_FAILED: ("–", "not run", "warn"),
    StepState.CANCELED: ("■", "stopped", "warn"),
}


def clip(text: str, most: int = 160) -> str:
    """The text on one line, printable, and cut where it is very long."""
    clean = printable(text[: most * 2]).translate(_NO_CHARACTERS)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def plain(prose: Prose) -> str:
    """The sentence without any markup."""
    return "".join(clip(piece.text, 600) if isinstance(piece, Said) else piece for piece in prose)


def when(ms: int | None) -> str:
    """A moment, in UTC."""
    if ms is None:
        return NONE
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ms / 1000))
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms after 1970"


def lasting(ms: float | None) -> str:
    """How long something took."""
    if ms is None:
        return NONE
    seconds = ms / 1000
    if seconds < 0.95:
        return f"{ms:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def number(value: float | None, *against: float | None) -> str:
    """A number with the digits it needs to stand to the others as it does."""
    return NONE if value is None else shown(value, *against)


def signed(value: float | None) -> str:
    """A difference with its sign."""
    return NONE if value is None else f"{'+' if value > 0 else ''}{shown(value, 0.0)}"


def count(value: int) -> str:
    """A number of rows or things."""
    return f"{value:,}"


def share(part: float, whole: float) -> str:
    """A share in per cent; never 0 or 100 for what is not none or all."""
    if not whole:
        return NONE
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def interval(found: Interval | None, *against: float | None) -> str:
    """Both ends, with the digits that tell on which side of a bound they lie."""
    if found is None or not (isfinite(found.low) and isfinite(found.high)):
        return NONE
    return f"{shown(found.low, *against)} to {shown(found.high, *against)}"


def level(found: Interval | None) -> str:
    """How sure a gate's interval is; only one that the gate asked for decides."""
    if found is None:
        return ""
    percent = f"{exact(round(found.confidence * 100, 6))} %"
    return f"{percent} each side" if found.one_sided else f"{percent}, does not decide"


def needed(bounds: Bounds | None) -> str:
    """What a gate asks for: ``≥ 0.69 and ≤ 0.99``."""
    if bounds is None:
        return NONE
    limits = [f"{sign} {exact(one)}" for sign, one in (("≥", bounds.min), ("≤", bounds.max)) if one is not None]
    return " and ".join(limits) or NONE


def subject(gate: GateRow) -> str:
    """What the number of a gate is: the metric, or a change of it."""
    bounds = gate.bounds
    if bounds is None or not bounds.against:
        return clip(gate.metric)
    words = f"{'relative ' if bounds.relative else ''}change of {clip(gate.metric)} against {bounds.against}"
    if bounds.confidence is not None:
        words += f", {exact(round(bounds.confidence * 100, 6))} % bound"
    return words


def slice_value(part: GateRow) -> str:
    """Of which value of the sliced column a part of a gate is."""
    key = slice_name(slice_key(part.bounds.columns), "") if part.bounds is not None else ""
    return part.slice.removeprefix(key)


def measured(gate: GateRow) -> str:
    """The number that decided."""
    bounds = gate.bounds
    return number(gate.measured, *((bounds.min, bounds.max) if bounds is not None else ()))


def values(gate: GateRow) -> str:
    """Both values behind a change: ``0.85 → 0.86``."""
    if gate.candidate is None or gate.baseline is None:
        return ""
    return f"{shown(gate.baseline, gate.candidate)} → {shown(gate.candidate, gate.baseline)}"


def gate_interval(gate: GateRow) -> str:
    """The interval of a gate, with the digits its bounds need."""
    bounds = gate.bounds
    return interval(gate.interval, *((bounds.min, bounds.max) if bounds is not None else ()))


def verdict_word(gate: GateRow) -> str:
    """The verdict of a gate, or that it does not decide or was overridden."""
    if not gate.decides:
        return "does not decide"
    return f"{gate.verdict.value}, overridden" if gate.overridden else gate.verdict.value


def direction(word: str) -> str:
    """Which values of a metric are the better ones."""
    known = {"higher": " Higher is better.", "lower": " Lower is better.", "zero": " Nearer to zero is better."}
    return known.get(word, "")


def difference(against: Against | None) -> str:
    """A difference and whether it is one for the better, in words, for colour alone says nothing to many."""
    if against is None or against.difference is None:
        return NONE
    word = {True: " better", False: " worse", None: ""}[against.better]
    return f"{signed(against.difference)}{word}"


def listed(texts: Iterable[str], most: int = 5) -> str:
    """Examples in a row, each printable."""
    every = list(texts)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(clip(one, 40) for one in every[:most]) + more
