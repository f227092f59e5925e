"""Interpolation: ``${vars.x}`` and ``${parameters.x}`` in values, and nothing else.

Stages: overrides take the place of defaults → vars are resolved, each after those it refers to → every other text is
filled in. What is inserted is never read again, so a value cannot bring references of its own. Problems are collected,
each with the place of the very reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mlopsctl.config.compose import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES
from mlopsctl.config.document import Document
from mlopsctl.config.overrides import parse_override, typed_overrides
from mlopsctl.config.problems import Problems
from mlopsctl.config.references import BUILT_IN, Piece, explain, order_of, pieces, place_of
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.source import DocPath, Mark

__all__ = ["Interpolated", "interpolate", "parse_override"]


@dataclass(frozen=True)
class Interpolated:
    """A document without references.

    Attributes:
        bindings: which value was filled from which run-time parameter (the first one, where text holds several).
        templates: for the values that hold a parameter inside other text: the text as written.
    """

    document: Document
    bindings: Mapping[DocPath, str]
    templates: Mapping[DocPath, str] = field(default_factory=dict)


def interpolate(document: Document, overrides: Mapping[str, Json] | None = None) -> Interpolated:
    """The document with every reference replaced and the overrides standing in ``parameters``.

    Raises:
        UsageProblem: when an override names no parameter or has another type than its default.
        InvalidProject: when a reference cannot be resolved; with every problem found.
    """
    filler = _Filler(document)
    defaults = filler.parameters()
    given = typed_overrides({**BUILT_IN, **defaults}, overrides or {})
    sections = {"parameters": filler.override(defaults, given), "vars": filler.variables()}
    data: dict[str, Json] = {}
    for key, value in document.data.items():
        is_section = key in sections and isinstance(value, Mapping)
        data[key] = sections[key] if is_section else filler.fill(value, (key,))
    if given:
        data.setdefault("parameters", sections["parameters"])
    filler.problems.check()
    return Interpolated(replace(document, data=data, marks=filler.marks), filler.bindings, filler.templates)


@dataclass(frozen=True, slots=True)
class _Size:
    """How many values, characters of text and levels of nesting something has."""

    nodes: int
    characters: int
    height: int


class _Filler:
    """One interpolation under way."""

    def __init__(self, document: Document) -> None:
        self.marks: dict[DocPath, Mark] = dict(document.marks)
        self.bindings: dict[DocPath, str] = {}
        self.templates: dict[DocPath, str] = {}
        self.problems = Problems()
        self._document = document
        self._declared = {"vars": _section(document, "vars"), "parameters": _section(document, "parameters")}
        self._known: dict[str, Mapping[str, Json]] = {
            "vars": self._declared["vars"],
            "parameters": {**BUILT_IN, **self._declared["parameters"]},
        }
        self._values: dict[str, dict[str, Json]] = {"vars": {}, "parameters": dict(BUILT_IN)}
        self._sizes: dict[tuple[str, str], _Size] = {}
        self._nodes = 0
        self._characters = 0

    def parameters(self) -> dict[str, Json]:
        """The defaults; no reference may stand in them."""
        return {name: self.fill(value, ("parameters", name)) for name, value in self._declared["parameters"].items()}

    def override(self, defaults: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
        """The parameters of this run: the defaults and what was given instead."""
        self._values["parameters"].update({**defaults, **given})
        return {**defaults, **given}

    def variables(self) -> dict[str, Json]:
        """The vars, each resolved after those it refers to."""
        declared = self._declared["vars"]
        order, cycles = order_of(self._document, declared)
        for cycle in cycles:
            self.problems.add(cycle)
        resolved = self._values["vars"]
        for name in order:
            resolved[name] = self.fill(declared[name], ("vars", name))
        return {name: resolved[name] for name in declared}

    def fill(self, value: Json, path: DocPath) -> Json:
        """The value with its references replaced; as deep as the document, which is limited."""
        if isinstance(value, str):
            self._count(path, 1, len(value))
            return self._text(value, path) if "$" in value else value
        self._count(path, 1, 0)
        if isinstance(value, Mapping):
            return {key: self.fill(child, (*path, key)) for key, child in value.items()}
        if isinstance(value, list):
            return [self.fill(child, (*path, index)) for index, child in enumerate(value)]
        return value

    def _text(self, text: str, path: DocPath) -> Json:
        parts = pieces(text)
        if [part for part in parts if part.reference and not self._resolves(part, path)]:
            return text
        if len(parts) == 1 and parts[0].reference:
            return self._whole(parts[0], path)
        filled = [self._inserted(part, path) if part.reference else part.text for part in parts]
        self._count(path, 0, sum(len(part) for part in filled))
        if path in self.bindings:
            self.templates[path] = text
        return "".join(filled)

    def _resolves(self, part: Piece, path: DocPath) -> bool:
        """Whether a reference has a value here; notes the problem where it has none."""
        if path[0] == "parameters":
            hint = "write the value itself; a default stands on its own"
            self._problem(part, path, "bad-reference", f"a parameter cannot refer to {part.text}", hint)
        elif part.name not in self._known.get(part.section, {}):
            self._problem(part, path, *explain(part, self._known))
        elif part.section == "parameters" and path[0] == "vars":
            hint = f"vars are constants; write {part.text} where the value is used"
            self._problem(part, path, "bad-reference", f"a var cannot refer to {part.text}", hint)
        else:
            # A var in a circle has no value yet: the circle is reported already.
            return part.name in self._values[part.section]
        return False

    def _whole(self, part: Piece, path: DocPath) -> Json:
        """The value of a reference that stands alone: its own type, its own positions below the reference."""
        value = self._values[part.section][part.name]
        self._bind(part, path)
        if isinstance(value, Mapping | list):
            size = self._size(part, value)
            if len(path) + size.height > MAX_DEPTH:
                raise self._stopped(path, "too-deep", f"the nesting is deeper than {MAX_DEPTH}", "write it flatter")
            self._count(path, size.nodes, size.characters)
            self._mark(value, (part.section, part.name), path)
        return value

    def _inserted(self, part: Piece, path: DocPath) -> str:
        """The text of a reference inside other text."""
        value = self._values[part.section][part.name]
        self._bind(part, path)
        if isinstance(value, str):
            return value
        if value is None or isinstance(value, Mapping | list):
            what = "null" if value is None else "a mapping" if isinstance(value, Mapping) else "a list"
            message = f"{part.text} is {what}, which cannot stand inside text"
            self._problem(part, path, "bad-reference", message, "let it stand alone, without text around it")
            return ""
        return json.dumps(value)

    def _bind(self, part: Piece, path: DocPath) -> None:
        if part.section == "parameters":
            self.bindings.setdefault(path, part.name)

    def _size(self, part: Piece, value: Json) -> _Size:
        """The size of a var's value, measured once."""
        key = (part.section, part.name)
        if key not in self._sizes:
            self._sizes[key] = _measure(value)
        return self._sizes[key]

    def _mark(self, value: Json, origin: DocPath, path: DocPath) -> None:
        """Let what is below a reference stand where the var has it."""
        for key, child in _children(value):
            mark = self.marks.get((*origin, key))
            if mark is not None:
                self.marks[(*path, key)] = mark
            self._mark(child, (*origin, key), (*path, key))

    def _count(self, path: DocPath, nodes: int, characters: int) -> None:
        self._nodes += nodes
        self._characters += characters
        hint = "repeat less with references; keep data out of the project file"
        if self._nodes > MAX_NODES:
            raise self._stopped(path, "too-many-nodes", f"more than {MAX_NODES} values with references replaced", hint)
        if self._characters > MAX_CHARACTERS:
            message = f"more than {MAX_CHARACTERS} characters with references replaced"
            raise self._stopped(path, "too-large", message, hint)

    def _stopped(self, path: DocPath, id: str, message: str, hint: str) -> InvalidProject:
        place: Span = self._document.span_of(path)
        return self.problems.stop(Diagnostic(id, message, place, hint))

    def _problem(self, part: Piece, path: DocPath, id: str, message: str, hint: str) -> None:
        self.problems.add(Diagnostic(id, message, place_of(self._document, path, part), hint))


def _section(document: Document, name: str) -> Mapping[str, Json]:
    """The section, or nothing where it is not a mapping: the models report that."""
    section = document.data.get(name)
    return section if isinstance(section, Mapping) else {}


def _children(value: Json) -> Iterable[tuple[str | int, Json]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _measure(value: Json) -> _Size:
    sizes = [_measure(child) for _, child in _children(value)]
    own = len(value) if isinstance(value, str) else 0
    height = 1 + max((size.height for size in sizes), default=0) if isinstance(value, Mapping | list) else 0
    return _Size(1 + sum(size.nodes for size in sizes), own + sum(size.characters for size in sizes), height)
