"""Secrets written into the project, and run-time parameters where nothing is read at run time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlopsctl.config.document import Document
from mlopsctl.config.secrets import looks_secret, secret_under
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.redact import register_secret
from mlopsctl.ground.source import DocPath

# Fields that steps read when they run: only there a parameter can have another value in every run.
RUN_TIME: tuple[tuple[str, ...], ...] = (
    ("training", "targets", "*", "params"),
    ("training", "targets", "*", "tune"),
    ("components", "*", "parameters"),
    ("components", "*", "when"),
    ("data", "*", "source"),
    ("features", "*", "params"),
)


def literal_secrets(document: Document) -> Iterator[Diagnostic]:
    """Texts that look like secrets; from then on they are masked in everything that is printed."""
    for path, text in _texts(document.data, ()):
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        if path[-1:] == ("secret",) or not (looks_secret(text) or secret_under(key, text)):
            continue
        register_secret(text)
        yield Diagnostic(
            "literal-secret",
            f"the value of {key!r} looks like a secret",
            document.span_of(path),
            "write {secret: NAME} and give the value in the environment variable NAME; then renew the secret: "
            "who can read this file knows it",
        )


def misplaced_parameters(document: Document, bindings: Mapping[DocPath, str]) -> Iterator[Diagnostic]:
    """References to run-time parameters in fields that are fixed when the plan is made."""
    for path, name in bindings.items():
        if not read_at_run_time(path):
            yield Diagnostic(
                "misplaced-parameter",
                f"${{parameters.{name}}} cannot stand here: this is read when the plan is made, not when steps run",
                document.span_of(path),
                "use ${vars.…}, or write the value; parameters may stand in a target's params and tune, in a "
                "component's parameters and when, and in a source",
            )


def read_at_run_time(path: DocPath) -> bool:
    """Whether a parameter may stand at this place; never in a ``kind``."""
    if path[-1:] == ("kind",):
        return False
    return any(
        len(path) >= len(pattern) and all(want in ("*", part) for want, part in zip(pattern, path, strict=False))
        for pattern in RUN_TIME
    )


def _texts(value: Json, path: DocPath) -> Iterator[tuple[DocPath, str]]:
    """Every text with its path; the depth of a document is limited."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
