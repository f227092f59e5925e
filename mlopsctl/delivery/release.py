"""Let a model go: serve it, move the alias, write the release; and the ways back. Intent before each effect.

Every effect can be repeated: a command that was killed halfway is finished by the next one, which looks at what is
there and never guesses.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.make import champion_of
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.serving import SERVER, remove_servers, serve
from mlopsctl.delivery.stores import Stores
from mlopsctl.evidence import Verdict
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.log import log_for
from mlopsctl.metadata.records import EnvironmentState, Release
from mlopsctl.metadata.state import Lease
from mlopsctl.pipeline.names import alias_of, model_name
from mlopsctl.registry.client import Registry
from mlopsctl.registry.package import packed_folder
from mlopsctl.servers.contract import ServerStatus

_log = log_for("release")

RETIRE = "retire"
"""The kind of the intents that take a release out of service for good."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands after a release stage: the state, the release made by it, the server's address, and what to know."""

    state: EnvironmentState
    released: Release | None = None
    url: str = ""
    notes: tuple[str, ...] = ()


def may_go(findings: Findings) -> bool:
    """Whether everything that must be proved is proved, and the registry has the model."""
    return findings.verdict is Verdict.PASS and findings.pushed is not None and findings.pushed.pushed


def require_proof(findings: Findings, champion: str) -> None:
    """Refuse evidence about another model, or against another champion than the one that stands.

    Runs are put together so that this cannot happen; a release is the place where it must not.

    Args:
        champion: digest of the model to beat; empty for a first release.
    """
    models = {found.model for found in (findings.blessing, findings.infra, findings.pushed) if found is not None}
    beaten = findings.blessing.champion if findings.blessing is not None else ""
    if len(models) == 1 and (beaten == champion or models == {champion}):
        return
    what = "different models" if len(models) != 1 else "another champion than the one that stands"
    raise StepProblem.because(
        "wrong-evidence",
        f"nothing is released: the evidence of this run is about {what}",
        hint="judge the model anew with `mlopsctl apply --no-cache`",
    )


def settle(
    loaded: Loaded,
    stores: Stores,
    lease: Lease,
    findings: Findings,
    run: str,
    evidence: tuple[str, str],
    gates: Json,
    live: Live,
) -> Standing:
    """Bring the release and the server to where the verdict puts them.

    Args:
        evidence: artifact digests of the evaluation and the blessing.
        gates: the gates as applied, kept with the release.
        live: what was registered when the plan was made.
    """
    state = stores.state.read(loaded.project.name, loaded.environment)
    pushed = findings.pushed
    new = pushed is not None and may_go(findings) and not state.hold
    if new and pushed is not None and (state.release is None or state.release.model != pushed.model):
        require_proof(findings, champion_of(state, live))
        release = Release(
            number=state.next_number,
            model=pushed.model,
            run=run,
            evaluation=evidence[0],
            blessing=evidence[1],
            registry_name=pushed.name,
            registry_version=pushed.version,
            released=now_ms(),
            gates=gates,
            overrides=_broken(findings),
        )
        release = _located(stores, release)
        with intended(stores, lease, "release", {"model": release.model, "version": release.registry_version}):
            server = make_live(loaded, stores, lease, release, new=True)
            state = stores.state.release(lease, release, gates)
        return Standing(state, release, server.url, _notes(server))
    server = make_live(loaded, stores, lease, state.release) if state.release is not None else ServerStatus()
    return Standing(state, None, server.url, _notes(server))


def _notes(server: ServerStatus) -> tuple[str, ...]:
    return (server.note,) if server.note else ()


def _broken(findings: Findings) -> dict[str, str]:
    """The gates that were broken by hand, with the reason."""
    gates = findings.blessing.gates if findings.blessing is not None else ()
    return {gate.name: gate.overridden for gate in gates if gate.overridden}


def make_live(loaded: Loaded, stores: Stores, lease: Lease, release: Release, *, new: bool = False) -> ServerStatus:
    """Serve the release where the project asks for it and point the alias at it; what serves then.

    Args:
        new: the release was never served, so traffic moves to it as ``rollout`` says.

    Raises:
        Problem: when the server does not come up; the old one then still serves and the alias has not moved. Also when
            somebody else has taken the environment meanwhile.
    """
    release = _located(stores, release)
    server = serve(loaded, stores, lease, release, new=new)
    stores.state.check(lease)
    _log.info(
        "release",
        environment=loaded.environment,
        model=release.model,
        version=release.registry_version,
        number=release.number,
        url=server.url,
    )
    stores.registry.set_champion(release.registry_name, alias_of(loaded.environment), release.registry_version)
    return server


def roll_back(loaded: Loaded, stores: Stores, lease: Lease, to: int | None, reason: str) -> Standing:
    """Serve an earlier release again and hold it there; asked again for the one that is held, it stays so.

    Raises:
        Problem: when there is no earlier release, or none of that number.
    """
    close_intents(stores, lease)
    state = stores.state.read(loaded.project.name, loaded.environment)
    if state.release is not None and state.release.number == to and state.hold:
        server = make_live(loaded, stores, lease, state.release)
        return Standing(state, state.release, server.url, _notes(server))
    target = _earlier(state, to)
    if target.number in _retired(stores, lease):
        named = f"{target.registry_name}/{target.registry_version}"
        raise StepProblem.because(
            "retired",
            f"release {target.number} of {state.environment} was retired, so nothing goes back to it",
            hint=f"`mlopsctl adopt models:/{named} -e {state.environment}` judges its model anew; earlier releases: "
            + (", ".join(str(one.number) for one in state.history if not one.withdrawn) or "none"),
        )
    asked: Json = {"model": target.model, "number": target.number, "reason": reason}
    with intended(stores, lease, "rollback", asked):
        server = make_live(loaded, stores, lease, target)
        state = stores.state.rollback(lease, target.number, reason)
    return Standing(state, target, server.url, _notes(server))


