"""Containers of a project that this machine would have to run, and no engine for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from mlopsctl.config.load import Loaded
from mlopsctl.frameworks.container import ContainerTarget
from mlopsctl.ground.containers import ENGINES
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath


def without_engine(loaded: Loaded) -> Iterator[Diagnostic]:
    """The places of containers, where docker or podman is needed here and neither is installed."""
    if loaded.project.orchestrator.kind != "local" or any(shutil.which(engine) for engine in ENGINES):
        return
    for path in _containers(loaded):
        yield Diagnostic(
            "no-containers",
            "a container needs docker or podman, and neither is installed here",
            loaded.span(path),
            "install one of them, or use kind: command",
        )


def _containers(loaded: Loaded) -> Iterator[DocPath]:
    training = loaded.project.training
    for name, target in training.targets.items() if training is not None else ():
        if isinstance(target, ContainerTarget):
            yield ("training", "targets", name, "image")
    for name, component in loaded.project.components.items():
        if component.run.kind == "container":
            yield ("components", name, "run", "image")
