"""Look at a project with every lint, in every environment; and mend what can be mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlopsctl.config.edit import Edit, edited
from mlopsctl.config.load import Loaded, inspect_project, texts_of
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Severity
from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.source import SourceFile
from mlopsctl.lints import LINTS
from mlopsctl.lints.ignore import Ignore, ignores, problems
from mlopsctl.lints.lint import Lint, Scene

_MOST_FIXES = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A finding: what is told, how it is mended, and the reason why it is ignored where it is."""

    diagnostic: Diagnostic
    fix: tuple[Edit, ...] = ()
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """All that was found in a project file, in the order of the text."""

    file: Path
    found: tuple[Found, ...]
    sources: dict[str, SourceFile] = field(default_factory=dict)

    @property
    def open(self) -> tuple[Found, ...]:
        """What nobody ignores."""
        return tuple(one for one in self.found if not one.ignored)


def look_at(file: Path, lints: Sequence[Lint] = LINTS) -> Looked:
    """Look at a project file.

    Raises:
        InvalidProject: when it is not valid; with every problem.
    """
    wrong, _, environments = inspect_project(file)
    if errors := [one for one in wrong if one.severity is Severity.ERROR]:
        raise InvalidProject(errors)
    unique: dict[object, Found] = {}
    for loaded in environments:
        for one in _found(loaded, lints):
            unique.setdefault((one.diagnostic.id, one.diagnostic.span), one)
    written = ignores(environments[0].document.sources[0])
    found, used = _ignoring(list(unique.values()), written)
    found += [Found(one) for one in problems(written, used, [lint.id for lint in LINTS])]
    ordered = tuple(sorted(found, key=_place))
    return Looked(file, ordered, texts_of(one.diagnostic for one in ordered))


def mended(file: Path) -> tuple[str, ...]:
    """Mend what can be mended, one finding after the other; what was done, a sentence each.

    A change that would make the project invalid is not made.

    Raises:
        InvalidProject: when the project is not valid.
    """
    done: list[str] = []
    failed: set[tuple[str, str]] = set()
    for _ in range(_MOST_FIXES):
        one = next((one for one in look_at(file).open if one.fix and _known(one) not in failed), None)
        if one is None:
            break
        if _changed(file, one.fix, one):
            done.append(f"{one.diagnostic.span}: {one.diagnostic.id}: {one.diagnostic.message}")
        else:
            failed.add(_known(one))
    return tuple(done)


def _changed(file: Path, fix: tuple[Edit, ...], found: Found) -> bool:
    before = file.read_bytes()
    mode = file.stat().st_mode & 0o777
    text = before.decode("utf-8-sig")
    write_atomic(file, edited(text, fix).encode(), mode=mode)
    wrong, _, _ = inspect_project(file)
    if not any(one.severity is Severity.ERROR for one in wrong):
        still = {_known(one) for one in look_at(file).open}
        if _known(found) not in still:
            return True
    write_atomic(file, before, mode=mode)
    return False


def _known(found: Found) -> tuple[str, str]:
    return found.diagnostic.id, found.diagnostic.message


def _found(loaded: Loaded, lints: Sequence[Lint]) -> Iterator[Found]:
    scene = Scene(loaded)
    for lint in lints:
        for one in lint.look(scene):
            span = loaded.span(one.path, one.key)
            yield Found(Diagnostic(lint.id, one.message, span, one.hint, lint.severity), one.fix)


def _ignoring(found: Sequence[Found], written: Sequence[Ignore]) -> tuple[list[Found], set[Ignore]]:
    result: list[Found] = []
    used: set[Ignore] = set()
    for one in found:
        span = one.diagnostic.span
        by = next((i for i in written if span and i.line == span.line and i.id == one.diagnostic.id and i.reason), None)
        if by is not None:
            used.add(by)
        result.append(one if by is None else Found(one.diagnostic, one.fix, by.reason))
    return result, used


def _place(found: Found) -> tuple[int, int, str]:
    span = found.diagnostic.span
    return (0, 0, found.diagnostic.id) if span is None else (span.line, span.column, found.diagnostic.id)