def take_down(loaded: Loaded, stores: Stores, lease: Lease, *, retired: bool = False) -> EnvironmentState:
    """Stop the server, remove the alias and forget the release; models, runs and history stay.

    ``retired``: the model is no longer one to beat either.
    """
    close_intents(stores, lease)
    state = stores.state.read(loaded.project.name, loaded.environment)
    gone: Json = {"model": state.release.model, "number": state.release.number} if state.release else {"model": ""}
    with intended(stores, lease, RETIRE if retired else "destroy", gone):
        for note in remove_servers(loaded, stores, lease):
            _log.warning("destroy", note=note)
        stores.registry.delete_alias(model_name(loaded.project.name), alias_of(loaded.environment))
        return stores.state.clear(lease, withdrawn=retired)


def _retired(stores: Stores, lease: Lease) -> set[int]:
    """The numbers of the releases that were taken out of service for good."""
    done = stores.state.happened(lease.project, lease.environment, RETIRE)
    found = (one.payload for one in done if one.outcome == {"outcome": "done"})
    numbers = (payload.get("number") for payload in found if isinstance(payload, Mapping))
    return {number for number in numbers if isinstance(number, int)}


def take_over(stores: Stores, lease: Lease) -> None:
    """Take up what a killed command left open: a rollback is finished, for its model was found bad.

    A release or a destroy needs nothing: what follows decides afresh, and brings the server and the alias there.
    """
    for intent in stores.state.pending(lease.project, lease.environment):
        asked = intent.payload
        if intent.kind == "rollback" and isinstance(asked, Mapping):
            state = stores.state.read(lease.project, lease.environment)
            number = asked.get("number")
            standing = state.release.number if state.release else number
            if isinstance(number, int) and number != standing and any(r.number == number for r in state.history):
                stores.state.rollback(lease, number, str(asked.get("reason", "")))
    close_intents(stores, lease)


def close_intents(stores: Stores, lease: Lease) -> None:
    """Nothing stays pending: this command decides what comes of it. Only servers stay on record until they are gone."""
    for intent in stores.state.pending(lease.project, lease.environment):
        if intent.kind != SERVER:
            stores.state.complete(lease, intent.key, {"outcome": "taken over"})


class _Models(Protocol):
    """Where models are."""

    @property
    def artifacts(self) -> ArtifactStore: ...

    @property
    def registry(self) -> Registry: ...


def bring_champion(stores: _Models, name: str, champion: str) -> None:
    """Have the model to beat in the artifact store; the registry keeps it when the store was lost.

    Raises:
        Problem: when neither has it, so that nothing could be compared with it.
    """
    if not champion or champion in stores.artifacts.has_many({champion}):
        return
    held = stores.registry.find(name, champion)
    if held is None:
        raise StepProblem.because(
            "champion-gone",
            f"the model to beat, {champion}, is neither in the artifact store nor in the registry",
            hint="restore one of them; `mlopsctl status` says which release it is",
        )
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
        fetched = stores.registry.download(name, held.version, Path(folder) / "model", champion)
        packed = packed_folder(fetched)
        if packed is not None:
            stores.artifacts.put(packed)


@contextmanager
def intended(stores: Stores, lease: Lease, kind: str, payload: Json) -> Iterator[None]:
    """Record what is about to be done outside, and afterwards what came of it; only a kill leaves it open."""
    key = f"{kind}-{lease.token}"
    stores.state.intend(lease, key, kind, payload)
    try:
        yield
    except (Problem, KeyboardInterrupt) as problem:
        stores.state.complete(lease, key, {"outcome": "failed", "problem": str(problem) or type(problem).__name__})
        raise
    stores.state.complete(lease, key, {"outcome": "done"})


def _located(stores: Stores, release: Release) -> Release:
    """The release under the version that carries its digest now: a registry that was made anew counts from one.

    Raises:
        Problem: when the registry does not have the model.
    """
    held = [found.version for found in stores.registry.versions(release.registry_name) if found.digest == release.model]
    if release.registry_version in held:
        return release
    if held:
        return replace(release, registry_version=held[0])
    raise StepProblem.because(
        "model-not-registered",
        f"the registry no longer has the released model {release.model} of {release.registry_name}",
        hint="restore the registry, or apply the mlops.yaml that made this model, which registers it again",
    )


def _earlier(state: EnvironmentState, number: int | None) -> Release:
    """The release to go back to: that number, or the last one that was not itself rolled back from."""
    good = [r for r in state.history if (r.number == number if number is not None else not r.withdrawn)]
    if state.release is not None and good:
        return good[-1]
    if state.release is None:
        raise StepProblem.because(
            "nothing-released",
            f"nothing is released in {state.environment}, so there is nothing to go back from",
            hint="`mlopsctl apply` releases again; `mlopsctl adopt models:/NAME/VERSION` a model that is registered",
        )
    known = ", ".join(str(r.number) for r in state.history) or "none"
    raise StepProblem.because(
        "no-such-release",
        f"there is no earlier release{'' if number is None else f' {number}'} of {state.environment} to go back to",
        hint=f"earlier releases: {known}; see `mlopsctl status`",
    )
