"""Environments: an overlay merged over the rest of the project, before any model sees the data.

Mappings merge; anything else replaces; a mapping of another ``kind`` replaces whole; ``null`` removes. What comes
from an overlay keeps its place in the overlay, so that an error points at the line the environment wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mlopsctl.config.document import Document
from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.problems import Problems
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.source import DocPath, Mark
from mlopsctl.ground.text import name_problem

DEFAULT = "default"
"""The one environment of a project that declares none."""

_SECTION = "environments"
# In these sections keys are the user's own names, so a key called ``kind`` says nothing about what a mapping is.
_NAMES_ONLY = ("vars", "parameters")


def environment_names(document: Document) -> tuple[str, ...]:
    """The environments in declared order; ``("default",)`` when none is declared.

    Raises:
        InvalidProject: when the section is not a mapping of names to overlays; with every problem in it.
    """
    section = document.data.get(_SECTION)
    if section is None:
        return (DEFAULT,)
    if not isinstance(section, Mapping):
        raise InvalidProject(_not_a_mapping(document, (_SECTION,), "environments", "write 'dev: {...}' below it"))
    problems = Problems()
    alike: dict[str, str] = {}
    for name, overlaid in section.items():
        path = (_SECTION, name)
        if problem := name_problem(name):
            place = document.span_of(path, prefer_key=True)
            problems.add(Diagnostic("bad-name", problem, place, "write a name like 'dev' or 'prod-eu'"))
        if (first := alike.setdefault(name.replace("-", "_"), name)) != name:
            where = (document.span_of((_SECTION, first), prefer_key=True), f"{first!r} stands here")
            message = f"the environments {first!r} and {name!r} differ only in '-' and '_'"
            place = document.span_of(path, prefer_key=True)
            problems.add(Diagnostic("name-collision", message, place, "rename one of them", related=(where,)))
        if overlaid is not None and not isinstance(overlaid, Mapping):
            hint = "write the keys that differ below it, like 'vars: {data_root: data}'"
            problems.add(_not_a_mapping(document, path, f"the environment {name!r}", hint))
    problems.check()
    return tuple(section) or (DEFAULT,)


def base(document: Document) -> Document:
    """The project without its environments: what every overlay is merged over.

    Raises:
        InvalidProject: when ``promotion`` stands outside an environment.
    """
    if "promotion" in document.data:
        place = document.span_of(("promotion",), prefer_key=True)
        hint = "move it below the environment that is promoted to: environments.<name>.promotion"
        raise InvalidProject(
            Diagnostic("unknown-key", "'promotion' belongs to an environment, not to the project", place, hint)
        )
    data = {key: value for key, value in document.data.items() if key != _SECTION}
    return replace(document, data=data, marks={p: m for p, m in document.marks.items() if p[:1] != (_SECTION,)})


def overlay(document: Document, environment: str) -> Document:
    """The project as the environment sees it: its overlay merged in, the key ``environments`` dropped.

    Raises:
        InvalidProject: when there is no such environment, or the overlay cannot be merged; with every problem.
    """
    names = environment_names(document)
    if environment not in names:
        raise InvalidProject(_unknown(document, environment, names))
    under = base(document)
    section = document.data.get(_SECTION)
    over = section.get(environment) if isinstance(section, Mapping) else None
    if not isinstance(over, Mapping):
        return under
    merge = _Merge(document, (_SECTION, environment))
    data = merge.mappings(under.data, over, ())
    merge.problems.check()
    return replace(document, data=data, marks=merge.marks)


class _Merge:
    """One merge under way: the positions of what is merged so far, and the problems."""

    def __init__(self, document: Document, root: DocPath) -> None:
        self.marks: dict[DocPath, Mark] = {(): document.marks[()]}
        self.problems = Problems()
        self._document = document
        self._root = root

    def mappings(self, under: Mapping[str, Json], over: Mapping[str, Json], path: DocPath) -> dict[str, Json]:
        """The two merged, in the order of ``under`` and then of ``over``; as deep as the document, which is limited."""
        merged: dict[str, Json] = {}
        for key in {**under, **over}:
            here = (*path, key)
            value = over.get(key)
            if key not in over:
                merged[key] = self._taken(under[key], here, here)
            elif here == (_SECTION,):
                message = "an environment cannot hold environments"
                self.problems.add(Diagnostic("unknown-key", message, self._key(here), "write them side by side"))
            elif value is None:
                self._check_removal(under, key, here)
            elif isinstance(value, Mapping):
                merged[key] = self._mapping(under.get(key), value, here)
            else:
                merged[key] = self._taken(value, (*self._root, *here), here)
        return merged

    def _mapping(self, under: Json, over: Mapping[str, Json], path: DocPath) -> dict[str, Json]:
        if isinstance(under, Mapping) and not _other_kind(under, over, path):
            self.marks[path] = self._document.marks[path]
            return self.mappings(under, over, path)
        self.marks[path] = self._document.marks[(*self._root, *path)]
        return self.mappings({}, over, path)

    def _check_removal(self, under: Mapping[str, Json], key: str, path: DocPath) -> None:
        if key in under:
            return
        near = did_you_mean(key, under)
        hint = f"did you mean {near!r}?" if near else "null removes a key of the project; leave it out here"
        message = f"there is nothing to remove at {'.'.join(str(part) for part in path)}"
        self.problems.add(Diagnostic("unknown-path", message, self._key(path), hint))

    def _taken(self, value: Json, origin: DocPath, path: DocPath) -> Json:
        """A value taken as it is, with its positions and those of all below it."""
        self.marks[path] = self._document.marks[origin]
        children: Iterable[tuple[str | int, Json]] = ()
        if isinstance(value, Mapping):
            children = value.items()
        elif isinstance(value, list):
            children = enumerate(value)
        for key, child in children:
            self._taken(child, (*origin, key), (*path, key))
        return value

    def _key(self, path: DocPath) -> Span:
        return self._document.span_of((*self._root, *path), prefer_key=True)


def _other_kind(under: Mapping[str, Json], over: Mapping[str, Json], path: DocPath) -> bool:
    named = path[0] in _NAMES_ONLY
    return not named and "kind" in under and over.get("kind", under["kind"]) != under["kind"]


def _not_a_mapping(document: Document, path: DocPath, what: str, hint: str) -> Diagnostic:
    return Diagnostic("not-a-mapping", f"{what} must be a mapping", document.span_of(path), hint)


def _unknown(document: Document, environment: str, names: tuple[str, ...]) -> Diagnostic:
    near = did_you_mean(environment, names)
    known = f"there are: {', '.join(names)}"
    hint = f"did you mean {near!r}? {known}" if near else known
    place = document.span_of((_SECTION,), prefer_key=True)
    return Diagnostic("unknown-environment", f"there is no environment {environment!r}", place, hint)
