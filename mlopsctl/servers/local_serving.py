"""The local server as every other: one model at a time, swapped at once, checked before it takes a request."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlopsctl.servers.contract import Model, Place, ServerStatus
from mlopsctl.servers.local import LocalServer
from mlopsctl.servers.mlflow import MLflowServer

_MODELS = "models"


class LocalServing:
    """See :class:`~mlopsctl.servers.contract.Serving`. The swap is the whole rollout."""

    def __init__(self, settings: MLflowServer, place: Place) -> None:
        self._settings = settings
        self._home = place.home
        self._unchanged = place.unchanged
        self._server = LocalServer(place.home)

    def status(self) -> ServerStatus:
        return self._server.status()

    def bring(self, model: Model) -> None:
        folder = model.folder()
        self._unchanged()
        self._server.start_or_swap(folder, model.digest, self._settings.port, self._settings.startup_timeout)

    def step(self, digest: str, percent: int) -> None:
        """The swap has given it all of the traffic."""

    def check(self, model: Model, percent: int) -> None:
        """The swap has asked it before it was let in."""

    def withdraw(self, model: Model) -> None:
        """One that fails is never let in."""

    def finish(self, model: Model, previous: str) -> ServerStatus:
        _prune(model.folder())
        return self._server.status()

    def stop(self) -> str:
        self._server.stop()
        return ""


def serving_folder(home: Path, digest: str) -> Path:
    """Where a model's MLflow folder stands while it serves."""
    return home / _MODELS / digest.removeprefix("sha256:")[:16]


def _prune(serving: Path) -> None:
    """Remove the unpacked models that no longer serve; the registry has them all."""
    for other in serving.parent.iterdir():
        if other.is_dir() and other != serving:
            shutil.rmtree(other, ignore_errors=True)
