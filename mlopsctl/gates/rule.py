"""What every gate shares: a metric, bounds, slices, and the strict reading of an evaluation."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Annotated, Self

from pydantic import Field, model_validator

from mlopsctl.evidence import Evaluation, GateResult, Measurement, Verdict, worst
from mlopsctl.ground.model import Spec
from mlopsctl.ground.numbers import exact, shown
from mlopsctl.ground.scalars import ColumnName, Name, refusal
from mlopsctl.metrics.catalogue import METRICS, MetricInfo

# A metric may leave its range by rounding only.
_ROUNDING = 1e-9


class EvidenceError(Exception):
    """The evidence does not allow a verdict; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule found on one set of rows."""

    passed: bool
    observed: float
    reason: str


class Rule(Spec):
    """The base of the gates: bounds on a number that is read from an evaluation.

    A subclass says which number (:meth:`prove`) and what that number can be (:meth:`possible`).
    """

    name: Name = Field(
        title="Name",
        description="What the gate is called in reports, overrides and on GitHub.",
    )
    metric: str = Field(title="Metric", description="The metric that is judged, for example accuracy or rmse.")
    min: float | None = Field(default=None, title="Lower bound", description="The smallest value that passes.")
    max: float | None = Field(default=None, title="Upper bound", description="The largest value that passes.")
    slice: ColumnName | Annotated[tuple[ColumnName, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None,
        title="Slice",
        description="A column (or a list of columns, crossed): every value with enough rows must pass.",
    )
    min_rows: int = Field(
        default=30,
        ge=1,
        title="Smallest slice",
        description="Slices with fewer rows are listed as not judged.",
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        """What the catalogue decides; the other names are the project's own, and are known with it."""
        known = METRICS.get(self.metric)
        problem = known and self.contradiction(known)
        if problem:
            raise refusal("gate-bounds", *problem)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose values it judges one by one; empty when it judges all rows."""
        if self.slice is None:
            return ()
        return (self.slice,) if isinstance(self.slice, str) else self.slice

    @property
    def stops_constant(self) -> bool:
        """Whether a model that gives every row the same answer cannot pass, whatever the data."""
        return False

    def judge(self, evaluation: Evaluation) -> GateResult:
        """The verdict on an evaluation. Pass only where the evidence proves it; never raises."""
        if not self.columns:
            return self._judged(evaluation, "")
        return self._judged_slices(evaluation)

    @abstractmethod
    def prove(self, evaluation: Evaluation, slice: str) -> Judged:
        """Whether the number on these rows lies within the bounds.

        Raises:
            EvidenceError: when the evidence does not hold such a number.
        """

    def _judged(self, evaluation: Evaluation, slice: str) -> GateResult:
        try:
            found = self.prove(evaluation, slice)
        except EvidenceError as why:
            return self._result(Verdict.ERROR, str(why), slice=slice)
        verdict = Verdict.PASS if found.passed else Verdict.FAIL
        return self._result(verdict, found.reason, slice=slice, observed=found.observed)

    def _judged_slices(self, evaluation: Evaluation) -> GateResult:
        """Every value of the column with enough rows; the worst of them decides."""
        column = slice_key(self.columns)
        values = evaluation.slices.get(column)
        if not values:
            measured = ", ".join(evaluation.slices) or "none"
            return self._result(Verdict.ERROR, f"the slice {column} was not measured; measured slices: {measured}")
        parts = tuple(
            self._judged_part(evaluation, slice_name(column, value), rows)
            for value, rows in values.items()
            if rows >= self.min_rows
        )
        skipped = tuple(f"{value} ({rows} rows)" for value, rows in values.items() if rows < self.min_rows)
        if not parts:
            reason = f"no value of {column} has {self.min_rows} rows"
            return replace(self._result(Verdict.ERROR, reason), not_judged=skipped)
        verdict = worst(part.verdict for part in parts)
        deciding = [part for part in parts if part.verdict is verdict]
        return replace(
            self._result(verdict, _slices_reason(verdict, deciding, len(parts))),
            observed=self._worst(deciding, evaluation),
            parts=parts,
            not_judged=skipped,
        )

    def _judged_part(self, evaluation: Evaluation, slice: str, rows: int) -> GateResult:
        measured = evaluation.measurement(self.metric, slice)
        if measured is not None and measured.rows != rows:
            reason = f"the evidence contradicts itself: {slice} has {rows} rows, {self.metric} was measured on "
            return self._result(Verdict.ERROR, reason + str(measured.rows), slice=slice)
        return self._judged(evaluation, slice)

    def _worst(self, parts: list[GateResult], evaluation: Evaluation) -> float | None:
        """Of several observed numbers the one that stands worst to the bounds."""
        observed = [part.observed for part in parts if part.observed is not None]
        if not observed:
            return None
        match self.info(evaluation).direction:
            case "higher":
                return min(observed)
            case "lower":
                return max(observed)
        return max(observed, key=abs)

    def info(self, evaluation: Evaluation) -> MetricInfo:
        """What the catalogue, or the evaluation of a project with metrics of its own, says of the metric.

        Raises:
            EvidenceError: when neither knows it.
        """
        if self.metric in METRICS:
            return METRICS[self.metric]
        own = evaluation.own.get(self.metric)
        if own is None:
            raise EvidenceError(f"{self.metric} was not measured, and is no metric of the catalogue")
        return MetricInfo(self.metric, frozenset(), own.direction, own.minimum, own.maximum, "own", "")

    def _result(self, verdict: Verdict, reason: str, *, slice: str = "", observed: float | None = None) -> GateResult:
        return GateResult(
            name=self.name,
            kind=self.kind_name,
            metric=self.metric,
            verdict=verdict,
            reason=reason,
            slice=slice or slice_key(self.columns),
            observed=observed,
        )

    @property
    def kind_name(self) -> str:
        """The word under ``kind``."""
        return str(type(self).model_fields["kind"].default)

    def within(self, low: float, high: float, *, subject: str) -> Judged:
        """Judge a number, or a lower and an upper confidence bound of one, by ``min`` and ``max``, both inclusive."""
        if self.min is not None and not low >= self.min:
            return Judged(False, low, f"{subject} {shown(low, self.min)} < {exact(self.min)}")
        if self.max is not None and not high <= self.max:
            return Judged(False, high, f"{subject} {shown(high, self.max)} > {exact(self.max)}")
        texts = []
        if self.min is not None:
            texts.append(f"{shown(low, self.min)} >= {exact(self.min)}")
        if self.max is not None:
            texts.append(f"{shown(high, self.max)} <= {exact(self.max)}")
        observed = low if self.min is not None else high
        return Judged(True, observed, f"{subject} {' and '.join(texts)}")

    def contradiction(self, metric: MetricInfo) -> tuple[str, str, str] | None:
        """Why these bounds make no sense for this metric, what to do and at which key; ``None`` when they do."""
        if self.min is None and self.max is None:
            side = {"higher": "min", "lower": "max", "zero": "min and max"}[metric.direction]
            return f"gate {self.name} has no bound", f"add {side}", ""
        if self.min is not None and self.max is not None and self.min > self.max:
            return f"min {exact(self.min)} is above max {exact(self.max)}: nothing can pass", "swap them", "min"
        if metric.direction == "higher" and self.min is None:
            return f"of {metric.name} more is better, and only max is given", "add min; max may stand beside it", "max"
        if metric.direction == "lower" and self.max is None:
            return f"of {metric.name} less is better, and only min is given", "add max; min may stand beside it", "min"
        return self._out_of_range(metric) or self._out_of_place(metric)

    def _out_of_place(self, metric: MetricInfo) -> tuple[str, str, str] | None:
        """What cannot be asked of this metric at all, in the same form."""
        if metric.direction == "zero" and (self.min is None or self.max is None):
            given, other = ("min", "max") if self.max is None else ("max", "min")
            message = f"{metric.name} is better the nearer it is to 0, and only {given} is given"
            return message, f"add {other}", given
        if not metric.drawn and self.slice is not None:
            return f"{metric.name} is measured on the model, and a model has no slices", "take slice out", "slice"
        return None

    def possible(self, metric: MetricInfo) -> tuple[float, float]:
        """The closed range of the number that is judged."""
        return (
            -inf if metric.minimum is None else metric.minimum,
            inf if metric.maximum is None else metric.maximum,
        )

    def _out_of_range(self, metric: MetricInfo) -> tuple[str, str, str] | None:
        low, high = self.possible(metric)
        for key, bound in (("min", self.min), ("max", self.max)):
            if bound is not None and not low <= bound <= high:
                percent = high == 1 and 1 < abs(bound) <= 100
                hint = f"write a fraction, not per cent: {key}: {bound / 100:g}" if percent else ""
                message = f"{key} {exact(bound)} cannot be reached: it lies outside {exact(low)} to {exact(high)}"
                return message, hint, key
        return None


def slice_key(columns: tuple[str, ...]) -> str:
    """How a column, or columns that are crossed, are called in the evidence: ``a`` or ``a,b``.

    An equals sign in a column's name gets a backslash, as a comma does, so that no two slices are called the same.
    """
    return ",".join(escaped(column).replace("=", "\\=") for column in columns)


def slice_name(key: str, value: str) -> str:
    """How one value of a slice is called in the evidence: ``area=Rawah``."""
    return f"{key}={value}"


def escaped(text: str) -> str:
    """A text between commas: its own commas and backslashes get a backslash."""
    return text.replace("\\", "\\\\").replace(",", "\\,")


def number(measurement: Measurement | None, info: MetricInfo, slice: str, who: str = "") -> float:
    """The number of a measurement, if it can be trusted.

    Raises:
        EvidenceError: missing, not a finite number, out of the metric's range, or measured on no rows.
    """
    name = f"{who + ' ' if who else ''}{info.name}{' on ' + slice if slice else ''}"
    if measurement is None:
        raise EvidenceError(f"{name} was not measured")
    value: object = measurement.value
    if measurement.problem or value is None:
        raise EvidenceError(f"{name} is undefined: {measurement.problem or 'it has no value'}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvidenceError(f"{name} is not a number: {value!r}")
    if not isfinite(value):
        raise EvidenceError(f"{name} is {value}")
    rows: object = measurement.rows
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise EvidenceError(f"{name} was measured on no rows")
    below = info.minimum is not None and value < info.minimum - _ROUNDING
    above = info.maximum is not None and value > info.maximum + _ROUNDING
    if below or above:
        raise EvidenceError(f"{name} cannot be {exact(value)}")
    return float(value)


def _slices_reason(verdict: Verdict, deciding: list[GateResult], judged: int) -> str:
    if verdict is Verdict.PASS:
        return f"all {judged} judged slices pass" if judged > 1 else f"{deciding[0].slice}: {deciding[0].reason}"
    more = f", and {len(deciding) - 1} more" if len(deciding) > 1 else ""
    return f"{deciding[0].slice}: {deciding[0].reason}{more} ({len(deciding)} of {judged} slices)"
