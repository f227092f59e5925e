"""A path that was put together wrongly: a slash twice, or a folder in itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene

_KEYS = ("uri", "path", "files", "artifacts", "dags", "prefix")
_SLASHES = re.compile(r"(?<!:)/{2,}")


def look(scene: Scene) -> Iterator[Finding]:
    """Locations with ``//`` after the scheme, or with the same name twice in a row."""
    for path, text in scene.texts():
        if not any(part in _KEYS for part in path):
            continue
        scheme, separator, rest = text.rpartition("://")
        mended = scheme + separator + _SLASHES.sub("/", rest)
        parts = mended.rpartition("://")[2].split("/")
        twice = next(
            (one for one, other in pairwise(parts) if one == other and one not in ("", ".", "..", "*", "**")), ""
        )
        raw = scene.raw(path)
        if mended != text and scheme not in ("file", "sqlite"):
            fix = (scene.edit.replaced(path, raw.replace(rest, _SLASHES.sub("/", rest))),) if rest in raw else ()
            yield Finding(path, f"{text!r} has a slash twice", f"write {mended}", fix)
        elif twice:
            again = f"{twice}/{twice}"
            fix = (scene.edit.replaced(path, raw.replace(again, twice, 1)),) if raw.count(again) == 1 else ()
            yield Finding(path, f"{text!r} has {twice!r} twice in a row", f"write it with one {twice}", fix)


LINT = Lint("doubled-path", Severity.WARNING, "A path with a doubled slash or name", ("D10",), look)
