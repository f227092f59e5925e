"""The server that an environment's release has, whatever its kind; and the ones it had, until they are removed.

A server elsewhere outlives the settings that made it. So before one is made it is recorded with them, as an intent that
stays open until it is removed: a project that serves somewhere else, or no longer, leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.deployment import Preflight
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.lowering.image import image_reference
from mlopsctl.metadata.records import Release
from mlopsctl.metadata.state import Lease
from mlopsctl.registry.client import holds_model
from mlopsctl.servers import MLflowServer, Server, VertexServer
from mlopsctl.servers.contract import Model, Place, ServerStatus, Serving
from mlopsctl.servers.kserve_serving import KServeBundle
from mlopsctl.servers.local import LocalServer
from mlopsctl.servers.local_serving import serving_folder
from mlopsctl.servers.rollout import Steps, roll_out
from mlopsctl.servers.serving import serving_for, where

SERVER = "server"
"""The kind of the intents that stand for servers elsewhere."""

_SERVER: TypeAdapter[Server] = TypeAdapter(Server)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A server elsewhere that was recorded: its intent's key, which one it is, and its settings."""

    key: str
    where: str
    settings: Server


def server_kind(loaded: Loaded) -> str:
    """The kind of the project's server; the local one's where there is none."""
    deployment = loaded.project.deployment
    return deployment.server.kind if deployment is not None else "mlflow"


def served(loaded: Loaded, stores: Stores) -> ServerStatus:
    """What serves now, where the project says; on this machine where it says nothing.

    Raises:
        Problem: when a server elsewhere cannot be asked.
    """
    deployment = loaded.project.deployment
    if deployment is None or isinstance(deployment.server, MLflowServer):
        return LocalServer(_home(loaded, stores)).status()
    _require(loaded, stores, deployment.server)
    serving = _serving(loaded, stores, deployment.server, _nothing)
    _refuse_blind_canary(loaded, serving)
    return serving.status()


def left_behind(loaded: Loaded, stores: Stores) -> tuple[str, ...]:
    """Servers of this environment that the project no longer asks for."""
    deployment = loaded.project.deployment
    here = where(deployment.server, _place(loaded, stores, _nothing)) if deployment is not None else ""
    found = [one.where for one in _recorded(loaded, stores) if one.where != here]
    elsewhere = deployment is not None and not isinstance(deployment.server, MLflowServer)
    if elsewhere and LocalServer(_home(loaded, stores)).status().running:
        found.append("the server on this machine")
    return tuple(found)


def serve(loaded: Loaded, stores: Stores, lease: Lease, release: Release, *, new: bool) -> ServerStatus:
    """Serve a release where the project asks for it, and nowhere else.

    Args:
        new: it was never served: traffic moves as ``rollout`` says, and its answers are looked at.

    Raises:
        Problem: when it cannot be served; what served before then still does, and the next command goes on.
    """
    deployment = loaded.project.deployment
    if deployment is None:
        remove_servers(loaded, stores, lease, keep="")
        return ServerStatus()
    settings = deployment.server
    _require(loaded, stores, settings)
    here = where(settings, _place(loaded, stores, _nothing))
    serving = _serving(loaded, stores, settings, lambda: stores.state.check(lease))
    steps = Steps()
    if new and deployment.rollout is not None:
        steps = Steps(deployment.rollout.percents, deployment.rollout.pause or 0.0)
    _refuse_blind_canary(loaded, serving)
    if not isinstance(settings, MLflowServer):
        _record(loaded, stores, lease, settings, here)
    with tempfile.TemporaryDirectory(prefix="mlopsctl-model-") as folder:
        model = _model(loaded, stores, release, Path(folder))
        status = roll_out(serving, model, steps, checked=new, wait=time.sleep)
    remove_servers(loaded, stores, lease, keep=here)
    return status


def remove_servers(loaded: Loaded, stores: Stores, lease: Lease, *, keep: str | None = None) -> tuple[str, ...]:
    """Remove every server of the environment, but for the one that stays; notes on what could not be removed.

    Args:
        keep: which one stays, as :func:`~mlopsctl.servers.serving.where` names it; all but the project's own for an
            empty text, and none for ``None``.
    """
    notes = []

    def unchanged() -> None:
        stores.state.check(lease)

    deployment = loaded.project.deployment
    stays_here = deployment is not None and isinstance(deployment.server, MLflowServer) and keep is not None
    if not stays_here:
        LocalServer(_home(loaded, stores)).stop()
    recorded = tuple(_recorded(loaded, stores))
    for one in recorded:
        if one.where != keep:
            notes.append(_serving(loaded, stores, one.settings, unchanged).stop())
            stores.state.complete(lease, one.key, {"outcome": "removed"})
    if keep is None and deployment is not None and not isinstance(deployment.server, MLflowServer) and not recorded:
        # The records may be lost; its labels are not.
        notes.append(_serving(loaded, stores, deployment.server, unchanged).stop())
    return tuple(note for note in notes if note)


