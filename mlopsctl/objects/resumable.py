"""A large upload to Google in pieces: what broke on the way is asked after, and goes on from there.

Google's client repeats a piece that failed but does not ask how much of it arrived, and gives up at the next one; so
the pieces are sent here. The object is visible only after the last piece, which is sent when all bytes are right.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json
from mlopsctl.objects.content import Content
from mlopsctl.objects.patience import Patience

if TYPE_CHECKING:
    import requests

PIECE = 8 << 20
TIMEOUT = (10.0, 120.0)
_RANGE = re.compile(r"bytes=0-(\d+)")


class SessionLost(Exception):
    """The server does not know the upload any more, or knows other bytes of it; it must begin anew."""


def send(line: requests.Session, url: str, content: Content) -> dict[str, Json]:
    """Send a content to an upload session, and return what the server then says of the object.

    Raises:
        SessionLost, ContentChanged: the session is then cancelled.
        google.api_core.exceptions.GoogleAPICallError: for a refusal.
        requests.RequestException: when nobody answers any more.
    """
    try:
        return _send(line, url, content)
    except BaseException:
        with suppress(Exception):  # it ends by itself after a week, and nobody sees it
            line.delete(url, timeout=TIMEOUT)
        raise


def _send(line: requests.Session, url: str, content: Content) -> dict[str, Json]:
    sent, held, patience = 0, b"", Patience()
    while True:
        held = held or content.read(PIECE)
        answer = _piece(line, url, sent, held, content.size, patience)
        if answer.status_code in (200, 201):
            described: dict[str, Json] = answer.json()
            return described
        there = _arrived(answer)
        if not sent <= there <= sent + len(held):
            raise SessionLost
        if there > sent:
            patience = Patience()
        held, sent = held[there - sent :], there


def _piece(
    line: requests.Session, url: str, sent: int, held: bytes, size: int, patience: Patience
) -> requests.Response:
    """The answer to a piece; after a failure, to the question how much arrived."""
    import requests
    from google.api_core import exceptions

    span, body = f"bytes {sent}-{sent + len(held) - 1}/{size}", held
    while True:
        try:
            answer = line.put(url, data=body, headers={"Content-Range": span}, timeout=TIMEOUT, allow_redirects=False)
            if answer.status_code in (200, 201, 308):
                return answer
            if answer.status_code in (404, 410):
                raise SessionLost
            raise exceptions.from_http_response(answer)  # type: ignore[no-untyped-call]
        except (requests.RequestException, exceptions.GoogleAPICallError) as error:
            if not patience.once_more(error):
                raise
            patience.pause(error)
        span, body = f"bytes */{size}", b""


def _arrived(answer: requests.Response) -> int:
    """How many bytes the server has."""
    said = answer.headers.get("Range")
    if said is None:
        return 0
    found = _RANGE.fullmatch(said)
    if found is None:
        raise SessionLost
    return int(found[1]) + 1
