"""The one redactor: every text that leaves the tool goes through it, so that a resolved secret never does.

Whoever resolves a secret calls :func:`register_secret`; from then on the value, its base64 forms, its URL escapes and
its JSON escapes are shown as ``***``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

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
    raw = value.encode("utf-8", errors="surrogatepass")
    for escaped in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield escaped
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), escaped)
    yield json.dumps(value)[1:-1]
    yield raw.hex()
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