def _model(loaded: Loaded, stores: Stores, release: Release, folder: Path) -> Model:
    """The release as a model to serve; its folder is kept for a server of this machine only."""
    local = server_kind(loaded) == "mlflow"
    target = serving_folder(_home(loaded, stores), release.model) if local else folder / "model"

    def fetched() -> Path:
        now = LocalServer(_home(loaded, stores)).status() if local else ServerStatus()
        serves = now.healthy and now.digest == release.model
        if not target.exists() or not (serves or holds_model(target, release.model)):
            stores.registry.download(release.registry_name, release.registry_version, target, release.model)
        return target

    return Model(release.model, release.registry_version, _once(fetched))


def _once(make: Callable[[], Path]) -> Callable[[], Path]:
    made: list[Path] = []

    def give() -> Path:
        if not made:
            made.append(make())
        return made[0]

    return give


def _serving(loaded: Loaded, stores: Stores, settings: Server, unchanged: Callable[[], None]) -> Serving:
    return serving_for(settings, _place(loaded, stores, unchanged, settings))


def _require(loaded: Loaded, stores: Stores, settings: Server) -> None:
    """Be sure that a server elsewhere can get models, and something to run them in.

    Raises:
        InvalidProject: at the server's lines.
    """
    place = _place(loaded, stores, _nothing, settings)
    if isinstance(settings, MLflowServer):
        return
    if not place.storage:
        what = "on gs://" if isinstance(settings, VertexServer) else "as a URL that the cluster reads too"
        raise InvalidProject.because(
            "no-storage",
            f"there is no place {what} to put models in, from where {settings.kind} fetches them",
            hint="set `deployment.server.storage`, or `stores.artifacts` to such a URL",
            span=loaded.span(("deployment", "server")),
        )
    if isinstance(settings, VertexServer) and not (settings.image or place.image):
        raise InvalidProject.because(
            "no-image",
            "there is no image that serves on Vertex AI",
            hint="set `deployment.server.image` to NAME@sha256:…; the image of the steps does, where there is one",
            span=loaded.span(("deployment", "server")),
        )


def _place(loaded: Loaded, stores: Stores, unchanged: Callable[[], None], settings: Server | None = None) -> Place:
    deployment = loaded.project.deployment
    preflight = deployment.preflight if deployment is not None else Preflight()
    return Place(
        project=loaded.project.name,
        environment=loaded.environment,
        home=_home(loaded, stores),
        bundle=loaded.folder / "deploy" / loaded.environment,
        storage=_storage(settings, stores.artifacts_url),
        image=image_reference(loaded),
        samples=preflight.samples,
        tolerance=preflight.tolerance,
        unchanged=unchanged,
        pause=time.sleep,
    )


def _storage(settings: Server | None, artifacts: str) -> str:
    """Where models are put for a server elsewhere; empty where there is no such place."""
    if settings is None or isinstance(settings, MLflowServer):
        return ""
    if settings.storage is not None:
        return settings.storage
    scheme = artifacts.partition("://")[0] if "://" in artifacts else ""
    fits = scheme == "gs" if isinstance(settings, VertexServer) else scheme not in ("", "file", "memory")
    return f"{artifacts.rstrip('/')}/serving" if fits else ""


def _home(loaded: Loaded, stores: Stores) -> Path:
    return stores.home / "serve" / loaded.environment


def _refuse_blind_canary(loaded: Loaded, serving: Serving) -> None:
    deployment = loaded.project.deployment
    rollout = deployment.rollout if deployment is not None else None
    if isinstance(serving, KServeBundle) and rollout is not None and rollout.strategy == "canary":
        raise InvalidProject.because(
            "no-canary",
            "a canary needs a cluster to look at, and kubectl has no context here",
            hint="set `deployment.server.context`, or write `strategy: replace` and leave the rest to who applies it",
            span=loaded.span(("deployment", "rollout")),
        )


def _record(loaded: Loaded, stores: Stores, lease: Lease, settings: Server, here: str) -> None:
    """Say that there may be such a server from now on, with the settings that find it."""
    content: Json = json.loads(_SERVER.dump_json(settings))
    known = [one for one in _recorded(loaded, stores) if one.where == here]
    if any(one.settings == settings for one in known):
        return
    mark = hashlib.sha256(here.encode("utf-8")).hexdigest()[:12]
    stores.state.intend(lease, f"{SERVER}-{lease.token}-{mark}", SERVER, {"where": here, "settings": content})
    for one in known:
        stores.state.complete(lease, one.key, {"outcome": "other settings"})


def _recorded(loaded: Loaded, stores: Stores) -> Iterator[_Recorded]:
    for intent in stores.state.pending(loaded.project.name, loaded.environment):
        payload = intent.payload
        if intent.kind != SERVER or not isinstance(payload, Mapping):
            continue
        try:
            settings = _SERVER.validate_json(json.dumps(payload.get("settings")))
        except ValidationError:
            continue  # written by another version; what it made is found by its labels
        yield _Recorded(intent.key, str(payload.get("where", "")), settings)


def _nothing() -> None:
    """Nothing is changed by looking."""
