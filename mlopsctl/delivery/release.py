"""Let a model go: serve it, move the alias, write the release; and the ways back. Intent before each effect.

Every effect can be repeated: a command that was killed halfway is finished by the next one, which looks at what is
there and never guesses.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.stores import Stores
from mlopsctl.evidence import Verdict
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.log import log_for
from mlopsctl.metadata.records import EnvironmentState, Release
from mlopsctl.metadata.state import Lease
from mlopsctl.pipeline.names import alias_of, model_name
from mlopsctl.servers import MLflowServer
from mlopsctl.servers.local import LocalServer

_log = log_for("release")


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands after a release stage: the state, the release made by it, the server's address."""

    state: EnvironmentState
    released: Release | None = None
    url: str = ""


def may_go(findings: Findings) -> bool:
    """Whether everything that must be proved is proved, and the registry has the model."""
    return findings.verdict is Verdict.PASS and findings.pushed is not None and findings.pushed.pushed


def settle(
    loaded: Loaded, stores: Stores, lease: Lease, findings: Findings, run: str, evidence: tuple[str, str], gates: Json
) -> Standing:
    """Bring the release and the server to where the verdict puts them.

    Args:
        evidence: artifact digests of the evaluation and the blessing.
        gates: the gates as applied, kept with the release.
    """
    state = stores.state.read(loaded.project.name, loaded.environment)
    pushed = findings.pushed
    new = pushed is not None and may_go(findings) and not state.hold
    if new and pushed is not None and (state.release is None or state.release.model != pushed.model):
        release = Release(
            number=state.next_number,
            model=pushed.model,
            run=run,
            evaluation=evidence[0],
            blessing=evidence[1],
            registry_name=pushed.name,
            registry_version=pushed.version,
            released=int(time.time() * 1000),
            gates=gates,
        )
        key = f"release-{state.serial}-{release.model}"
        stores.state.intend(lease, key, "release", {"model": release.model, "version": release.registry_version})
        url = make_live(loaded, stores, release)
        state = stores.state.release(lease, release, gates)
        stores.state.complete(lease, key, {"url": url})
        return Standing(state, release, url)
    url = make_live(loaded, stores, state.release) if state.release is not None else ""
    return Standing(state, None, url)


def make_live(loaded: Loaded, stores: Stores, release: Release) -> str:
    """Serve the release where the project asks for it and point the alias at it; the server's address or empty.

    Raises:
        Problem: when the server does not come up; the old one then still serves and the alias has not moved.
    """
    url = _serve(loaded, stores, release)
    _log.info(
        "release",
        environment=loaded.environment,
        model=release.model,
        version=release.registry_version,
        number=release.number,
        url=url,
    )
    stores.registry.set_champion(release.registry_name, alias_of(loaded.environment), release.registry_version)
    return url


def roll_back(loaded: Loaded, stores: Stores, lease: Lease, to: int | None, reason: str) -> Standing:
    """Serve an earlier release again and hold it there.

    Raises:
        Problem: when there is no earlier release, or none of that number.
    """
    state = stores.state.read(loaded.project.name, loaded.environment)
    target = _earlier(state, to)
    key = f"rollback-{state.serial}-{target.model}"
    stores.state.intend(lease, key, "rollback", {"model": target.model, "number": target.number})
    url = make_live(loaded, stores, target)
    state = stores.state.rollback(lease, target.number, reason)
    stores.state.complete(lease, key, {"url": url})
    return Standing(state, target, url)


def take_down(loaded: Loaded, stores: Stores, lease: Lease) -> EnvironmentState:
    """Stop the server, remove the alias and forget the release; models, runs and history stay."""
    state = stores.state.read(loaded.project.name, loaded.environment)
    key = f"destroy-{state.serial}"
    stores.state.intend(lease, key, "destroy", {"model": state.release.model if state.release else ""})
    _server(loaded, stores).stop()
    stores.registry.delete_alias(model_name(loaded.project.name), alias_of(loaded.environment))
    state = stores.state.clear(lease)
    stores.state.complete(lease, key, {})
    return state


def _earlier(state: EnvironmentState, number: int | None) -> Release:
    """The release to go back to: that number, or the last one that was not itself rolled back from."""
    good = [r for r in state.history if (r.number == number if number is not None else not r.withdrawn)]
    if state.release is not None and good:
        return good[-1]
    known = ", ".join(str(r.number) for r in state.history) or "none"
    raise StepProblem.because(
        "no-such-release",
        f"there is no earlier release{'' if number is None else f' {number}'} of {state.environment} to go back to",
        hint=f"earlier releases: {known}; see `mlopsctl status`",
    )


def _server(loaded: Loaded, stores: Stores) -> LocalServer:
    return LocalServer(stores.home / "serve" / loaded.environment)


def _serve(loaded: Loaded, stores: Stores, release: Release) -> str:
    server = _server(loaded, stores)
    deployment = loaded.project.deployment
    if deployment is None or not isinstance(deployment.server, MLflowServer):
        server.stop()
        return ""
    now = server.status()
    if now.running and now.healthy and now.digest == release.model:
        return now.url
    folder = stores.home / "serve" / loaded.environment / "models" / release.model.removeprefix("sha256:")[:16]
    if not folder.exists():
        stores.registry.download(release.registry_name, release.registry_version, folder)
    started = server.start_or_swap(folder, release.model, deployment.server.port, deployment.server.startup_timeout)
    _prune(folder)
    return started.url


def _prune(serving: Path) -> None:
    """Remove the unpacked models that no longer serve; the registry has them all."""
    for other in serving.parent.iterdir():
        if other.is_dir() and other != serving:
            shutil.rmtree(other, ignore_errors=True)
