"""MLflow runs: what was judged, with parameters, metrics and verdicts; one for each model of a pipeline's run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlopsctl.evidence import Measurement
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.registry.connect import asking
from mlopsctl.registry.package import DIGEST_KEY
from mlopsctl.registry.sqlite import path_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN_KEY = "mlopsctl.run"
_AT_ONCE = 100
_LONGEST_NAME = 250
_LONGEST_PARAMETER = 6_000
_LONGEST_TAG = 5_000


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What an MLflow run says of a model.

    Attributes:
        experiment: the MLflow experiment, named as the registered model.
        run_id: the pipeline's run, whose MLflow run is found again by it.
        digest: the model artifact's.
        metrics: names as MLflow takes them, finite numbers.
    """

    experiment: str
    run_id: str
    digest: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that is being written."""

    client: MlflowClient
    experiment_id: str
    id: str


@contextmanager
def tracked(tracking: str, facts: RunFacts) -> Iterator[OpenRun]:
    """Record the facts in an MLflow run, which stays open for the ``with`` block and then ends well or badly.

    A second attempt of the same pipeline run continues the MLflow run that the first one began.

    Raises:
        StepProblem: when MLflow cannot be used.
    """
    with asking(tracking) as client:
        experiment = _experiment(client, tracking, facts.experiment)
        run = _begun(client, experiment, facts) or _new(client, experiment, facts)
        _write(client, run, facts)
        ended = "FAILED"
        try:
            yield OpenRun(client, experiment, run)
            ended = "FINISHED"
        finally:
            client.set_terminated(run, ended)


def metric_values(measurements: Iterable[Measurement]) -> dict[str, float]:
    """Measurements as MLflow metrics: ``accuracy``, and ``accuracy/species:Adelie`` for a slice; only finite ones."""
    found: dict[str, float] = {}
    for one in measurements:
        if one.value is not None and math.isfinite(one.value):
            name = f"{one.metric}/{one.slice.replace('=', ':', 1)}" if one.slice else one.metric
            found.setdefault(safe_name(name), one.value)
    return found


def safe_name(text: str) -> str:
    """A name that MLflow takes for a metric or a parameter: other characters become ``_``."""
    kept = re.sub(r"[^\w\-. :/]", "_", text, flags=re.ASCII)
    parts = [part if part.strip(".") else "_" for part in kept[:_LONGEST_NAME].split("/")]
    return "/".join(parts)[:_LONGEST_NAME].rstrip("/")


def _experiment(client: MlflowClient, tracking: str, name: str) -> str:
    """The experiment's id; a new one on a local registry keeps its files beside the database."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        file = path_of(tracking)
        location = (file.parent / f"{file.stem}-files" / name).absolute().as_uri() if file is not None else None
        try:
            created: str = client.create_experiment(name, artifact_location=location)
            return created
        except MlflowException as problem:
            # Another environment of the project was first.
            found = client.get_experiment_by_name(name)
            if problem.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    if found.lifecycle_stage != "active":
        raise StepProblem.because(
            "experiment-deleted",
            f"the MLflow experiment {name} is deleted",
            hint=f"restore it: mlflow experiments restore --experiment-id {found.experiment_id}",
        )
    id: str = found.experiment_id
    return id


def _begun(client: MlflowClient, experiment: str, facts: RunFacts) -> str | None:
    """The MLflow run of an earlier attempt of this very pipeline run."""
    if not re.fullmatch(r"[\w.:-]+", facts.run_id, flags=re.ASCII):
        return None
    query = f"tags.`{RUN_KEY}` = '{facts.run_id}' AND tags.`{DIGEST_KEY}` = '{facts.digest}'"
    runs = client.search_runs([experiment], filter_string=query, max_results=1)
    return next((run.info.run_id for run in runs), None)


def _new(client: MlflowClient, experiment: str, facts: RunFacts) -> str:
    run = client.create_run(
        experiment,
        run_name=facts.run_id or None,
        tags={RUN_KEY: facts.run_id, DIGEST_KEY: facts.digest},
    )
    id: str = run.info.run_id
    return id


def _write(client: MlflowClient, run: str, facts: RunFacts) -> None:
    from mlflow.entities import Metric, Param, RunTag

    now = now_ms()
    metrics = [Metric(name, value, now, 0) for name, value in facts.metrics.items()]
    parameters = [Param(safe_name(name), _text(value)[:_LONGEST_PARAMETER]) for name, value in facts.parameters.items()]
    tags = [RunTag(name[:_LONGEST_NAME], value[:_LONGEST_TAG]) for name, value in facts.tags.items()]
    for start in range(0, max(len(metrics), len(parameters), len(tags)), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        client.log_batch(run, metrics=metrics[part], params=parameters[part], tags=tags[part])


def _text(value: Json) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode("utf-8")
