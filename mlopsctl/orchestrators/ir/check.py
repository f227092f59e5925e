"""Our own check of compiled pipelines: engines load dangling references and cycles without a word.

It reads the document, not what made it: every reference resolves, both ends of it have the same type, nothing goes in
a circle, everything is used, and every placeholder is one of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from mlopsctl.ground.digest import Json
from mlopsctl.ground.graph import Cycle, ordered
from mlopsctl.orchestrators.ir.check_tasks import dag_flaws
from mlopsctl.orchestrators.ir.contract import PLACEHOLDERS
from mlopsctl.orchestrators.ir.parts import Parts, Unsound, mapping, sequence, text

__all__ = ["Unsound", "check_ir", "flaws"]


def check_ir(documents: Sequence[Mapping[str, Json]]) -> None:
    """Look at a compiled pipeline, and its platform spec where it has one.

    Raises:
        Unsound: naming everything that is wrong; a bug of the compiler.
    """
    found = list(flaws(documents))
    if found:
        raise Unsound("; ".join(found))


def flaws(documents: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    """Everything that is wrong with a compiled pipeline."""
    spec = documents[0]
    parts = Parts.of(spec)
    yield from _use(parts)
    yield from dag_flaws("the root", mapping(spec["root"]), parts)
    for name, component in parts.components.items():
        if "dag" in component:
            yield from dag_flaws(name, component, parts)
    yield from _strange_texts(documents, parts)
    for platform in documents[1:]:
        kubernetes = mapping(mapping(platform["platforms"])["kubernetes"])
        for label in mapping(mapping(kubernetes["deploymentSpec"])["executors"]):
            if label not in parts.executors:
                yield f"the platform spec has {label}, which is no executor"


def _use(parts: Parts) -> Iterator[str]:
    """Components and executors: each is there, used, and no component holds itself."""
    labels = set()
    for name, component in parts.components.items():
        if ("dag" in component) == ("executorLabel" in component):
            yield f"{name} is neither a container nor a graph"
        elif "executorLabel" in component:
            label = text(component["executorLabel"])
            labels.add(label)
            if label not in parts.executors:
                yield f"{name} runs {label}, which is no executor"
    for label in parts.executors:
        if label not in labels:
            yield f"the executor {label} is not used"
    held = {name: parts.held_by(component) for name, component in parts.components.items()}
    used = parts.held_by(parts.root).union(*held.values())
    for name in parts.components:
        if name not in used:
            yield f"the component {name} is not used"
    try:
        ordered({name: sorted(inner & parts.components.keys()) for name, inner in held.items()})
    except Cycle as cycle:
        yield f"components hold each other: {' → '.join(cycle.path)}"


def _strange_texts(documents: Sequence[Mapping[str, Json]], parts: Parts) -> Iterator[str]:
    """Texts that an engine would change, anywhere but as a whole argument of a container."""
    ours = 0
    for label, executor in parts.executors.items():
        for word in sequence(mapping(mapping(executor)["container"])["args"]):
            ours += word in PLACEHOLDERS
            if word not in PLACEHOLDERS and "$" in text(word):
                yield f"an argument of {label} holds a dollar"
    # In JSON no two braces stand side by side but in a text: counting them all looks at every text and key.
    found = sum(json.dumps(document).count("{{") for document in documents)
    if found != ours:
        yield f"{found} placeholders where {ours} were made: {', '.join(_placeholders(documents, ()))}"


def _placeholders(value: Json, path: tuple[str, ...]) -> Iterator[str]:
    """The paths of texts with a placeholder that is not ours."""
    if isinstance(value, str):
        if "{{" in value and value not in PLACEHOLDERS:
            yield ".".join(path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _placeholders(key, (*path, "(key)"))
            yield from _placeholders(item, (*path, key))
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from _placeholders(item, (*path, str(index)))
