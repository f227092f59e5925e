"""The pipeline as a picture: indented text, Mermaid, Graphviz, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlopsctl.pipeline.ir import Pipeline, Rule, Step


def graph_text(pipeline: Pipeline) -> str:
    """One line a step in the order of execution, with what it reads and leaves."""
    width = max((len(step.id) for step in pipeline.steps), default=0)
    lines = []
    for step in pipeline.steps:
        reads = ", ".join(str(wired.ref) for wired in step.inputs.values()) or "–"
        leaves = ", ".join(f"{name}: {kind}" for name, kind in step.outputs.items())
        lines.append(f"{step.id:<{width}}  ← {reads}\n{'':<{width}}  → {leaves}")
        lines += [f"{'':<{width}}  {told}" for told in _order(step)]
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
        if step.decision is not None:
            lines.append(f"    {ids[step.decision.ref.step]} -. decides .->|{step.decision.ref.output}| {ids[step.id]}")
        lines += [f"    {ids[id]} -.-> {ids[step.id]}" for id in _only_before(step)]
    return "\n".join(lines)


def graph_dot(pipeline: Pipeline) -> str:
    """A Graphviz digraph. Step ids and output names are names, so they need no escaping within quotes."""
    lines = [f'digraph "{pipeline.name}" {{', "  node [shape=box];"]
    lines += [f'  "{step.id}";' for step in pipeline.steps]
    for step in pipeline.steps:
        for wired in step.inputs.values():
            style = ", style=dashed" if wired.guard else ""
            lines.append(f'  "{wired.ref.step}" -> "{step.id}" [label="{wired.ref.output}"{style}];')
        if step.decision is not None:
            ref = step.decision.ref
            lines.append(f'  "{ref.step}" -> "{step.id}" [label="{ref.output}", style=dashed];')
        lines += [f'  "{id}" -> "{step.id}" [style=dotted];' for id in _only_before(step)]
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
                **({"after": list(step.after)} if step.after else {}),
                **({"trigger_rule": step.rule.value} if step.rule is not Rule.ALL_SUCCESS else {}),
                **({"decided_by": str(step.decision.ref)} if step.decision is not None else {}),
            }
            for step in pipeline.steps
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _order(step: Step) -> Iterator[str]:
    """What beside its data decides when the step runs, and whether."""
    if step.after:
        yield f"after {', '.join(step.after)}"
    if step.decision is not None:
        yield f"when {step.decision.ref} says {json.dumps(step.decision.equals, ensure_ascii=False)}"
    if step.rule is not Rule.ALL_SUCCESS:
        yield f"runs by {step.rule.value}"


def _only_before(step: Step) -> tuple[str, ...]:
    """The steps it only comes after."""
    read = {ref.step for ref in step.reads}
    return tuple(id for id in step.after if id not in read)
