"""Numbers and words of a report never say something else than the evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.report.value import Against, Bounds, GateRow, Interval
from mlopsctl.evidence import Verdict
from mlopsctl.render.report import words
from mlopsctl.render.report.sparks import histogram, number_line
from mlopsctl.tables.columns import ColumnType
from mlopsctl.tables.statistics import ColumnStatistics, Numbers, ValueCount

FINITE = st.floats(-1e9, 1e9)


def gate(measured: float | None, bounds: Bounds | None, interval: Interval | None = None) -> GateRow:
    return GateRow("g", "threshold", "accuracy", Verdict.PASS, "", measured, bounds, interval)


@given(FINITE, FINITE)
def test_the_shown_number_stands_to_its_bound_as_the_number_does(measured: float, bound: float) -> None:
    shown = float(words.measured(gate(measured, Bounds(min=bound))))
    assert (shown >= bound) == (measured >= bound)


@given(FINITE, FINITE, FINITE)
def test_the_shown_interval_stands_to_its_bound_as_the_interval_does(low: float, high: float, bound: float) -> None:
    text = words.gate_interval(gate(low, Bounds(min=bound), Interval(low, high, 0.95, True)))
    first, last = (float(one) for one in text.split(" to "))
    assert (first >= bound, last >= bound) == (low >= bound, high >= bound)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 10, "0.0 %"), (1, 1_000_000, "< 0.1 %"), (999_999, 1_000_000, "> 99.9 %"), (10, 10, "100.0 %"), (0, 0, "–")],
)
def test_a_share_is_none_or_all_only_when_it_is(part: int, whole: int, shown: str) -> None:
    assert words.share(part, whole) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(None, "–"), (0, "0 ms"), (949, "949 ms"), (950, "0.9 s"), (61_000, "61.0 s"), (125_000, "2 min 5 s"),
     (7_260_000, "2 h 1 min")],
)  # fmt: skip
def test_a_time_is_short(ms: float | None, shown: str) -> None:
    assert words.lasting(ms) == shown


def test_a_moment_that_no_calendar_has_is_still_told() -> None:
    assert words.when(10**30) == f"{10**30} ms after 1970"


def test_better_and_worse_are_words() -> None:
    assert words.difference(Against(1.0, 0.5, True)) == "+0.5 better"
    assert words.difference(Against(1.0, -0.5, False)) == "-0.5 worse"
    assert words.difference(Against(1.0, 0.0, None)) == "0"


def test_long_text_is_cut_after_it_is_made_printable() -> None:
    assert words.clip("\x1b" * 1000, 10) == "\\x1b\\x1b\\…"


@given(st.one_of(st.none(), st.floats()), st.one_of(st.none(), st.floats()), st.one_of(st.none(), st.floats()))
def test_a_number_line_is_drawn_of_any_numbers(measured: float | None, low: float | None, high: float | None) -> None:
    drawn = number_line(gate(measured, Bounds(min=low, max=high)))
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_few_whole_numbers_have_a_bar_each() -> None:
    numbers = Numbers(1, 12, 6.0, 1.0, (1, 2, 3, 4, 5), (1,) * 20)
    months = ColumnStatistics("month", ColumnType.INT, 12, 0, distinct=12, numbers=numbers,
                              top=tuple(ValueCount(at, 1) for at in range(12)))  # fmt: skip
    assert histogram(months).count("<rect") == 12


def test_a_column_of_nothing_has_no_picture() -> None:
    assert histogram(ColumnStatistics("a", ColumnType.STRING, 0, 0)) == ""
