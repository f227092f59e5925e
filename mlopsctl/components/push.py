"""``push``: record the model in MLflow, and register it when it is blessed.

Every judged model gets an MLflow run with its parameters, metrics and verdicts. Only one with both blessings, for this
very model, becomes a version of the registered model; a version that already carries its digest is used again. The
champion's alias is not moved here: that is the release's business.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import (
    BLESSING_FILE,
    EVALUATION_FILE,
    INFRA_BLESSING_FILE,
    PUSHED_MODEL_FILE,
    Blessing,
    Evaluation,
    InfraBlessing,
    PushedModel,
    Verdict,
    read,
    refusal,
    write,
)
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType

if TYPE_CHECKING:
    from mlopsctl.registry.register import Candidate
    from mlopsctl.registry.tracking import RunFacts

_EXAMPLE_ROWS = 3


class PushParameters(Parameters):
    """Under which name the model is registered."""

    name: str = Field(min_length=1, description="The registered model and the MLflow experiment.")


SPEC = ComponentSpec(
    name="push",
    version=1,
    inputs={
        "model": InputSpec(ArtifactType.MODEL),
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "evaluation": InputSpec(ArtifactType.EVALUATION),
        "blessing": InputSpec(ArtifactType.BLESSING),
        "infra_blessing": InputSpec(ArtifactType.INFRA_BLESSING, optional=True),
    },
    outputs={"pushed_model": ArtifactType.PUSHED_MODEL},
    parameters=PushParameters,
    packages=("mlflow", "numpy", "pandas", "pyarrow", "scikit-learn"),
    preload=("numpy", "pandas", "pyarrow.parquet", "sklearn.base", "mlflow.pyfunc"),
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The model's digest and everything that was found out about it."""

    digest: str
    evaluation: Evaluation
    blessing: Blessing
    infra: InfraBlessing | None

    @property
    def refused(self) -> str:
        """Why the model may not be registered, in one sentence; empty when it may."""
        cited = {"evaluation": self.evaluation.model, "blessing": self.blessing.model}
        if self.infra is not None:
            cited["preflight"] = self.infra.model
        if strangers := [name for name, model in cited.items() if model != self.digest]:
            return f"the {' and the '.join(strangers)} judged another model than {self.digest}"
        if self.blessing.verdict is not Verdict.PASS:
            return refusal(self.blessing)
        if self.infra is None:
            return "the model has not passed a preflight"
        return refusal(self.infra)


def run(work: Work, parameters: PushParameters) -> Notes:
    """Record, and register if blessed."""
    from mlopsctl.registry.client import Registry
    from mlopsctl.registry.register import register
    from mlopsctl.registry.tracking import tracked

    if not work.tracking:
        raise StepProblem.because("no-tracking", "there is no MLflow address to push to", hint="set stores.tracking")
    judged = _read(work)
    reason, version, reused = judged.refused, "", False
    with tracked(work.tracking, _facts(work, parameters.name, judged)) as tracking_run:
        if not reason:
            standing = Registry(work.tracking).find(parameters.name, judged.digest)
            reused = standing is not None
            if standing is None:
                version = register(tracking_run, _candidate(work, parameters.name, judged))
            else:
                version = standing.version
            tracking_run.client.set_tag(tracking_run.id, "mlopsctl.version", version)
    pushed = PushedModel(
        model=judged.digest,
        pushed=not reason,
        reason=reason or f"{parameters.name} version {version}{' was there already' if reused else ''}",
        name=parameters.name,
        version=version,
        tracking_run=tracking_run.id,
    )
    write(pushed, work.outputs["pushed_model"], PUSHED_MODEL_FILE)
    return Notes(
        values={"pushed": pushed.pushed, "name": pushed.name, "version": version, "tracking_run": pushed.tracking_run},
        line=pushed.reason if pushed.pushed else f"not pushed: {reason}",
    )


def _read(work: Work) -> _Judged:
    from mlopsctl.artifacts.manifest import folder_digest

    preflighted = work.inputs.get("infra_blessing")
    return _Judged(
        digest=folder_digest(work.inputs["model"]),
        evaluation=read(Evaluation, work.inputs["evaluation"], EVALUATION_FILE),
        blessing=read(Blessing, work.inputs["blessing"], BLESSING_FILE),
        infra=read(InfraBlessing, preflighted, INFRA_BLESSING_FILE) if preflighted is not None else None,
    )


def _facts(work: Work, name: str, judged: _Judged) -> RunFacts:
    """What the MLflow run says."""
    from mlopsctl.registry.tracking import RunFacts, metric_values

    metrics = metric_values(judged.evaluation.measurements)
    if judged.infra is not None and judged.infra.latency_p95_ms is not None:
        # The evaluation may have timed the model too, in its own process.
        name_of_time = "preflight_latency_p95_ms" if "latency_p95_ms" in metrics else "latency_p95_ms"
        metrics[name_of_time] = judged.infra.latency_p95_ms
    return RunFacts(
        experiment=name,
        run_id=work.run_id,
        digest=judged.digest,
        parameters=dict(_described(work.inputs["model"])),
        metrics=metrics,
        tags=dict(_tags(work, judged)),
    )


def _described(model: Path) -> Iterator[tuple[str, Json]]:
    """What the packed model says of itself, as parameters of the run."""
    about = json.loads((model / "model.json").read_text(encoding="utf-8"))
    yield from ((name, about[name]) for name in ("task", "label", "framework", "estimator") if about.get(name))
    for name, value in (about.get("parameters") or {}).items():
        yield f"params.{name}", value


def _tags(work: Work, judged: _Judged) -> Iterator[tuple[str, str]]:
    yield "mlopsctl.environment", work.environment
    yield "mlopsctl.blessing", judged.blessing.verdict.value
    yield "mlopsctl.infra_blessing", judged.infra.verdict.value if judged.infra else "none"
    yield "mlopsctl.evaluated_on", f"{judged.evaluation.rows} rows of {judged.evaluation.split}"
    for gate in judged.blessing.gates:
        yield f"mlopsctl.gate.{gate.name}", f"{gate.verdict.value}: {gate.reason}"
    if judged.refused:
        yield "mlopsctl.not_pushed", judged.refused
    if commit := _commit(work.project):
        yield "mlflow.source.git.commit", commit


def _commit(project: Path) -> str:
    """The commit that is checked out; empty outside a git repository."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(project), "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _candidate(work: Work, name: str, judged: _Judged) -> Candidate:
    """The model with rows of its data and its answers to them, for the signature and the example."""
    from mlopsctl.frameworks.packed import load
    from mlopsctl.registry.package import sample
    from mlopsctl.registry.register import Candidate

    model = load(work.inputs["model"])
    given = sample(work.inputs["examples"], model.features, _EXAMPLE_ROWS)
    return Candidate(
        name=name,
        model=work.inputs["model"],
        digest=judged.digest,
        given=given,
        answers=model.predict(given.rows),
        tags={
            "mlopsctl.run": work.run_id,
            "mlopsctl.environment": work.environment,
            "mlopsctl.blessing": judged.blessing.verdict.value,
        },
    )
