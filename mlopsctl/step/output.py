"""The output of one attempt: everything its processes print, in one file that cannot grow without end.

The processes write into a pipe that a thread of the supervisor empties at once, whatever becomes of the file: a full
disk or a step that prints for ever stops nobody. The file holds the beginning, then the end; secrets are masked on
the way to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import threading
from pathlib import Path

from mlopsctl.ground.redact import StreamRedactor

TAIL = 64 << 10
"""How much of the end is kept when a log is too long, in bytes."""

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_PIPE_BYTES = 1 << 20


class Output:
    """``writer`` is the descriptor for the processes; :meth:`close` brings what is in the pipe to the file.

    Raises:
        OSError: when there is no pipe or no file.
    """

    def __init__(self, path: Path, limit: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, _FLAGS, 0o600)
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        with contextlib.suppress(OSError, AttributeError):
            # Less waking up; where the system does not know it, the pipe is only smaller.
            fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._limit = limit
        self._kept = 0
        self._dropped = 0
        self._tail = b""
        self._masked = StreamRedactor()
        self._end, self._ask = os.pipe()
        self._thread = threading.Thread(target=self._pump, name="output", daemon=True)

    def start(self) -> None:
        """Begin to empty the pipe; after the fork, for a process with threads must not fork."""
        os.close(self.writer)
        self._thread.start()

    def inherit(self) -> int:
        """In the forked child: the descriptor to write to; everything else of this is closed."""
        for descriptor in (self._reader, self._file, self._end, self._ask):
            os.close(descriptor)
        return self.writer

    def close(self, last_words: str = "") -> None:
        """Write what is still in the pipe and the end of a log that was too long; then one more line, if any.

        Nobody waits for processes that hold the pipe open.
        """
        os.close(self._ask)
        if self._thread.ident is not None:
            self._thread.join()
        self._take(self._masked.end())
        left_out = self._dropped - len(self._tail)
        if left_out > 0:
            self._write(f"\nmlopsctl: the log is too long; {left_out:,} bytes are left out here\n".encode())
        self._write(self._tail)
        if last_words:
            self._write(f"{last_words}\n".encode(errors="backslashreplace"))
        for descriptor in (self._reader, self._file, self._end):
            os.close(descriptor)

    def _pump(self) -> None:
        with selectors.DefaultSelector() as selector:
            for descriptor in (self._reader, self._end):
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if not self._drain() or self._end in ready:
                    return

    def _drain(self) -> bool:
        """Take all that is there; false when nobody can write any more."""
        while True:
            try:
                chunk = os.read(self._reader, _PIPE_BYTES)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._take(self._masked.feed(chunk))

    def _take(self, chunk: bytes) -> None:
        room = max(0, self._limit - self._kept)
        self._write(chunk[:room])
        self._kept += min(room, len(chunk))
        beyond = chunk[room:]
        self._dropped += len(beyond)
        self._tail = (self._tail + beyond)[-TAIL:] if beyond else self._tail

    def _write(self, chunk: bytes) -> None:
        # The disk may be full: then the log has a hole, and the step goes on.
        with contextlib.suppress(OSError):
            while chunk:
                chunk = chunk[os.write(self._file, chunk) :]
