"""Charts are drawn of whatever a file of curves can hold."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mlopsctl.curves import Calibration, Confusion, Curve, Curves, Importance, ModelCurves, Residuals
from mlopsctl.delivery.report.value import SliceRow, SliceTable
from mlopsctl.render.report.charts import curve_charts, slice_chart
from mlopsctl.render.report.markdown import markdown
from mlopsctl.render.report.page import page
from tests.unit.render.report.making import REFUSED

NAN, INF = float("nan"), float("inf")
ODD = (NAN, INF, -INF, 1e308, -1e308, 0.0, 0.5)


def odd(values: tuple[float, ...]) -> ModelCurves:
    return ModelCurves(
        roc=(Curve("a", values, values[1:], NAN), Curve("a", (), (), None)),
        precision_recall=(Curve("", values, values, INF),),
        calibration=(Calibration("a", values, (), ()), Calibration("b", (), values, (1,))),
        residuals=Residuals(values, (0,) * max(0, len(values) - 1), values, values[::-1]),
        importances=tuple(Importance("same", value, value) for value in values),
    )


MANY = tuple(map(float, range(5000)))


@pytest.mark.parametrize("values", [(), (0.0,), (NAN,), ODD, ODD[::-1], (1.0, 1.0, 1.0), MANY])
def test_odd_numbers_are_left_out_of_charts(values: tuple[float, ...]) -> None:
    for model in (Curves(odd(values)), Curves(odd(values), odd(values[:1])), Curves(odd((0.0, 1.0)), odd(values))):
        for chart in curve_charts(model):
            places = " ".join(re.findall(r' (?:d|x|y|transform)="([^"]*)"', chart.svg))
            assert not re.search("nan|inf", places, re.IGNORECASE)
            assert len(chart.svg) < 200_000


@pytest.mark.parametrize(
    "confusion",
    [
        Confusion((), ()),
        Confusion(("a", "b"), ((1,),)),
        Confusion(("a",), ((1, 2), (3, 4))),
        Confusion(("a", "b"), ((1, 2), (3,))),
    ],
)
def test_a_matrix_that_is_none_is_not_shown(confusion: Confusion) -> None:
    report = replace(REFUSED, slices=(), curves=Curves(ModelCurves(confusion)))
    assert "Confusion matrix" not in page(report)
    assert "true \\ answered" not in markdown(report)


def test_slices_without_numbers_have_no_chart() -> None:
    rows = (SliceRow("a", 3, (None,)), SliceRow("b", 3, (NAN,)), SliceRow("c", 3, ()))
    assert slice_chart(SliceTable("x", ("accuracy",), (None,), rows), 0) is None
    assert slice_chart(SliceTable("x", (), (), ()), 0) is None


def test_a_slice_whose_champion_has_no_number_is_drawn_alone() -> None:
    rows = (SliceRow("a", 3, (0.5,), NAN), SliceRow("b", 30, (0.25,), 1e308))
    chart = slice_chart(SliceTable("x", ("accuracy",), (INF,), rows), 0)
    assert chart is not None
    assert "a (3)" in chart.svg
