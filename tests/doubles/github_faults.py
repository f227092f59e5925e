"""What can go wrong with a call to GitHub: refused, limited, broken, cut off, done and the reply lost or cut short."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """What goes wrong with the calls of an operation (``*`` for all), and how often.

    ``kind``: ``status`` answers with ``status``; ``reset`` cuts the line before anything happens; ``lost`` after it
    happened; ``truncated`` sends half of the answer.
    """

    operation: str
    kind: str = "status"
    status: int = 500
    message: str = "Server Error"
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: int = 0


class Refusal(Exception):
    """An answer that is an error, in GitHub's form."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}


class Faults:
    """The faults to come, and the operations that were struck."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.struck: list[str] = []
        self._lock = threading.Lock()

    def add(self, operation: str, **how: Any) -> None:
        """One more fault; see :class:`Fault`."""
        with self._lock:
            self.waiting.append(Fault(operation, **how))

    def limited(self, operation: str, *, retry_after: str = "0", status: int = 403, times: int = 1) -> None:
        """A secondary rate limit."""
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        self.add(operation, status=status, message=message, headers={"Retry-After": retry_after}, times=times)

    def due(self, operation: str) -> Fault | None:
        """The fault that strikes this call."""
        with self._lock:
            for fault in self.waiting:
                if fault.operation not in (operation, "*") or fault.times <= 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                self.struck.append(operation)
                return fault
        return None
