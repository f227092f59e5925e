"""Load a project from its file.

``load_project`` gives one environment's project or raises; ``check_project`` looks at the base and every environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlopsctl.config.decode import MAX_BYTES
from mlopsctl.config.document import Document, read_document
from mlopsctl.config.look import Loaded, Seen, look, project_of, refers
from mlopsctl.config.overlay import DEFAULT, base, environment_names
from mlopsctl.config.previews import apart, origin, with_preview
from mlopsctl.config.project import Project
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span, UsageProblem
from mlopsctl.ground.source import SourceFile

FILE = "mlops.yaml"

__all__ = [
    "FILE", "Loaded", "check_project", "inspect_project", "load_project", "names_of", "parse_overrides", "texts_of"
]  # fmt: skip


def load_project(
    path: Path,
    environment: str | None = None,
    overrides: Mapping[str, Json] | None = None,
    *,
    contracts: bool = True,
) -> Loaded:
    """The project in a file, or in ``mlops.yaml`` of a folder, as one environment sees it.

    Without ``environment`` it is the only one; ``pr-7`` is a preview, where the project has them. Overrides are
    values of parameters; a text is read as the type of the parameter's default. Without ``contracts`` the schema
    files of datasets count as not named: for who drafts one.

    Raises:
        InvalidProject: with every problem of that environment.
        UsageProblem: when the environment or an override does not fit the project.
    """
    document = _read(path) if contracts else _without_contracts(_read(path))
    names = environment_names(document)
    of = origin(document, names, environment)
    if of and environment is not None:
        document, names = with_preview(document, of, environment), (*names, environment)
    seen = look(document, _file(path).resolve(), _chosen(names, environment), names, overrides or {})
    if seen.loaded is None:
        raise InvalidProject(_in_order(seen.found))
    return apart(seen.loaded, of) if of else seen.loaded


def check_project(path: Path) -> tuple[tuple[Diagnostic, ...], dict[str, SourceFile]]:
    """Every problem of a project, in the base and in each environment, each once; and the texts they stand in.

    A problem that only some environments have names them, unless it stands in the environment's own overlay.
    """
    found, sources, _ = inspect_project(path)
    return found, sources


def inspect_project(path: Path) -> tuple[tuple[Diagnostic, ...], dict[str, SourceFile], tuple[Loaded, ...]]:
    """:func:`check_project`, and the project in every environment that has no error."""
    try:
        document = _read(path)
    except InvalidProject as problem:
        return problem.diagnostics, texts_of(problem.diagnostics), ()
    file = _file(path).resolve()
    try:
        names = environment_names(document)
    except InvalidProject as problem:
        alone = replace(document, data={key: value for key, value in document.data.items() if key != "environments"})
        found = (*problem.diagnostics, *look(alone, file, DEFAULT, (DEFAULT,), {}).found)
        return _in_order(found), texts_of(found), ()
    seen = [look(document, file, name, names, {}) for name in names]
    found = _in_order([*_of_base(document, names), *_merged(document, seen)])
    return found, texts_of(found), tuple(each.loaded for each in seen if each.loaded is not None)


def names_of(path: Path) -> tuple[str, ...]:
    """The names of the project's environments, in declared order.

    Raises:
        InvalidProject: when the file cannot be read.
    """
    return environment_names(_read(path))


def parse_overrides(given: Sequence[str]) -> dict[str, Json]:
    """``["name=value", …]`` as parameters by name; the values stay text until the defaults give them a type.

    Raises:
        UsageProblem: for an item without ``=`` or a name given twice.
    """
    found: dict[str, Json] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise UsageProblem.because("bad-override", f"{item!r} is not NAME=VALUE", hint="write it like -p seed=7")
        if name in found:
            raise UsageProblem.because("bad-override", f"the parameter {name!r} is given twice", hint="give it once")
        found[name] = value
    return found


def _file(path: Path) -> Path:
    return path / FILE if path.is_dir() else path


def _read(path: Path) -> Document:
    file = _file(path)
    if path.is_dir() and not file.exists() and (path / "mlops.yml").exists():
        message = f"there is no file {file}"
        raise InvalidProject(Diagnostic("unreadable-file", message, hint="rename mlops.yml to mlops.yaml"))
    return read_document(file, str(file))


def _without_contracts(document: Document) -> Document:
    """The document without the key ``schema`` of any dataset, in the base and in every overlay."""
    return replace(document, data={key: _plain(value, (key,)) for key, value in document.data.items()})


def _plain(value: Json, path: tuple[str, ...]) -> Json:
    if not isinstance(value, Mapping):
        return value
    within = path[2:] if path[0] == "environments" else path
    dataset = len(within) == 2 and within[0] == "data"
    return {key: _plain(item, (*path, key)) for key, item in value.items() if not (dataset and key == "schema")}


def _chosen(names: tuple[str, ...], environment: str | None) -> str:
    if environment is None and len(names) == 1:
        return names[0]
    listed = f"there is: {', '.join(names)}"
    if environment is None:
        message = "this project has several environments, and none was named"
        raise UsageProblem.because("which-environment", message, hint=f"add -e NAME; {listed}")
    if environment not in names:
        raise UsageProblem.because("which-environment", f"there is no environment {environment!r}", hint=listed)
    return environment


def _of_base(document: Document, names: tuple[str, ...]) -> Iterable[Diagnostic]:
    """What is wrong with the base whatever the environments make of it: they may add what it lacks, and no more."""
    if "environments" not in document.data:
        return ()
    try:
        under = base(document)
    except InvalidProject as problem:
        return problem.diagnostics
    project = project_of(under)
    if isinstance(project, Project):
        return ()
    filled_later = refers(under)
    return [one for one in project if not one.id.startswith("missing-") and one.span not in filled_later]


def _merged(document: Document, seen: Sequence[Seen]) -> list[Diagnostic]:
    """The problems of all environments, each once; one that only some of them have names those."""
    owners: dict[Diagnostic, list[str]] = {}
    for each in seen:
        for one in each.found:
            owners.setdefault(one, []).append(each.environment)
    result = []
    for one, environments in owners.items():
        everywhere = len(set(environments)) == len(seen)
        own = any(_inside(one.span, document, name) for name in environments)
        told = one if everywhere or own else replace(one, message=f"{one.message} (in {', '.join(environments)})")
        result.append(told)
    return result


def _inside(span: Span | None, document: Document, environment: str) -> bool:
    """Whether a place lies in an environment's overlay."""
    mark = document.marks.get(("environments", environment))
    if span is None or mark is None or span.file != mark.value.file:
        return False
    start = mark.key or mark.value
    return (start.line, start.column) <= (span.line, span.column) <= (mark.value.end_line, mark.value.end_column)


def texts_of(found: Iterable[Diagnostic]) -> dict[str, SourceFile]:
    """The files that problems point into, as far as they can be read."""
    spans = [span for one in found for span in (one.span, *(at for at, _ in one.related)) if span is not None]
    texts: dict[str, SourceFile] = {}
    for name in sorted({span.file for span in spans}):
        path = Path(name)
        if path.is_file():
            with path.open("rb") as stream:
                texts[name] = SourceFile(name, stream.read(MAX_BYTES).decode("utf-8", errors="replace"))
    return texts


def _in_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each problem once, in the order of the text; what two readers call a secret at one place is one problem."""
    unique: dict[object, Diagnostic] = {}
    for one in found:
        same = (one.id, one.span) if one.id == "literal-secret" else (one.id, one.message, one.span)
        unique.setdefault(same, one)
    return tuple(sorted(unique.values(), key=_place))


def _place(one: Diagnostic) -> tuple[str, int, int]:
    return (one.span.file, one.span.line, one.span.column) if one.span is not None else ("", 0, 0)
