"""When a call to Google is tried again: the server is busy, or the line broke; after as long as the server asks."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.api_core.retry import Retry

TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 16.0
_LONGEST_ASKED = 60.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


class Patience:
    """How often one call was tried; only for calls that may be repeated."""

    def __init__(self) -> None:
        self.tries = 1

    def retry(self) -> Retry:
        """For the functions of Google's client."""
        from google.api_core.retry import Retry

        return Retry(
            predicate=self.once_more, on_error=_as_asked, initial=FIRST_PAUSE, maximum=LONGEST_PAUSE, timeout=None
        )

    def once_more(self, error: BaseException) -> bool:
        """Whether to try again after this error, which counts as a try."""
        if self.tries >= TRIES or not passing(error):
            return False
        _release(error)
        self.tries += 1
        return True

    def pause(self, error: BaseException) -> None:
        """Wait before the next try."""
        _as_asked(error)
        time.sleep(min(FIRST_PAUSE * 2 ** (self.tries - 1), LONGEST_PAUSE))


def passing(error: BaseException) -> bool:
    """Whether what went wrong may be right in a moment."""
    import requests
    import urllib3
    from google.auth.exceptions import TransportError

    if _status(error):
        return _status(error) in _PASSING
    lines = (
        requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, ConnectionError,
        urllib3.exceptions.ProtocolError, urllib3.exceptions.TimeoutError, TransportError,
    )  # fmt: skip
    return isinstance(error, lines)


def _status(error: BaseException) -> int:
    """The HTTP status of a refusal; 0 for anything else."""
    response = getattr(error, "response", None)
    return int(getattr(response, "status_code", None) or getattr(error, "code", None) or 0)


def _release(error: BaseException) -> None:
    """Read a refusal to its end, so that its connection can be used again."""
    import requests

    response = getattr(error, "response", None)
    if isinstance(response, requests.Response):
        with suppress(requests.RequestException):
            _ = response.content


def _as_asked(error: BaseException) -> None:
    """Wait as many seconds as the server's ``Retry-After`` asks for, within a minute."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = str(headers.get("Retry-After", ""))
    if asked.isdecimal():
        time.sleep(min(float(asked), _LONGEST_ASKED))
