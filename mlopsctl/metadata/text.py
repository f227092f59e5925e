"""Text and JSON on their way into the database and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar, cast

from mlopsctl.ground.digest import Json
from mlopsctl.metadata.database import CHUNK
from mlopsctl.metadata.problems import MetadataProblem

MAX_NAME = 100

T = TypeVar("T")


def name(value: str) -> str:
    """A name as it may stand in the database: printable, without ``/``, at most 100 characters.

    Raises:
        MetadataProblem: for any other text.
    """
    if not value or "/" in value or not value.isprintable() or len(value) > MAX_NAME:
        raise MetadataProblem.because(
            "bad-name",
            f"{value[:MAX_NAME]!r} cannot be a name in the metadata store",
            hint=f"use 1 to {MAX_NAME} printable characters without '/'",
        )
    return value


def prose(value: str) -> str:
    """Text for people, with what UTF-8 or a database cannot carry written as an escape."""
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def dump(value: Json) -> str:
    """JSON as ASCII text with sorted keys. NaN and infinities pass: a note of them must not lose the execution."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def load(text: str) -> Json:
    """The inverse of :func:`dump`; tuples come back as lists."""
    return cast(Json, json.loads(text))


def document_digest(body: str) -> str:
    """The name of a document in the table of documents."""
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists small enough for one ``IN (…)``."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def _plain(value: object) -> object:
    """A frozen mapping as a dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
