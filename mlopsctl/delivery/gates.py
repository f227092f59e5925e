"""Judge measured evidence by the gates as they are now, and explain a gate. Pure but for reading the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.environment import findings_of_executions
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.evidence import EVALUATION_FILE, Evaluation, GateResult, parse
from mlopsctl.gates import Change, Gate
from mlopsctl.gates.judge import judge
from mlopsctl.gates.policy import describe
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Span, StepProblem, UsageProblem
from mlopsctl.metrics.catalogue import METRICS, MetricInfo


@dataclass(frozen=True, slots=True)
class Explained:
    """A gate in words. ``last`` is how it judges the last evaluation; ``None`` where there is none."""

    gate: Gate
    span: Span
    last: GateResult | None
    metric: MetricInfo

    def lines(self) -> list[str]:
        """What a person reads."""
        metric = self.metric
        better = {"higher": "more is better", "lower": "less is better", "zero": "nearer to 0 is better"}
        told = [
            f"{self.gate.name} ({self.gate.kind}) at {self.span}",
            f"  asks for   {describe(self.gate)}",
            f"  metric     {metric.name}: {metric.description} ({better[metric.direction]})",
            f"  judges     {self._judges()}",
            "  verdicts   pass only when the number proves it; missing, NaN, infinite or on no rows is an error",
        ]
        if isinstance(self.gate, Change) and self.gate.against == "champion":
            told.append("  champion   what the environment serves; for a first release this gate does not decide")
        told.append(f"  last run   {self.last.verdict}: {self.last.reason}" if self.last else "  last run   none yet")
        return told

    def as_json(self) -> Json:
        """The same as data."""
        return {
            "gate": self.gate.model_dump(mode="json"),
            "at": str(self.span),
            "asks": describe(self.gate),
            "last": None if self.last is None else {"verdict": self.last.verdict.value, "reason": self.last.reason},
        }

    def _judges(self) -> str:
        if not self.gate.columns:
            return "all rows of the evaluated split together"
        return f"every value of {' × '.join(self.gate.columns)} with at least {self.gate.min_rows} rows, one by one"


def check_gates(loaded: Loaded, file: Path | None) -> Findings:
    """The blessing that the project's gates give to an evaluation.

    Args:
        file: an ``evaluation.json``; ``None`` for that of the environment's last run.

    Raises:
        Problem: when there is no evaluation, or the file is none.
    """
    if file is not None:
        evaluation = _read(file)
    else:
        with open_stores(loaded) as stores:
            found = _last(loaded, stores)
        if found is None:
            raise StepProblem.because(
                "no-evaluation",
                f"{loaded.project.name} has not been evaluated in {loaded.environment} yet",
                hint="run `mlopsctl run` first, or give --evaluation FILE",
            )
        evaluation = found
    return Findings(evaluation=evaluation, blessing=judge(loaded.project.evaluation.gates, evaluation))


def explain_gate(loaded: Loaded, name: str) -> Explained:
    """The gate of that name in words.

    Raises:
        UsageProblem: when there is no such gate.
    """
    gates = {gate.name: (at, gate) for at, gate in enumerate(loaded.project.evaluation.gates)}
    if name not in gates:
        near = did_you_mean(name, gates)
        hint = f"did you mean {near}?" if near else f"gates: {', '.join(gates) or 'none'}"
        raise UsageProblem.because("unknown-gate", f"there is no gate {name}", hint=hint)
    at, gate = gates[name]
    with open_stores(loaded) as stores:
        evaluation = _last(loaded, stores)
    last = gate.judge(evaluation) if evaluation is not None else None
    own = loaded.project.evaluation.own.get(gate.metric)
    metric = METRICS[gate.metric] if own is None else own.info
    return Explained(gate, loaded.span(("evaluation", "gates", at)), last, metric)


def _last(loaded: Loaded, stores: Stores) -> Evaluation | None:
    latest = stores.metadata.latest(loaded.project.name, loaded.environment)
    return findings_of_executions(tuple(latest.values()), stores).evaluation


def _read(file: Path) -> Evaluation:
    from pydantic import ValidationError

    try:
        return parse(Evaluation, file.read_bytes())
    except OSError as error:
        raise UsageProblem.because("no-evaluation", f"cannot read {file}: {error.strerror}") from error
    except ValidationError as error:
        raise UsageProblem.because(
            "not-an-evaluation", f"{file} is not an evaluation", hint=f"it should be an {EVALUATION_FILE} of a run"
        ) from error
