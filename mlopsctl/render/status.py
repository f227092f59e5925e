"""What is so in an environment, for a person and as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mlopsctl.delivery.environment import Status
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import Release
from mlopsctl.render.outcome import findings_text, gates_json, release_json
from mlopsctl.render.times import short

if TYPE_CHECKING:
    from rich.console import RenderableType


def status_text(status: Status) -> RenderableType:
    """Champion, server, last run, verdicts and history; what is wrong stands out."""
    from rich.console import Group
    from rich.text import Text

    facts = list(_facts(status))
    width = max(len(name) for name, _ in facts)
    parts: list[RenderableType] = [Text(f"{status.project} · {status.environment}", "bold")]
    parts += [Text.assemble((f"{name:<{width}}", "bold"), f"  {printable(value)}") for name, value in facts]
    parts += list(findings_text(status.findings))
    if status.state.history:
        parts.append(Text("Earlier releases", "bold"))
        parts += [Text(f"  {_release(release)}", "dim") for release in reversed(status.state.history[-5:])]
    parts += [Text(f"note: {printable(note)}", "dim") for note in status.notes]
    return Group(*parts)


def status_json(status: Status) -> str:
    """The status as one JSON object."""
    live, run = status.live, status.run
    document: Mapping[str, Json] = {
        "project": status.project,
        "environment": status.environment,
        "serial": status.state.serial,
        "champion": release_json(status.state.release),
        "hold": status.state.hold,
        "history": [release_json(release) for release in status.state.history],
        "server": {
            "running": live.serving,
            "healthy": live.healthy,
            "url": live.served_url,
            "model": live.served_digest,
            "kind": live.kind,
            "observed": live.observed,
            "otherwise": live.otherwise,
        },
        "registry": {"version": live.alias_version, "model": live.alias_digest, "asked": live.refreshed},
        "run": None
        if run is None
        else {
            "id": run.id,
            "state": run.state,
            "exit_code": run.exit_code,
            "commit": run.git.commit,
            "branch": run.git.branch,
            "dirty": run.git.dirty,
            "steps": {e.step: e.state.value for e in status.executions},
        },
        "gates": gates_json(status.findings),
        "notes": status.notes,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=list)


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    state, live = status.state, status.live
    yield "champion", _release(state.release) if state.release is not None else "none"
    if state.release is not None and state.release.overrides:
        yield "released over", ", ".join(f"{gate}: {reason}" for gate, reason in state.release.overrides.items())
    if state.hold:
        yield "held", f"{state.hold}; `mlopsctl apply --release-hold` lifts it"
    if live.refreshed and state.release is not None and live.alias_digest != state.release.model:
        yield "registry", f"points to v{live.alias_version or '?'}, not to the champion; `mlopsctl apply` mends it"
    yield "server", _server(status)
    if live.example:
        yield "ask it", live.example
    if status.run is not None:
        run = status.run
        dirty = " with uncommitted changes" if run.git.dirty else ""
        commit = f" of {run.git.commit[:12]}{dirty}" if run.git.commit else ""
        ended = f", exit code {run.exit_code}" if run.exit_code is not None else ""
        yield "last run", f"{run.id} {run.state}{ended}{commit}"
        trouble = [f"{e.step} {e.state}" for e in status.executions if e.problem]
        if trouble:
            yield "steps", ", ".join(dict.fromkeys(trouble))


def _server(status: Status) -> str:
    live = status.live
    if not live.serving:
        return "not running"
    health = "healthy" if live.healthy else "does not answer"
    other = f"; {live.otherwise}" if live.otherwise else ""
    if status.state.release is not None and live.served_digest != status.state.release.model:
        other = "; serves another model than the champion"
    if not live.observed:
        return f"{live.kind}: {live.note}{other}"
    return f"{live.served_url} {health}{other}"


def _release(release: Release) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(release.released / 1000))
    digest = short(release.model)
    return f"{release.registry_name} v{release.registry_version} ({digest}), release {release.number} of {when}"
