"""Secrets by their names: where ``{secret: NAME}`` stands, and where its value comes from.

The value is the environment variable ``NAME``, or the content of the file that ``NAME_FILE`` names (without the line
end at its end), as container platforms mount it. Whoever looks a value up has it masked from then on in all that is
printed and recorded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import register_secret

FILE_SUFFIX = "_FILE"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_MAX_BYTES = 1 << 20


def secret_value(name: str, ambient: Mapping[str, str] = os.environ) -> str:
    """The value of a secret, masked from now on.

    Raises:
        StepProblem: when it is set nowhere, is empty, or its file cannot be read.
    """
    value = ambient.get(name)
    if value is None and (file := ambient.get(f"{name}{FILE_SUFFIX}")):
        value = _content(name, Path(file))
    if not value:
        raise StepProblem.because(
            "missing-secret",
            f"the secret {name} is {'not set' if value is None else 'empty'}",
            hint=f"set the environment variable {name}, or {name}{FILE_SUFFIX} to a file that holds it",
        )
    register_secret(value)
    return value


def secrets_named(value: Json) -> tuple[str, ...]:
    """The names of the secrets that a value refers to, each once, in order."""
    return tuple(sorted(set(_names(value))))


def look_up(value: Json, ambient: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The values of all secrets that a value refers to, by name; see :func:`secret_value`."""
    return {name: secret_value(name, ambient) for name in secrets_named(value)}


def grant(values: Mapping[str, str]) -> None:
    """Give secrets to this process and its children: as environment variables, and masked in what they print."""
    for name, value in values.items():
        os.environ[name] = value
        register_secret(value)


def with_secrets(value: Json) -> Json:
    """The value with each ``{secret: NAME}`` in it replaced by the secret itself; only for the process that needs it.

    Raises:
        StepProblem: when one is not set.
    """
    name = _reference(value)
    if name:
        return secret_value(name)
    if isinstance(value, Mapping):
        return {key: with_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_secrets(item) for item in value]
    return value


def _names(value: Json) -> Iterable[str]:
    name = _reference(value)
    if name:
        yield name
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names(item)


def _reference(value: Json) -> str:
    """The name in ``{secret: NAME}``; empty for anything else."""
    if isinstance(value, Mapping) and len(value) == 1:
        name = value.get("secret")
        if isinstance(name, str) and _NAME.fullmatch(name):
            return name
    return ""


def _content(name: str, file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_BYTES).decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise StepProblem.because(
            "missing-secret",
            f"the file of the secret {name} cannot be read: {why}",
            hint=f"{name}{FILE_SUFFIX} names {file}",
        ) from error
