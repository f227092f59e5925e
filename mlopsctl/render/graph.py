"""The pipeline as a picture: indented text, Mermaid, Graphviz, JSON."""

from __future__ import annotations

import json

from mlopsctl.pipeline.ir import Pipeline


def graph_text(pipeline: Pipeline) -> str:
    """One line a step in the order of execution, with what it reads and leaves."""
    width = max((len(step.id) for step in pipeline.steps), default=0)
    lines = []
    for step in pipeline.steps:
        reads = ", ".join(str(wired.ref) for wired in step.inputs.values()) or "–"
        leaves = ", ".join(f"{name}: {kind}" for name, kind in step.outputs.items())
        lines.append(f"{step.id:<{width}}  ← {reads}\n{'':<{width}}  → {leaves}")
    return "\n".join(lines)


def graph_mermaid(pipeline: Pipeline) -> str:
    """A Mermaid flow chart; GitHub draws it."""
    ids = {step.id: f"s{at}" for at, step in enumerate(pipeline.steps)}
    lines = ["flowchart TD"]
    lines += [f'    {ids[step.id]}["{step.id}"]' for step in pipeline.steps]
    for step in pipeline.steps:
        for wired in step.inputs.values():
            arrow = "-. guards .->" if wired.guard else "-->"
            lines.append(f"    {ids[wired.ref.step]} {arrow}|{wired.ref.output}| {ids[step.id]}")
    return "\n".join(lines)


def graph_dot(pipeline: Pipeline) -> str:
    """A Graphviz digraph. Step ids and output names are names, so they need no escaping within quotes."""
    lines = [f'digraph "{pipeline.name}" {{', "  node [shape=box];"]
    lines += [f'  "{step.id}";' for step in pipeline.steps]
    for step in pipeline.steps:
        for wired in step.inputs.values():
            style = ", style=dashed" if wired.guard else ""
            lines.append(f'  "{wired.ref.step}" -> "{step.id}" [label="{wired.ref.output}"{style}];')
    return "\n".join([*lines, "}"])


def graph_json(pipeline: Pipeline) -> str:
    """Steps with their wires, as data."""
    document = {
        "name": pipeline.name,
        "digest": pipeline.digest,
        "steps": [
            {
                "id": step.id,
                "component": step.component,
                "inputs": {
                    name: {"from": str(w.ref), "type": w.type.value, "guard": w.guard, "optional": w.optional}
                    for name, w in step.inputs.items()
                },
                "outputs": {name: kind.value for name, kind in step.outputs.items()},
            }
            for step in pipeline.steps
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
