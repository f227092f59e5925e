"""The one redactor: every text that leaves the tool goes through it, so that a resolved secret never does.

Whoever resolves a secret calls :func:`register_secret`; from then on the value is shown as ``***``, and so are its
base64 forms, its hexadecimal, and its escapes in URLs, JSON, HTML and Python.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

from mlopsctl.ground.digest import Json

MASK = "***"

# Encodings of very short values would meet by chance in any text; the value itself is always masked.
_SHORTEST_ENCODED = 4
# Lines of a secret of several lines (a private key) may be printed one by one.
_SHORTEST_LINE = 8

_hidden: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register_secret(value: str) -> None:
    """From now on, mask this value wherever text leaves. Empty text is not a secret."""
    global _pattern
    if not value:
        return
    _hidden.update(_forms(value))
    _pattern = re.compile("|".join(re.escape(form) for form in sorted(_hidden, key=len, reverse=True)))


def redact(text: str) -> str:
    """The text with every registered secret masked."""
    return text if _pattern is None else _pattern.sub(MASK, text)


def redact_json(value: Json) -> Json:
    """The value with every registered secret masked in all of its texts, keys too."""
    if _pattern is None:
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(key): redact_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(item) for item in value]
    return value


class StreamRedactor:
    """Bytes that come in pieces, with the secrets registered so far masked, also one that lies across pieces."""

    def __init__(self) -> None:
        forms = sorted((form.encode("utf-8", "surrogatepass") for form in _hidden), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, forms))) if forms else None
        self._longest = len(forms[0]) if forms else 0
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """What is sure by now; where a secret may begin, it waits for the next piece."""
        return self._masked(piece, final=False)

    def end(self) -> bytes:
        """The rest."""
        return self._masked(b"", final=True)

    def _masked(self, piece: bytes, *, final: bool) -> bytes:
        if self._pattern is None:
            return piece
        text = self._held + piece
        # A secret that begins before this place lies wholly in the text, whichever of its forms it is.
        sure = len(text) if final else max(0, len(text) - self._longest + 1)
        shown, at = [], 0
        for found in self._pattern.finditer(text):
            if found.start() >= sure:
                break
            shown += [text[at : found.start()], MASK.encode()]
            at = found.end()
        cut = max(at, sure)
        self._held = text[cut:]
        return b"".join([*shown, text[at:cut]])


def forget_secrets() -> None:
    """Forget all registered values, at the end of a test or of a long-lived process's task."""
    global _pattern
    _hidden.clear()
    _pattern = None


def _forms(value: str) -> Iterator[str]:
    yield value
    stripped = value.strip()
    if stripped:
        yield stripped
    for line in value.splitlines():
        if len(line.strip()) >= _SHORTEST_LINE:
            yield line.strip()
    if len(value) >= _SHORTEST_ENCODED:
        for form in {value, stripped}:
            yield from _encoded(form)


def _encoded(value: str) -> Iterator[str]:
    from html import escape  # here, for it takes milliseconds and few commands meet a secret

    raw = value.encode("utf-8", errors="surrogatepass")
    for escaped in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield escaped
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), escaped)
    yield "".join(f"%{byte:02X}" for byte in raw)
    yield "".join(f"%{byte:02x}" for byte in raw)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    for quotes in (True, False):
        yield escape(value, quote=quotes)
    yield raw.hex()
    yield raw.hex().upper()
    for shift in range(3):
        yield from _base64_core(raw, shift)


def _base64_core(raw: bytes, shift: int) -> Iterator[str]:
    """What base64 makes of the value when ``shift`` other bytes stand before it (``user:secret``).

    The characters that also depend on a neighbour are left out.
    """
    first = {0: 0, 1: 2, 2: 3}[shift]
    sure = (shift + len(raw)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        core = encode(b"\0" * shift + raw).decode("ascii")[first:sure]
        if len(core) >= _SHORTEST_ENCODED:
            yield core
