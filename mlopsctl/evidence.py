"""Evidence: what was measured and judged, as frozen values that are written into artifacts and read back.

The file names are part of the contract between components, orchestrators and reports.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

ANOMALIES_FILE = "anomalies.json"
EVALUATION_FILE = "evaluation.json"
BLESSING_FILE = "blessing.json"
INFRA_BLESSING_FILE = "infra_blessing.json"
PUSHED_MODEL_FILE = "pushed_model.json"

T = TypeVar("T")


class Verdict(StrEnum):
    """Three values; only ``pass`` lets anything go."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Kleene's *and*: one fail decides, else one error leaves it open. No verdict at all is an error."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.PASS):
        if verdict in found:
            return verdict
    return Verdict.ERROR


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check on data: its verdict and the numbers that decided.

    ``severity: warn`` is the explicit way out: such a result never stops, and is shown.
    """

    name: str
    kind: str
    verdict: Verdict
    reason: str
    severity: str = "error"
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What is wrong with a column: how many rows, of how many, with examples."""

    column: str
    reason: str
    rows: int
    of: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anomalies:
    """The results of all checks of a dataset (``anomalies.json``)."""

    dataset: str
    checks: tuple[CheckResult, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks that may stop; pass when there is none."""
        stopping = [check.verdict for check in self.checks if check.severity == "error"]
        return worst(stopping) if stopping else Verdict.PASS


@dataclass(frozen=True, slots=True)
class Measurement:
    """One metric on one set of rows: ``slice`` is empty for all rows, else ``column=value``.

    ``value`` is ``None`` where the metric is undefined, and ``problem`` says why. ``low`` and ``high`` are the bounds
    of its 95 % bootstrap interval, where one was drawn: of the challenger on all rows, unless that would take long
    or a resample has no value.
    """

    metric: str
    value: float | None
    rows: int
    slice: str = ""
    problem: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class MetricRange:
    """What a gate must know of a metric that no catalogue holds: its better direction and the range of its values."""

    direction: Literal["higher", "lower", "zero"]
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate against baseline on the same rows.

    ``replicates`` are the sorted paired-bootstrap differences (candidate − baseline), ``relative_replicates``
    the sorted ratios of difference to the baseline's size; empty where no gate asked for confidence, or where a
    resample left the metric undefined, and then ``problem`` says so.
    """

    metric: str
    against: str
    candidate: Measurement
    baseline: Measurement
    slice: str = ""
    replicates: tuple[float, ...] = ()
    relative_replicates: tuple[float, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` measured (``evaluation.json``).

    ``champion`` is the artifact digest of the champion's model, empty where there was none.
    ``slices`` lists, by column, every value seen with its number of rows. ``own`` are the metrics of the project's
    own, by name.
    """

    task: str
    split: str
    rows: int
    model: str
    champion: str
    measurements: tuple[Measurement, ...]
    comparisons: tuple[Comparison, ...] = ()
    slices: dict[str, dict[str, int]] = field(default_factory=dict)
    own: dict[str, MetricRange] = field(default_factory=dict)

    def measurement(self, metric: str, slice: str = "") -> Measurement | None:
        """The metric on that slice, if it was measured."""
        return next((m for m in self.measurements if m.metric == metric and m.slice == slice), None)

    def comparison(self, metric: str, against: str, slice: str = "") -> Comparison | None:
        """The comparison on that slice, if it was made."""
        return next((c for c in self.comparisons if (c.metric, c.against, c.slice) == (metric, against, slice)), None)


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's verdict with the number that decided.

    ``decides`` is false for a first release, which a change gate reports and does not decide.
    ``parts`` holds the same for each judged slice value, ``not_judged`` the slices that had too few rows.
    ``overridden`` is the reason given for letting the release go by hand; the verdict stays what it was.
    ``note`` is what a reader should know beside the verdict; it decides nothing.
    """

    name: str
    kind: str
    metric: str
    verdict: Verdict
    reason: str
    decides: bool = True
    slice: str = ""
    observed: float | None = None
    parts: tuple[GateResult, ...] = ()
    not_judged: tuple[str, ...] = ()
    overridden: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Blessing:
    """The verdict on a model (``blessing.json``): pass only when every deciding gate proved it.

    ``model`` and ``champion`` are artifact digests; ``champion`` is empty for a first release.
    """

    model: str
    champion: str
    gates: tuple[GateResult, ...]

    @property
    def verdict(self) -> Verdict:
        """No deciding gate: error, for nothing was proved. A gate overridden by hand stops nothing."""
        return worst(Verdict.PASS if gate.overridden else gate.verdict for gate in self.gates if gate.decides)


@dataclass(frozen=True, slots=True)
class InfraBlessing:
    """Whether the model answers in a real server as it does in process (``infra_blessing.json``). Times in ms."""

    model: str
    verdict: Verdict
    reason: str
    samples: int = 0
    largest_difference: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    startup_ms: float | None = None


@dataclass(frozen=True, slots=True)
class PushedModel:
    """What the registry holds (``pushed_model.json``); ``pushed`` is false for a model without a blessing."""

    model: str
    pushed: bool
    reason: str
    name: str = ""
    version: str = ""
    tracking_run: str = ""


def write(evidence: object, folder: Path, file: str) -> None:
    """Write a value of this module as JSON into an artifact's folder."""
    (folder / file).write_bytes(_adapter(type(evidence)).dump_json(evidence, indent=1) + b"\n")


def read(kind: type[T], folder: Path, file: str) -> T:
    """Read a value of this module back.

    Raises:
        FileNotFoundError: when the artifact has no such file.
        pydantic.ValidationError: when the file is not of that kind.
    """
    return parse(kind, (folder / file).read_bytes())


def parse(kind: type[T], content: bytes) -> T:
    """Read a value of this module from the bytes of its file; see :func:`read`."""
    value: T = _adapter(kind).validate_json(content, strict=True)
    return value


# Building one takes longer than reading with it.
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type[object]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


Guard: TypeAlias = Anomalies | Blessing | InfraBlessing

# Which file of which artifact a guard reads, and as what.
GUARDS: dict[str, tuple[str, type[Guard]]] = {
    "Anomalies": (ANOMALIES_FILE, Anomalies),
    "Blessing": (BLESSING_FILE, Blessing),
    "InfraBlessing": (INFRA_BLESSING_FILE, InfraBlessing),
}


def refusal(guard: Guard) -> str:
    """Why a guard's verdict is not pass, in one sentence; empty when it is pass."""
    if guard.verdict is Verdict.PASS:
        return ""
    match guard:
        case Anomalies(dataset=dataset, checks=checks):
            bad = [c for c in checks if c.verdict is not Verdict.PASS and c.severity == "error"]
            return f"data {dataset}: " + "; ".join(f"{c.name}: {c.reason}" for c in bad)
        case Blessing(gates=gates):
            blocking = [g for g in gates if g.decides and g.verdict is not Verdict.PASS]
            return "; ".join(f"{g.name}: {g.reason}" for g in blocking) or "no gate proved the model"
        case InfraBlessing(reason=reason):
            return reason
