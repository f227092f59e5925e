"""A project as the suite runs it: in stores that are thrown away, and telling, starting and serving nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.stores import Stores as StoreSettings
from mlopsctl.delivery.stores import Stores, local_home
from mlopsctl.ground.secrets import secrets_named
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store
from mlopsctl.orchestrators.portability.needs import secrets_of_begin, secrets_of_end
from mlopsctl.orchestrators.specs import Airflow, Kubeflow, Local
from mlopsctl.orchestrators.specs.airflow import OnWorker
from mlopsctl.orchestrators.specs.kfp import KubernetesSecret
from mlopsctl.registry.client import Registry

# No image is pulled: the steps' commands run on this machine.
_IMAGE = f"conformance.invalid/steps@sha256:{'0' * 64}"


def thrown_away(loaded: Loaded, engine: str, root: Path) -> Loaded:
    """The project on that orchestrator, with every store below a folder, without triggers, notifiers and promotion.

    Args:
        engine: ``local``, ``kfp`` or ``airflow``.
        root: an absolute path.
    """
    stores = StoreSettings(
        metadata=f"sqlite:///{root}/metadata.db",
        artifacts=f"file://{root}/artifacts",
        tracking=f"sqlite:///{root}/mlflow.db",
    )
    # Without a promotion it makes its model itself, also where the environment follows a lock.
    none = {"triggers": (), "notify": (), "promotion": None}
    quiet = loaded.project.model_copy(update={"stores": stores, **none})
    deployment = quiet.deployment
    if deployment is not None:
        # How fast a server answers is no property of an orchestrator.
        asked = deployment.preflight.model_copy(update={"latency_p95_ms": None})
        quiet = quiet.model_copy(update={"deployment": deployment.model_copy(update={"preflight": asked})})
    settings: Local | Kubeflow | Airflow
    if engine == "kfp":
        settings = _kubeflow(replace(loaded, project=quiet))
    elif engine == "airflow":
        worker = OnWorker(kind="venv", python=sys.executable, folder=str(loaded.folder))
        settings = Airflow(kind="airflow", dags="dags", execution=worker)
    else:
        settings = Local(kind="local")
    return replace(loaded, project=quiet.model_copy(update={"orchestrator": settings}))


@contextmanager
def stores_of(loaded: Loaded) -> Iterator[Stores]:
    """The opened stores of :func:`thrown_away`; logs and staging lie in a passing folder below the project's own.

    Raises:
        Problem: when one cannot be made.
    """
    names = loaded.project.stores
    address = names.metadata
    if not isinstance(address, str):
        raise TypeError("the throw-away records have no secret address")
    with (
        TemporaryDirectory(prefix="conformance-", dir=local_home(loaded.folder), ignore_cleanup_errors=True) as home,
        open_store(address) as metadata,
    ):
        yield Stores(
            home=Path(home),
            artifacts_url=names.artifacts,
            tracking=names.tracking,
            metadata=metadata,
            state=StateStore(metadata),
            artifacts=ArtifactStore(names.artifacts),
            registry=Registry(names.tracking),
        )


def _kubeflow(loaded: Loaded) -> Kubeflow:
    """A cluster that has every secret that the project names."""
    own = loaded.project.orchestrator
    steps = lower(replace(loaded, project=loaded.project.model_copy(update={"orchestrator": Local(kind="local")})))
    names = {name for step in steps.pipeline.steps for name in secrets_named(step.parameters)}
    names |= {*secrets_of_begin(loaded), *secrets_of_end(loaded)}
    return Kubeflow(
        kind="kfp",
        host="https://kfp.invalid",
        image=_IMAGE,
        secrets={name: KubernetesSecret(name="conformance", key=name) for name in sorted(names)},
        accelerators=own.accelerators if isinstance(own, Kubeflow) else {},
    )
