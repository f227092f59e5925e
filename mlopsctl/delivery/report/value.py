"""What a report says, as frozen values; the views in ``render.report`` only put them on a page.

Text that a user, a file or a column may have written stands in :class:`Said`, or in a field that is no prose at all;
views never take it for markup. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from mlopsctl.curves import Curves
from mlopsctl.delivery.cost import Cost
from mlopsctl.evidence import Anomaly, Measurement, Verdict
from mlopsctl.metadata.records import RunRecord
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.step.task import StepState
from mlopsctl.tables.statistics import ColumnStatistics


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody else's words inside a sentence of ours: a name, a value, a reason."""

    text: str


Prose: TypeAlias = tuple[str | Said, ...]


class Standing(StrEnum):
    """What came of the run, in one word."""

    RELEASED = "released"
    PASSED = "passed"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    FAILED = "failed"
    CANCELED = "canceled"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict: a sentence, the number that decided, and what nobody may overlook (``loud``)."""

    standing: Standing
    sentence: Prose
    decided: Prose = ()
    loud: tuple[Prose, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which numbers a metric or a difference lies; ``one_sided`` when each bound alone is that sure."""

    low: float
    high: float
    confidence: float
    one_sided: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a gate asks for. ``against`` is empty where the metric itself is bounded, not a change of it."""

    min: float | None = None
    max: float | None = None
    against: str = ""
    relative: bool = False
    confidence: float | None = None
    columns: tuple[str, ...] = ()
    min_rows: int = 1


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate, or one slice of it: what it measured, what it needed and what it said.

    ``bounds`` is ``None`` where the rule itself is no longer known. ``decides``, ``overridden`` and ``note`` are as in
    :class:`~mlopsctl.evidence.GateResult`.
    """

    name: str
    kind: str
    metric: str
    verdict: Verdict
    reason: str
    measured: float | None = None
    bounds: Bounds | None = None
    interval: Interval | None = None
    candidate: float | None = None
    baseline: float | None = None
    slice: str = ""
    rows: int | None = None
    decides: bool = True
    overridden: str = ""
    note: str = ""
    parts: tuple[GateRow, ...] = ()
    not_judged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check on data; ``needed`` is what the project wrote, like ``min 5000``."""

    dataset: str
    name: str
    kind: str
    verdict: Verdict
    severity: str
    needed: str
    reason: str
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerRow:
    """The preflight in a real server; times in milliseconds."""

    verdict: Verdict
    reason: str
    samples: int = 0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    startup_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Against:
    """The challenger beside one baseline: the baseline's value, the difference, and how sure it is.

    ``better`` says whether the difference is one for the better; ``None`` when there is none.
    """

    value: float | None
    difference: float | None
    better: bool | None
    interval: Interval | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric on all evaluated rows, with its own interval, beside the champion and the trivial model."""

    metric: str
    direction: str
    description: str
    candidate: Measurement
    champion: Against | None = None
    trivial: Against | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One value of a sliced column. ``judged`` is the worst verdict of the gates on it, ``None`` where none judged."""

    value: str
    rows: int
    values: tuple[float | None, ...]
    champion: float | None = None
    judged: Verdict | None = None
    too_small: bool = False


@dataclass(frozen=True, slots=True)
class SliceTable:
    """A sliced column; ``whole`` has the metrics on all rows. ``hidden`` counts values that are left out."""

    column: str
    metrics: tuple[str, ...]
    whole: tuple[float | None, ...]
    rows: tuple[SliceRow, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """One dataset: its splits (with what no split took), and what is known of its columns."""

    name: str
    rows: int
    splits: Mapping[str, int]
    label: str | None
    columns: tuple[ColumnStatistics, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class StepRow:
    """How a step ended; ``started`` counts from the start of the run."""

    id: str
    component: str
    state: StepState
    started: int
    milliseconds: int
    attempts: int
    line: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of hyperparameters and how good it was; ``value`` is ``None`` for one that did not finish."""

    number: int
    parameters: Mapping[str, str]
    value: float | None
    state: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class Tuning:
    """The search of one target."""

    target: str
    metric: str
    method: str
    trials: tuple[Trial, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """One artifact that the run made or used again."""

    name: str
    type: str
    digest: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """From what the model came and what became of it; digests by name.

    ``version`` is the registered model's name and version, empty where none was made.
    """

    data: Mapping[str, str]
    code: Mapping[str, str]
    packages: Mapping[str, str]
    model: str
    version: tuple[str, str]
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one run. ``notes`` says what could not be read, and why; ``cost`` is at the prices of now."""

    run: RunRecord
    headline: Headline
    gates: tuple[GateRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()
    server: ServerRow | None = None
    task: str = ""
    split: str = ""
    rows: int = 0
    metrics: tuple[MetricRow, ...] = ()
    slices: tuple[SliceTable, ...] = ()
    curves: Curves | None = None
    datasets: tuple[DatasetReport, ...] = ()
    steps: tuple[StepRow, ...] = ()
    pipeline: Pipeline | None = None
    tuning: tuple[Tuning, ...] = ()
    lineage: Lineage = field(default_factory=lambda: Lineage({}, {}, {}, "", ("", ""), ()))
    reproduce: tuple[str, ...] = ()
    notes: tuple[Prose, ...] = ()
    cost: Cost | None = None
