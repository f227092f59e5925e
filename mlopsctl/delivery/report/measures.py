"""What was measured: metrics beside their baselines, and slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mlopsctl.delivery.report.value import Against, GateRow, MetricRow, SliceRow, SliceTable
from mlopsctl.delivery.report.verdicts import CONFIDENCE, interval, own_interval
from mlopsctl.evidence import Comparison, Evaluation, Measurement, Verdict, worst
from mlopsctl.gates.rule import slice_key, slice_name
from mlopsctl.metrics.catalogue import METRICS

MOST_SLICES = 60
_DEFAULT = 30


def metric_rows(evaluation: Evaluation) -> tuple[MetricRow, ...]:
    """Every metric on all rows, in the order it was asked for."""
    whole = [found for found in evaluation.measurements if not found.slice]
    return tuple(_row(evaluation, found) for found in whole)


def slice_tables(evaluation: Evaluation, gates: Sequence[GateRow]) -> tuple[SliceTable, ...]:
    """A table for each sliced column: values that a gate did not pass first."""
    metrics = tuple(dict.fromkeys(found.metric for found in evaluation.measurements if not found.slice))
    measured = {(found.metric, found.slice): found for found in evaluation.measurements}
    compared = {(one.metric, one.against, one.slice): one for one in evaluation.comparisons}
    whole = tuple(_value(measured.get((metric, ""))) for metric in metrics)
    tables = []
    for column, values in evaluation.slices.items():
        rows = []
        judging = [gate for gate in gates if gate.bounds is not None and slice_key(gate.bounds.columns) == column]
        for value, count in values.items():
            name = slice_name(column, value)
            champion = compared.get((metrics[0], "champion", name)) if metrics else None
            verdicts = [part.verdict for gate in gates for part in gate.parts if part.slice == name]
            rows.append(
                SliceRow(
                    value=value,
                    rows=count,
                    values=tuple(_value(measured.get((metric, name))) for metric in metrics),
                    champion=None if champion is None else champion.baseline.value,
                    judged=worst(verdicts) if verdicts else None,
                    too_small=count < _smallest(judging),
                )
            )
        rows.sort(key=_order(values))
        tables.append(SliceTable(column, metrics, whole, tuple(rows[:MOST_SLICES]), max(0, len(rows) - MOST_SLICES)))
    return tuple(tables)


def _order(values: Iterable[str]) -> Callable[[SliceRow], tuple[bool, float, str]]:
    """What a gate did not pass comes first; then numbers in their order, and all else by its number of rows."""
    try:
        numbers = {value: float(value) for value in values}
    except ValueError:
        numbers = {}

    def key(row: SliceRow) -> tuple[bool, float, str]:
        return row.judged in (None, Verdict.PASS), numbers.get(row.value, -row.rows), row.value

    return key


def _smallest(judging: Sequence[GateRow]) -> int:
    """Below how many rows no gate judges a value of the column; where none does, the default of gates."""
    return min((gate.bounds.min_rows for gate in judging if gate.bounds is not None), default=_DEFAULT)


def _row(evaluation: Evaluation, found: Measurement) -> MetricRow:
    info, own = METRICS.get(found.metric), evaluation.own.get(found.metric)
    direction = own.direction if own is not None else info.direction if info is not None else ""
    comparisons = {one.against: one for one in evaluation.comparisons if one.metric == found.metric and not one.slice}
    beside = {against: _against(one, direction) for against, one in comparisons.items()}
    return MetricRow(
        metric=found.metric,
        direction=direction,
        description=info.description if info is not None else "A metric of the project's own." if own else "",
        candidate=found,
        interval=own_interval(found),
        champion=beside.get("champion"),
        trivial=beside.get("trivial"),
    )


def _against(comparison: Comparison, direction: str) -> Against:
    ours, theirs = comparison.candidate.value, comparison.baseline.value
    return Against(
        value=theirs,
        difference=None if ours is None or theirs is None else ours - theirs,
        better=None if ours is None or theirs is None else _better(direction, ours, theirs),
        interval=interval(comparison.replicates, CONFIDENCE, one_sided=False),
        problem=comparison.problem or comparison.baseline.problem,
    )


def _better(direction: str, ours: float, theirs: float) -> bool | None:
    """Whether ours is the better value; ``None`` where they are equally good, or nobody knows."""
    if direction == "zero":
        ours, theirs = -abs(ours), -abs(theirs)
    if not direction or ours == theirs:
        return None
    return ours < theirs if direction == "lower" else ours > theirs


def _value(found: Measurement | None) -> float | None:
    return None if found is None else found.value
