"""Register a packed model: one version for each model digest, whatever was tried before."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.registry.connect import or_none
from mlopsctl.registry.package import DIGEST_KEY, LOADER, Sample, package
from mlopsctl.registry.tracking import OpenRun

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to register: the packed folder, its artifact digest, and rows with the model's answers to them."""

    name: str
    model: Path
    digest: str
    given: Sample
    answers: pd.DataFrame
    tags: Mapping[str, str]


def register(run: OpenRun, candidate: Candidate) -> str:
    """Upload the model and make the version that carries its digest; the version's number.

    The tags are written in one transaction with the version, so a version without its digest cannot be left behind.
    """
    client = run.client
    if or_none(lambda: client.get_registered_model(candidate.name)) is None:
        _create(run, candidate.name)
    logged = client.create_logged_model(
        run.experiment_id, name=LOADER, source_run_id=run.id, tags={DIGEST_KEY: candidate.digest}
    )
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
        packaged = package(
            candidate.model,
            Path(folder) / "model",
            candidate.digest,
            candidate.given,
            candidate.answers,
            run=run.id,
            logged=logged.model_id,
        )
        client.log_model_artifacts(logged.model_id, str(packaged))
    client.finalize_logged_model(logged.model_id, "READY")
    version = client.create_model_version(
        candidate.name,
        source=logged.artifact_location,
        run_id=run.id,
        tags={DIGEST_KEY: candidate.digest, **candidate.tags},
        model_id=logged.model_id,
    )
    return str(version.version)


def _create(run: OpenRun, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        run.client.create_registered_model(name)
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
