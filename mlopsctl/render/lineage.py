"""Lineage as text from data down to what serves, as a Mermaid flow chart, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlopsctl.delivery.answers.lineage import Lineage, Made
from mlopsctl.ground.digest import Json
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ArtifactRecord
from mlopsctl.render.grid import Cell, grid
from mlopsctl.render.times import moment, short

if TYPE_CHECKING:
    from rich.console import RenderableType


def lineage_text(found: Lineage, *, up: bool = True, down: bool = True) -> RenderableType:
    """What it comes from and what it led to, one line a step."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(printable(f"Lineage of {found.subject.words}"), "bold")]
    if up:
        parts += [Text(), Text("Comes from", "bold")]
        rows: list[tuple[Cell, ...]] = [("commit", _commit(commit), "", "", "") for commit in found.commits]
        rows += [(one.kind, one.name, short(one.digest), f"read by {one.step}", "") for one in found.origins]
        parts.append(grid(("", "", "", "", ""), rows, "  ") if rows else Text("  no data or code is recorded"))
        parts.append(grid(_HEAD, [_made(one) for one in found.up], "  ") if found.up else Text("  no step"))
    if down:
        parts += [Text(), Text("Leads to", "bold")]
        if found.down:
            parts.append(grid(_HEAD, [_made(one) for one in found.down], "  "))
        served: list[tuple[Cell, ...]] = [(one.kind, (one.name, "bold"), one.detail) for one in found.served]
        parts += [grid(("", "", ""), served, "  ")] if served else []
        if not found.down and not found.served:
            parts.append(Text("  nothing yet"))
    return Group(*parts)


def lineage_json(found: Lineage) -> str:
    """Nodes and edges as one JSON object; names of nodes are stable."""
    nodes, edges = _graph(found)
    document: Json = {
        "subject": {"what": found.subject.words, "artifacts": [a.digest for a in found.subject.artifacts]},
        "commits": list(found.commits),
        "nodes": [{"id": id, **node} for id, node in nodes.items()],
        "edges": [{"from": a, "to": b, "as": name} for a, b, name in edges],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def lineage_mermaid(found: Lineage) -> str:
    """A Mermaid flow chart from data to what serves; GitHub draws it."""
    nodes, edges = _graph(found)
    names = {id: f"n{at}" for at, id in enumerate(nodes)}
    subject = {artifact.digest for artifact in found.subject.artifacts}
    lines = ["flowchart LR"]
    for id, node in nodes.items():
        opening, closing = _SHAPES[str(node["kind"])]
        lines.append(f'    {names[id]}{opening}"{_escaped(str(node["label"]))}"{closing}')
    lines += [f"    {names[a]} --> {names[b]}" for a, b in dict.fromkeys((a, b) for a, b, _ in edges)]
    chosen = [names[id] for id in nodes if id in subject]
    if chosen and len(chosen) < len(nodes):
        lines += ["    classDef subject stroke-width:3px", f"    class {','.join(chosen)} subject"]
    return "\n".join(lines)


_HEAD = ("STEP", "RUN", "RAN (UTC)", "LEAVES", "READS")
_SHAPES: Mapping[str, tuple[str, str]] = {
    "data": ("[(", ")]"),
    "code": ("[/", "/]"),
    "step": ("[", "]"),
    "artifact": ("(", ")"),
    "version": ("([", "])"),
    "release": ("([", "])"),
    "server": ("{{", "}}"),
}


def _made(made: Made) -> tuple[Cell, ...]:
    record = made.record
    return (
        (record.step, "bold"),
        record.run,
        moment(record.started),
        _artifacts(record.outputs),
        (_artifacts(record.inputs), "dim"),
    )


def _artifacts(found: Mapping[str, ArtifactRecord]) -> str:
    return ", ".join(f"{name} {short(artifact.digest)}" for name, artifact in found.items())


def _commit(commit: str) -> str:
    return commit.removesuffix("*") + (" with uncommitted changes" if commit.endswith("*") else "")


def _graph(found: Lineage) -> tuple[dict[str, dict[str, Json]], Sequence[tuple[str, str, str]]]:
    """Nodes by name, and edges (from, to, the name it goes by) in the direction of time."""
    nodes: dict[str, dict[str, Json]] = {}
    edges: list[tuple[str, str, str]] = []
    for origin in found.origins:
        id = f"{origin.kind}:{origin.name}@{origin.digest}"
        nodes[id] = {"kind": origin.kind, "label": origin.name, "digest": origin.digest}
        edges += [(id, _step(made), origin.kind) for made in found.up if _reads(made, origin.digest)]
    for made in (*found.up, *found.down):
        record = made.record
        nodes[_step(made)] = {
            "kind": "step",
            "label": record.step,
            "run": record.run,
            "component": record.component,
            "environment": made.environment,
            "commit": made.commit,
            "dirty": made.dirty,
            "key": record.key,
        }
        for artifact in (*record.inputs.values(), *record.outputs.values()):
            label = f"{artifact.type.value} {short(artifact.digest)}"
            nodes.setdefault(artifact.digest, {"kind": "artifact", "label": label, "type": artifact.type.value})
        edges += [(artifact.digest, _step(made), name) for name, artifact in record.inputs.items()]
        edges += [(_step(made), artifact.digest, name) for name, artifact in record.outputs.items()]
    for artifact in found.subject.artifacts:
        label = f"{artifact.type.value} {short(artifact.digest)}"
        nodes.setdefault(artifact.digest, {"kind": "artifact", "label": label, "type": artifact.type.value})
    for served in found.served:
        id = f"{served.kind}:{served.name}"
        nodes[id] = {"kind": served.kind, "label": served.name, "detail": served.detail}
        edges.append((served.model, id, served.kind))
    return nodes, [edge for edge in edges if edge[0] in nodes and edge[1] in nodes]


def _reads(made: Made, digest: str) -> bool:
    material = made.record.material
    return isinstance(material, Mapping) and digest in _texts((material.get("parameters"), material.get("code")))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def _step(made: Made) -> str:
    return f"{made.record.run}/{made.record.step}/{made.record.attempt}"


def _escaped(text: str) -> str:
    """Text inside a quoted Mermaid label: nothing of it is syntax, markup or a link."""
    return "".join(char if char.isalnum() or char in " ._-/:" else f"#{ord(char)};" for char in printable(text))
