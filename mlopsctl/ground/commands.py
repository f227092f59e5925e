"""Commands: an argument list with placeholders, run without a shell, its last words kept for who asks why it failed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\.([A-Za-z0-9_.-]+)\}")
_TAIL_BYTES = 4_000
_TAIL_LINES = 3
_LONGEST_LINE = 300
_CHUNK = 1 << 16
# A process that outlives the command may hold its stderr open; nobody waits for that one.
_SECONDS_FOR_LAST_WORDS = 1.0


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``{section.name}`` in a word, and where it begins."""

    section: str
    name: str
    at: int


def placeholders(word: str) -> Iterator[Placeholder]:
    """What looks like a placeholder, in order. Other braces mean themselves."""
    for found in _PLACEHOLDER.finditer(word):
        yield Placeholder(found[1], found[2], found.start())


def fill(words: Sequence[str], values: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The words with ``{section.name}`` replaced; what is inserted is never read again, what is unknown stays."""

    def value(found: re.Match[str]) -> str:
        return values.get(found[1], {}).get(found[2], found[0])

    return [_PLACEHOLDER.sub(value, word) for word in words]


def as_argument(value: Json) -> str:
    """A parameter as a command gets it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code (negative: the signal that killed it), and the last lines of its stderr."""

    code: int
    last_words: str


def run_command(words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command in a folder to its end; what it prints goes where this process's output goes, as it comes.

    Raises:
        StepProblem: when it cannot be started.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0
        )
    except (OSError, ValueError) as error:
        raise _not_started(words[0], error) from error
    if process.stderr is None:
        raise AssertionError("stderr was asked for")
    tail = _Tail(process.stderr)
    tail.start()
    code = process.wait()
    tail.join(_SECONDS_FOR_LAST_WORDS)
    return Ended(code, tail.text())


def failure(what: str, ended: Ended) -> str:
    """What a command's end says, in one sentence, with its last words."""
    how = f"was killed by signal {-ended.code}" if ended.code < 0 else f"exited with code {ended.code}"
    return f"{what} {how}: {ended.last_words}" if ended.last_words else f"{what} {how}, and said nothing"


class _Tail(threading.Thread):
    """Passes a stream on to this process's stderr, remembers its end, and closes it.

    What the command left behind may hold the other end; then the stream stays open until that ends.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(name="stderr of a command", daemon=True)
        self._stream = stream
        self._end = b""

    def run(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), _CHUNK):
                self._end = (self._end + chunk)[-_TAIL_BYTES:]
                # A log that takes no more must not stop the command.
                with suppress(OSError):
                    while chunk:
                        chunk = chunk[os.write(2, chunk) :]

    def text(self) -> str:
        """The last lines that say something, on one line."""
        lines = [line.strip() for line in self._end.decode("utf-8", errors="replace").splitlines()]
        last = [line if len(line) <= _LONGEST_LINE else f"…{line[-_LONGEST_LINE:]}" for line in lines if line]
        return printable(" | ".join(last[-_TAIL_LINES:]))


def _not_started(program: str, error: OSError | ValueError) -> StepProblem:
    shown = printable(program)
    if isinstance(error, FileNotFoundError):
        return StepProblem.because(
            "no-program",
            f"there is no program {shown!r} here",
            hint="install it where the steps run, or name it by its path from the project's folder (./train.sh)",
        )
    if isinstance(error, PermissionError):
        return StepProblem.because(
            "no-program",
            f"the program {shown!r} may not be executed",
            hint=f"chmod +x {shown}, or name its interpreter",
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    hint = "a script begins with a line such as #!/bin/sh; or name its interpreter first"
    return StepProblem.because("no-program", f"the program {shown!r} cannot be started: {reason}", hint=hint)
