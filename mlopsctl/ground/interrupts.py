"""Interrupts: Ctrl-C, TERM and HUP noted while a run goes on, so that it can stop in order."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Counts the requests to stop. Readable (``fileno``) after each, so that a selector wakes up.

    Signals reach only the main thread; a run in another one is stopped by its own means. ``active=False`` leaves all
    signals as they are.
    """

    def __init__(self, *, active: bool = True) -> None:
        self.count = 0
        self._active = active and threading.current_thread() is threading.main_thread()
        self._heard, self._rung = socket.socketpair()
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}
        self._wakeup = -1

    def __enter__(self) -> Interrupts:
        for end in (self._heard, self._rung):
            end.setblocking(False)
        if self._active:
            self._wakeup = signal.set_wakeup_fd(self._rung.fileno(), warn_on_full_buffer=False)
            for number in _NUMBERS:
                # Whoever started us with `nohup` wants no HUP.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._active:
            signal.set_wakeup_fd(self._wakeup)
        self._heard.close()
        self._rung.close()

    def fileno(self) -> int:
        """For selectors."""
        return self._heard.fileno()

    def drain(self) -> None:
        """Read what woke the selector."""
        self._heard.recv(4096)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
