"""What a project asks for that the language knows and this version cannot execute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.config.project import Project
from mlopsctl.ground.model import NotYet, Spec
from mlopsctl.ground.source import DocPath


def pending(project: Project) -> list[tuple[DocPath, str, bool]]:
    """Where it stands, what it is, as a phrase (``the drift check``), and whether it keeps the project from running.

    What does not touch a run (triggers, notifications, CI, promotion) does not block.
    """
    return list(_walk(project, ()))


def _walk(value: object, path: DocPath) -> Iterator[tuple[DocPath, str, bool]]:
    if isinstance(value, Spec):
        if getattr(value, "enabled", True) is False:
            return
        if value.not_yet:
            yield path, value.not_yet, value.blocking
            return
        yield from _fields(value, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index))


def _fields(spec: Spec, path: DocPath) -> Iterator[tuple[DocPath, str, bool]]:
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        here = (*path, field.alias or name)
        marks = [mark for mark in field.metadata if isinstance(mark, NotYet)]
        if marks and value != field.get_default(call_default_factory=True, validated_data={}):
            yield from ((here, mark.reason, mark.blocking) for mark in marks)
        else:
            yield from _walk(value, here)
