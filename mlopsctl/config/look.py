"""One environment of a project: overlay, interpolate, validate, cross-check; every problem at once, at its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from mlopsctl.config.document import Document
from mlopsctl.config.interpolate import Interpolated, interpolate
from mlopsctl.config.keys import keys_at, value_at
from mlopsctl.config.overlay import base, overlay
from mlopsctl.config.overrides import parse_override
from mlopsctl.config.project import Project
from mlopsctl.config.references import BUILT_IN
from mlopsctl.config.semantics import Scene, cross_check
from mlopsctl.config.semantics.literals import literal_secrets, misplaced_parameters
from mlopsctl.config.translate import diagnostics
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Severity, Span, UsageProblem
from mlopsctl.ground.interval import Interval
from mlopsctl.ground.source import DocPath


@dataclass(frozen=True)
class Loaded:
    """A project in one environment, and where everything in it stands.

    Attributes:
        document: after overlay and interpolation.
        bindings: which value was filled from which run-time parameter.
        templates: of those that hold the parameter inside other text: the text as written.
        folder, file: absolute paths of the project's folder and file.
        warnings: what is valid and probably not meant.
        preview_of: of a preview: the environment that it is made like, whose champion is the one to beat.
        interval: the only rows that are used of data that is split by time; all of them without one.
    """

    project: Project
    document: Document
    environment: str
    bindings: Mapping[DocPath, str]
    folder: Path
    file: Path
    templates: Mapping[DocPath, str] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    preview_of: str = ""
    interval: Interval | None = None

    def span(self, path: DocPath, prefer_key: bool = False) -> Span:
        """Where a node of the project stands, or its nearest ancestor that does."""
        return self.document.span_of(path, prefer_key)


@dataclass(frozen=True)
class Seen:
    """What one environment showed; ``loaded`` is absent when it has errors."""

    environment: str
    found: tuple[Diagnostic, ...]
    loaded: Loaded | None = None


def look(
    whole: Document, file: Path, environment: str, environments: tuple[str, ...], overrides: Mapping[str, Json]
) -> Seen:
    """One environment of the document in an absolute file, with other values for run-time parameters.

    Raises:
        UsageProblem: when an override does not fit its parameter.
    """
    try:
        document = _overlaid(whole, environment) if "environments" in whole.data else base(whole)
    except InvalidProject as problem:
        return Seen(environment, (*literal_secrets(whole), *problem.diagnostics))
    secrets = tuple(literal_secrets(document))
    try:
        filled = interpolate(document, _typed(document, overrides))
    except InvalidProject as problem:
        return Seen(environment, (*secrets, *problem.diagnostics, *_despite_references(document)))
    found = [*secrets, *misplaced_parameters(filled.document, filled.bindings)]
    project = project_of(filled.document)
    if not isinstance(project, Project):
        return Seen(environment, (*found, *project))
    found += cross_check(Scene(project, filled.document, environment, environments, file.parent, whole))
    if any(one.severity is Severity.ERROR for one in found):
        return Seen(environment, tuple(found))
    return Seen(environment, tuple(found), _loaded(project, filled, environment, file, tuple(found)))


def project_of(document: Document) -> Project | tuple[Diagnostic, ...]:
    """The project in a document without references, or every problem of its shape."""
    data = document.data
    try:
        # Through JSON: lists may stand for tuples there, and all else stays strict.
        return Project.model_validate_json(json.dumps(data))
    except ValidationError as error:
        return diagnostics(error.errors(include_url=False), document, lambda at: keys_at(Project, data, at))


def refers(document: Document) -> frozenset[Span]:
    """The places whose text holds a reference."""
    texts = {path: value_at(document.data, path) for path in document.marks}
    return frozenset(document.span_of(path) for path, text in texts.items() if isinstance(text, str) and "${" in text)


def _loaded(
    project: Project, filled: Interpolated, environment: str, file: Path, warnings: tuple[Diagnostic, ...]
) -> Loaded:
    return Loaded(
        project=project,
        document=filled.document,
        environment=environment,
        bindings=filled.bindings,
        folder=file.parent,
        file=file,
        templates=filled.templates,
        warnings=warnings,
    )


def _overlaid(whole: Document, environment: str) -> Document:
    """The overlay merged in; what it removes keeps a mark there, so that a key then missing is shown at the null."""
    document = overlay(whole, environment)
    root: DocPath = ("environments", environment)
    removed = {
        at[len(root) :]: mark
        for at, mark in whole.marks.items()
        if at[: len(root)] == root and len(at) > len(root) and value_at(whole.data, at) is None
    }
    return replace(document, marks={**removed, **document.marks})


def _despite_references(document: Document) -> Iterable[Diagnostic]:
    """The problems of shape of a document whose references cannot be resolved, but not of the references' values."""
    project = project_of(document)
    if isinstance(project, Project):
        return ()
    unresolved = refers(document)
    return [one for one in project if one.span not in unresolved]


def _typed(document: Document, overrides: Mapping[str, Json]) -> dict[str, Json]:
    """Texts of the command line as the type of the parameter's default; unknown names are told by interpolation."""
    defaults = document.data.get("parameters")
    known = {**BUILT_IN, **(defaults if isinstance(defaults, Mapping) else {})}
    return {
        name: _as(name, known[name], value) if isinstance(value, str) and name in known else value
        for name, value in overrides.items()
    }


def _as(name: str, default: Json, text: str) -> Json:
    try:
        return parse_override(text, default)
    except UsageProblem as problem:
        told = [replace(one, message=f"parameter {name!r}: {one.message}") for one in problem.diagnostics]
        raise UsageProblem(told) from None
