"""Digests: canonical bytes in, ``sha256:<64 hex>`` out. The same on every machine, locale and Python.

Canonical JSON is UTF-8, keys sorted by code point, no white space, floats in their shortest round-trip form
(Python's ``repr``), no NaN and no infinity. Concatenations are length-prefixed and every kind of thing has a
domain tag, so that no two different things can share their bytes. Test vectors: ``tests/vectors/digest.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import BinaryIO, TypeAlias

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

PREFIX = "sha256:"
_CHUNK = 1 << 20


def canonical_json(value: Json) -> bytes:
    """The one byte form of a JSON value.

    Raises:
        ValueError: for NaN, an infinity, or text with a lone surrogate.
        TypeError: for anything that is not JSON.
    """
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8"
    )


def digest(domain: str, *parts: bytes) -> str:
    """``sha256:`` of the domain tag and the parts, each prefixed by its length in bytes (8, big-endian)."""
    sha = hashlib.sha256()
    for part in (domain.encode("utf-8"), *parts):
        sha.update(len(part).to_bytes(8, "big"))
        sha.update(part)
    return PREFIX + sha.hexdigest()


def digest_json(domain: str, value: Json) -> str:
    """The digest of a JSON value under a domain tag."""
    return digest(domain, canonical_json(value))


def digest_stream(stream: BinaryIO) -> tuple[str, int]:
    """The plain sha256 of a stream's bytes, as ``sha256sum`` prints it, and its size in bytes."""
    sha = hashlib.sha256()
    size = 0
    while chunk := stream.read(_CHUNK):
        sha.update(chunk)
        size += len(chunk)
    return PREFIX + sha.hexdigest(), size


def _plain(value: Json) -> object:
    """Mappings with text keys as dicts and sequences as lists, so that frozen containers can be dumped too."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a JSON key must be text, not {type(key).__name__}")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not JSON")
