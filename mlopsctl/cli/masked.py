"""What a command prints: on its way out every secret that it looked up is masked, whoever printed it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from mlopsctl.ground.redact import redact


class _Masked:
    """A text stream in front of another."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def masked_output() -> Iterator[None]:
    """Mask what goes to stdout and stderr for the time of a command."""
    ours = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Masked(stream)) for stream in ours)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = ours
