"""Which run-time parameter feeds which parameter of which step, for orchestrators that pass them to steps.

``${parameters.x}`` in ``mlops.yaml`` was replaced when the project was loaded. Here the places where it stood are
found again in the steps. What decides about the pipeline itself (which code a step runs, whether a search is there)
cannot be passed to a step; such places are told by :func:`fixed_parameters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mlopsctl.config.load import Loaded
from mlopsctl.config.references import BUILT_IN, Piece, pieces
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import Span
from mlopsctl.ground.source import DocPath
from mlopsctl.pipeline.ir import WHEN, Step

Place = tuple[str, tuple[str, ...]]
"""A step, and the path of one of its parameters."""


def with_bindings(loaded: Loaded, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, each with what feeds its parameters at run time."""
    by_id = {step.id: step for step in steps}
    found: dict[str, dict[str, str]] = {}
    for path in loaded.bindings:
        for id, at in _bindable(loaded, path, by_id) or ():
            found.setdefault(id, {})[".".join(at)] = _binding(loaded, path)
    return tuple(replace(step, bindings=found[step.id]) if step.id in found else step for step in steps)


def fixed_parameters(loaded: Loaded, steps: Sequence[Step]) -> Iterator[tuple[Span, str]]:
    """The places, each with its parameter, that are decided when the pipeline is compiled."""
    by_id = {step.id: step for step in steps}
    for path, name in loaded.bindings.items():
        if _bindable(loaded, path, by_id) is None:
            yield loaded.span(path), name


def is_inside_text(binding: str) -> bool:
    """Whether a binding is text that holds parameters."""
    return "$" in binding


def _bindable(loaded: Loaded, path: DocPath, by_id: Mapping[str, Step]) -> tuple[Place, ...] | None:
    """The parameters of steps that a place of the document is; ``None`` where one cannot be fed at run time."""
    if any(isinstance(part, str) and "." in part for part in path) or path[-2:] == ("tune", "enabled"):
        return None
    places = tuple(place for place in _places(path) if place[0] in by_id)
    value = _value(loaded.document.data, path)
    return places if all(_feeds(by_id[id], at, value) for id, at in places) else None


def _places(path: DocPath) -> Iterator[Place]:
    """Where the value at a place of the document stands in steps."""
    match path:
        case ("components", str(name), "when"):
            yield name, (WHEN,)
        case ("components", str(name), "when" | "after" | "trigger_rule" | "reuse" | "pool" | "priority" as what, *_):
            # What decides the order of the steps is compiled.
            yield name, (what, "order")
        case ("components", str(name), "parameters", *rest):
            yield name, ("parameters", *map(str, rest))
        case ("data", str(name), "source", *rest):
            yield f"ingest-{name}", ("source", *map(str, rest))
        case ("features", int(index), "params", *rest):
            yield "transform", ("features", str(index), "params", *map(str, rest))
        case ("training", "targets", str(name), "params", *rest):
            for step in ("tune", "train"):
                yield f"{step}-{name}", ("target", "params", *map(str, rest))
        case ("training", "targets", str(name), "tune", *rest):
            yield f"tune-{name}", ("tune", *map(str, rest))
            if rest == ["metric"]:
                yield f"tune-{name}", ("metric",)


def _feeds(step: Step, at: tuple[str, ...], value: Json) -> bool:
    """Whether a step reads a value at a path of its parameters as it is written, and nothing else hangs on it."""
    if at == (WHEN,):
        return isinstance(value, bool)
    if at[0] == "source" and at[1] in ("entrypoint", "files"):
        return False
    found = _value(step.parameters, at)
    same = type(found) is type(value) or (type(found) is float and type(value) is int)
    return same and found == value


def _value(value: Json, path: Sequence[str | int]) -> Json:
    """What stands at a path; ``None`` where nothing does."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(str(part))
        elif isinstance(value, list | tuple) and str(part).isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _binding(loaded: Loaded, path: DocPath) -> str:
    """The parameter's name; or the text as written, with everything but its parameters replaced."""
    text = loaded.templates.get(path)
    if text is None:
        return loaded.bindings[path]
    return "".join(
        piece.text if piece.section == "parameters" else _constant(loaded, piece).replace("$", "$$")
        for piece in pieces(text)
    )


def _constant(loaded: Loaded, piece: Piece) -> str:
    value = loaded.project.vars.get(piece.name) if piece.section == "vars" else piece.text
    return value if isinstance(value, str) else canonical_json(value).decode()


def defaults(loaded: Loaded) -> dict[str, Json]:
    """The run-time parameters of a project with their values; the seed is one of every project."""
    return {**BUILT_IN, **loaded.project.parameters}
