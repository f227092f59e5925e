"""What a project says that every compiled pipeline needs, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsctl.config.load import Loaded
from mlopsctl.ground.digest import Json
from mlopsctl.lowering.bindings import defaults
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.ir.contract import Placed, Settings
from mlopsctl.orchestrators.specs import Kubeflow, Vertex
from mlopsctl.pipeline.names import DEFAULT_ENVIRONMENT
from mlopsctl.step.key import code_digests

MAIN = "pipeline.yaml"
"""The one file of a bundle."""


def settings_of(
    loaded: Loaded, lowered: Lowered, engine: Kubeflow | Vertex, job: str, placed: Mapping[str, Placed]
) -> Settings:
    """The settings of a project in one environment.

    Raises:
        InvalidProject: when the user code that steps run cannot be read.
    """
    project = loaded.project
    return Settings(
        name=project.name if loaded.environment == DEFAULT_ENVIRONMENT else f"{project.name}-{loaded.environment}",
        project=project.name,
        environment=loaded.environment,
        parameters=defaults(loaded),
        artifacts=project.stores.artifacts,
        tracking=project.stores.tracking,
        metadata=_reachable(loaded),
        notify=[notifier.model_dump(mode="json") for notifier in project.notify],
        code=code_digests(loaded.folder, (file for step in lowered.pipeline.steps for file in step.code)),
        job=job,
        root=engine.pipeline_root or "" if isinstance(engine, Kubeflow) else "",
        caching=engine.caching,
        placed=placed,
        spans=lowered.places,
    )


def _reachable(loaded: Loaded) -> Json:
    """The address of the records for containers; empty where they lie on this machine."""
    address = loaded.project.stores.metadata
    if not isinstance(address, str):
        return {"secret": address.secret}
    return "" if is_beside_project(address) else address


def is_beside_project(address: str) -> bool:
    """Whether a store lies below the project's folder on this machine: a relative path, or SQLite at one."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return not address.startswith("/")
    return scheme.partition("+")[0] == "sqlite" and not rest.startswith("//")
