"""YAML as it is written here: plain data in block style, every text in double quotes, the same bytes everywhere.

What is not in quotes is a number, ``true``, ``false``, ``null``, ``{}``, ``[]``, or a key that no reader of YAML takes
for anything but text. The quoted texts are JSON's, so nothing in a user's text can end one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from mlopsctl.ground.digest import Json

_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_quoted = json.JSONEncoder(ensure_ascii=False).encode
# Outside of what YAML calls printable, and its line ends: some readers refuse them, others change them.
_ESCAPED = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def to_yaml(*documents: Json) -> bytes:
    """The documents as one YAML stream in UTF-8."""
    return "---\n".join(_block(document) for document in documents).encode()


def _block(document: Json) -> str:
    lines: list[str] = []
    if _is_block(document):
        _write(document, "", lines, "")
    else:
        lines.append(_scalar(document))
    return "\n".join(lines) + "\n"


def _write(value: Json, indent: str, lines: list[str], lead: str) -> None:
    """Append a mapping or a list; ``lead`` is what stands before its first line, already indented."""
    start, inner = lead or indent, indent + "  "
    if type(value) is dict or isinstance(value, Mapping):
        for key, item in value.items():
            if _is_block(item):
                lines.append(f"{start}{_key(key)}:")
                _write(item, inner, lines, "")
            else:
                lines.append(f"{start}{_key(key)}: {_scalar(item)}")
            start = indent
    elif isinstance(value, Sequence):
        for item in value:
            if _is_block(item):
                _write(item, inner, lines, f"{start}- ")
            else:
                lines.append(f"{start}- {_scalar(item)}")
            start = indent


def _is_block(value: Json) -> bool:
    # The class itself is asked first: the protocols cost ten times as much.
    kind = type(value)
    if kind is str or kind is bool:
        return False
    if kind is dict or kind is list:
        return bool(value)
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str) and len(value) > 0


@lru_cache(4096)
def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS else _text(key)


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _number(value: float) -> str:
    """A float that every reader takes for one: YAML 1.1 wants a point before the exponent."""
    text = json.dumps(value, allow_nan=False)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text


def _text(text: str) -> str:
    quoted = _quoted(text)
    return quoted if text.isascii() and "\x7f" not in text else _ESCAPED.sub(_escape, quoted)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
