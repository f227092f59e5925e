"""What can go wrong with a call to Google: refused, too many, broken, cut off, or done and the reply lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GoogleError(Exception):
    """An answer that is an error, with Google's own body; a handler raises it to refuse a call.

    ``status`` is Google's word for it; by default the usual one of the HTTP code.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: str = "",
        details: tuple[Mapping[str, Any], ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or STATUS.get(code, "UNKNOWN")
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = [dict(one) for one in self.details]
        return {"error": error}


class CutOff(Exception):
    """The connection ends without an answer."""


@dataclass
class Fault:
    """What goes wrong, and how often; ``lost`` lets the call take effect before the connection is cut."""

    error: GoogleError | None = None
    lost: bool = False
    times: int = 1
    after: int = 0


@dataclass
class Faults:
    """The faults to come, by the discovery id of the call; ``*`` stands for every call."""

    waiting: dict[str, list[Fault]] = field(default_factory=dict)
    struck: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def too_many(self, method: str, *, retry_after: int = 1, times: int = 1, after: int = 0) -> None:
        """Answer 429 with ``Retry-After`` in seconds."""
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after}s"}
        headers = {"Retry-After": str(retry_after)}
        message = "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'."
        self._add(method, Fault(GoogleError(429, message, details=(info,), headers=headers), times=times, after=after))

    def broken(self, method: str, code: int = 500, *, times: int = 1, after: int = 0) -> None:
        """Answer 500, or 503 with ``code``."""
        self._add(method, Fault(GoogleError(code, "Internal error encountered."), times=times, after=after))

    def refused(self, method: str, permission: str = "", *, times: int = 1, after: int = 0) -> None:
        """Answer 403 with Google's reason."""
        what = permission or method
        info = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "IAM_PERMISSION_DENIED",
            "domain": "aiplatform.googleapis.com",
            "metadata": {"permission": what},
        }
        message = f"Permission '{what}' denied on resource (or it may not exist)."
        self._add(method, Fault(GoogleError(403, message, details=(info,)), times=times, after=after))

    def reset(self, method: str, *, times: int = 1, after: int = 0) -> None:
        """Reset the connection before the call does anything."""
        self._add(method, Fault(times=times, after=after))

    def lose_reply(self, method: str, *, times: int = 1, after: int = 0) -> None:
        """Do what is asked and reset the connection instead of answering."""
        self._add(method, Fault(lost=True, times=times, after=after))

    def clear(self) -> None:
        """Nothing more goes wrong."""
        with self._lock:
            self.waiting.clear()

    def before(self, method: str) -> bool:
        """Strike before the call takes effect; true when its reply must be lost afterwards.

        Raises:
            GoogleError: the answer to give.
            CutOff: when the connection is to be cut now.
        """
        with self._lock:
            fault = self._due(method)
            if fault is None:
                return False
            self.struck.append(method)
        if fault.lost:
            return True
        if fault.error is not None:
            raise fault.error
        raise CutOff

    def _due(self, method: str) -> Fault | None:
        for name in (method, "*"):
            for fault in self.waiting.get(name, []):
                if fault.after > 0:
                    fault.after -= 1
                    return None
                if fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def _add(self, method: str, fault: Fault) -> None:
        with self._lock:
            self.waiting.setdefault(method, []).append(fault)
