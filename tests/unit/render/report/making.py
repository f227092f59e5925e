"""Reports made by hand: a model of three classes that a gate refuses, and one of a regression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from math import exp

from mlopsctl.curves import Calibration, Confusion, Curve, Curves, Importance, ModelCurves, Residuals
from mlopsctl.delivery.report.value import (
    Against,
    Bounds,
    CheckRow,
    DatasetReport,
    GateRow,
    Headline,
    Interval,
    Lineage,
    MetricRow,
    Product,
    Report,
    Said,
    ServerRow,
    SliceRow,
    SliceTable,
    Standing,
    StepRow,
    Trial,
    Tuning,
)
from mlopsctl.evidence import Anomaly, Measurement, Verdict
from mlopsctl.metadata.records import GitInfo, RunRecord
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Step
from mlopsctl.step.task import StepState
from mlopsctl.tables.columns import ColumnType
from mlopsctl.tables.statistics import ColumnStatistics, Numbers, ValueCount

MODEL = "sha256:" + "5" * 64
CLASSES = ("Lodgepole", "Spruce", "Aspen")


def _curve(name: str, lift: float, area: float) -> Curve:
    x = tuple(at / 50 for at in range(51))
    return Curve(name, x, tuple((1 - exp(-lift * one)) / (1 - exp(-lift)) for one in x), area)


def _model(lift: float) -> ModelCurves:
    steps = tuple((at + 0.5) / 10 for at in range(10))
    return ModelCurves(
        confusion=Confusion(CLASSES, ((int(60 * lift), 40, 3), (38, int(90 * lift), 0), (9, 12, int(5 * lift)))),
        roc=tuple(_curve(name, lift * at, 0.5 + lift * at / 100) for at, name in enumerate(CLASSES, start=2)),
        precision_recall=tuple(
            Curve(name, one.x, one.y[::-1], 0.8) for name, one in ((n, _curve(n, lift, 0.8)) for n in CLASSES)
        ),
        calibration=tuple(
            Calibration(name, steps, tuple(min(1, one**lift) for one in steps), (10,) * 10) for name in CLASSES[:2]
        ),
        importances=tuple(
            Importance(name, size * lift / 10, 0.004)
            for name, size in (("Elevation", 0.9), ("Soil_Type", 0.4), ("Slope", 0.02), ("Aspect", -0.01))
        ),
        importance_metric="accuracy",
    )


GATES = (
    GateRow(
        "floor", "threshold", "accuracy", Verdict.FAIL, "accuracy 0.6771 < 0.69", 0.67712, Bounds(0.69, 0.99),
        candidate=0.67712, rows=1992,
    ),
    GateRow(
        "every-area", "threshold", "accuracy", Verdict.PASS, "all 2 judged slices pass", 0.5518,
        Bounds(0.5, columns=("Wilderness_Area",), min_rows=30), slice="Wilderness_Area",
        parts=(
            GateRow("every-area", "threshold", "accuracy", Verdict.PASS, "accuracy 0.7012 >= 0.5", 0.7012,
                    Bounds(0.5, columns=("Wilderness_Area",)), slice="Wilderness_Area=Rawah", rows=1204),
            GateRow("every-area", "threshold", "accuracy", Verdict.PASS, "accuracy 0.5518 >= 0.5", 0.5518,
                    Bounds(0.5, columns=("Wilderness_Area",)), slice="Wilderness_Area=Cache", rows=780),
        ),
        not_judged=("Neota (8 rows)",),
    ),
    GateRow(
        "not-worse", "change", "accuracy", Verdict.FAIL, "change of accuracy, 0.95 bound, -0.1902 < -0.01",
        -0.1902, Bounds(-0.01, None, "champion", False, 0.95), Interval(-0.1902, -0.1551, 0.95, True), 0.67712, 0.8498,
        rows=1992, overridden="the forest is too large for the device; agreed with the rangers",
    ),
    GateRow("first", "change", "log_loss", Verdict.ERROR, "first release", decides=False),
)  # fmt: skip

COLUMNS = (
    ColumnStatistics(
        "Cover_Type", ColumnType.INT, 20000, 0, distinct=3,
        numbers=Numbers(0, 2, 1.0, 0.6, (0, 1, 1, 1, 2), (9000, 0, 0, 0, 0, 0, 0, 0, 0, 9500, *([0] * 9), 1500)),
        top=(ValueCount(1, 9500), ValueCount(0, 9000), ValueCount(2, 1500)),
    ),
    ColumnStatistics(
        "Elevation", ColumnType.FLOAT, 20000, 12, distinct=1700, distinct_exact=False, nan=3,
        numbers=Numbers(1859.0, 3858.0, 2959.4, 280.0, (2400, 2809, 2996, 3163, 3300), tuple(range(1, 11)) * 2),
    ),
    ColumnStatistics(
        "Wilderness_Area", ColumnType.STRING, 20000, 0, distinct=4,
        top=(ValueCount("Rawah", 8991), ValueCount("Coma", 8700), ValueCount("Cache", 1300), ValueCount("Neota", 9)),
    ),
    ColumnStatistics("seen", ColumnType.TIMESTAMP, 20000, 20000, distinct=0, first=None, last=None),
)  # fmt: skip


def _step(id: str, *reads: str, guard: str = "") -> Step:
    inputs = {name: Input(Ref(name, "out"), ArtifactType.FILE, guard=name == guard) for name in reads}
    return Step(id, "own", 1, inputs, {"out": ArtifactType.FILE}, {})


PIPELINE = Pipeline(
    "covertype",
    (
        _step("ingest-covertype"), _step("statistics-covertype", "ingest-covertype"),
        _step("schema-covertype", "statistics-covertype"),
        _step("validate-covertype", "ingest-covertype", "statistics-covertype", "schema-covertype"),
        _step("transform", "ingest-covertype", "schema-covertype", "validate-covertype", guard="validate-covertype"),
        _step("tune-sgd", "transform"), _step("train-sgd", "transform", "tune-sgd"),
        _step("train-forest", "transform"), _step("select", "train-sgd", "train-forest"),
        _step("evaluate", "select", "ingest-covertype"), _step("gate", "evaluate"),
        _step("preflight", "select", "gate", guard="gate"), _step("push", "select", "evaluate", "gate", "preflight"),
    ),
)  # fmt: skip
TIMES = (1400, 900, 40, 300, 2100, 9100, 1500, 7900, 400, 2600, 60, 0, 900)
STATES = {"statistics-covertype": StepState.CACHED, "preflight": StepState.SKIPPED}

REFUSED = Report(
    run=RunRecord(
        "20261121T120000-abc123", "covertype", "dev", "sha256:" + "1" * 64, "sha256:" + "2" * 64, 1_795_262_400_000,
        GitInfo("c" * 40, "main", True), "0.1.0", {"seed": 13}, 1_795_262_427_300, "success", 3,
    ),
    headline=Headline(
        Standing.REFUSED,
        ("Refused by the gate ", Said("floor"), ". Nothing was released."),
        (Said("accuracy"), " is 0.6771, and at least 0.69 is needed and at most 0.99 is allowed, on 1,992 rows"),
        (
            ("Overridden by hand: the gate ", Said("not-worse"), " failed. The reason given: ", Said("the forest is "
             "too large for the device")),
            ("The code had changes that were not committed, so the commit alone does not tell what ran.",),
        ),
    ),
    gates=GATES,
    checks=(
        CheckRow("covertype", "enough-rows", "row_count", Verdict.PASS, "error", "min 10000", "20000 rows"),
        CheckRow("covertype", "no-anomalies", "schema", Verdict.FAIL, "warn", "", "2 anomalies",
                 (Anomaly("Slope", "above 90", 5, 20000, ("110", "110.5")),
                  Anomaly("Soil_Type", "values that the schema does not know", 1, 20000, ("C9999",)))),
    ),
    server=ServerRow(Verdict.PASS, "20 answers agree with the model, p95 12.1 ms", 20, 8.0, 12.1, 4100.0),
    task="classification",
    split="test",
    rows=1992,
    metrics=(
        MetricRow("accuracy", "higher", "Share of rows.", Measurement("accuracy", 0.67712, 1992),
                  Against(0.8498, -0.17268, False, Interval(-0.1934, -0.1519, 0.95)),
                  Against(0.4880, 0.18912, True, Interval(0.161, 0.217, 0.95)), Interval(0.6564, 0.6977, 0.95)),
        MetricRow("macro_f1", "higher", "Harmonic mean.", Measurement("macro_f1", 0.4101, 1992),
                  Against(0.77, -0.36, False), Against(0.0937, 0.3164, True)),
        MetricRow("log_loss", "lower", "Cross-entropy.", Measurement("log_loss", None, 1992, problem="a zero")),
    ),
    slices=(
        SliceTable("Wilderness_Area", ("accuracy", "macro_f1"), (0.67712, 0.4101),
                   (SliceRow("Rawah", 1204, (0.7012, 0.42), 0.86, Verdict.PASS),
                    SliceRow("Cache", 780, (0.5518, 0.39), 0.81, Verdict.PASS),
                    SliceRow("Neota", 8, (0.25, None), 0.5, None, True)), 3),
    ),
    curves=Curves(_model(1.1), _model(1.9)),
    datasets=(DatasetReport("covertype", 20000, {"train": 7928, "validation": 1989, "test": 1992, "unused": 8091},
                            "Cover_Type", COLUMNS, 2),),
    steps=tuple(
        StepRow(step.id, step.component, STATES.get(step.id, StepState.SUCCESS), sum(TIMES[:at]), TIMES[at],
                2 if step.id == "push" else 1, f"what {step.id} said")
        for at, step in enumerate(PIPELINE.steps)
    ),
    pipeline=PIPELINE,
    tuning=(
        Tuning("sgd", "accuracy", "grid", (
            Trial(0, {"alpha": "0.0001", "max_iter": "500"}, 0.672, "complete"),
            Trial(1, {"alpha": "0.001", "max_iter": "500"}, 0.681, "complete", True),
            Trial(2, {"alpha": "0.01"}, None, "pruned"))),
    ),
    lineage=Lineage(
        {"ingest-covertype source.uri": "sha256:" + "a" * 64}, {"trainers/fit.py": "sha256:" + "b" * 64},
        {"numpy": "2.1.0", "scikit-learn": "1.6.0"}, MODEL, ("covertype", "3"),
        (Product("select.model", "Model", MODEL), Product("evaluate.evaluation", "Evaluation", "sha256:" + "6" * 64)),
    ),
    reproduce=("git checkout " + "c" * 40, "pip install 'mlopsctl[run]==0.1.0'", "mlopsctl run -e dev -p seed=13"),
    notes=((Said("curves.json"), " of an artifact was written by another version"),),
)  # fmt: skip

_RESIDUALS = Residuals(
    tuple(float(at) for at in range(-10, 11)),
    tuple(int(400 * exp(-(at**2) / 8)) for at in range(-10, 10)),
    tuple(3 + at / 7 for at in range(300)),
    tuple(((at * 37) % 101 - 50) / 12 for at in range(300)),
)
REGRESSION = replace(
    REFUSED,
    headline=Headline(
        Standing.RELEASED,
        ("Released as ", Said("taxi"), " version ", Said("2"), ": release 2 of ", Said("dev"), "."),
        ("The gate ", Said("rmse"), " decided: ", Said("rmse"), " is 2.66, and at most 10 is allowed, on 1,073 rows."),
    ),
    task="regression",
    tuning=(),
    curves=Curves(
        ModelCurves(residuals=_RESIDUALS, importances=_model(1).importances, importance_metric="rmse"),
        ModelCurves(residuals=replace(_RESIDUALS, counts=_RESIDUALS.counts[::-1])),
    ),
    notes=(),
)


_OURS = frozenset({"sentence", "decided", "loud", "notes"})


def _prose(value: object, change: Callable[[str], str]) -> object:
    """Sentences are ours; only what others said in them is changed."""
    if isinstance(value, tuple):
        return tuple(_prose(one, change) for one in value)
    return Said(change(value.text)) if isinstance(value, Said) else value


def rewritten(value: object, change: Callable[[str], str]) -> object:
    """The value with every text in it changed, wherever it stands: fields, tuples, keys and values of mappings."""
    if isinstance(value, Enum) or value is None:
        return value
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(rewritten(one, change) for one in value)
    if isinstance(value, dict):
        return {rewritten(key, change): rewritten(inner, change) for key, inner in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        found = {one.name: getattr(value, one.name) for one in fields(value)}
        return replace(
            value,
            **{name: (_prose if name in _OURS else rewritten)(inner, change) for name, inner in found.items()},
        )
    return value
