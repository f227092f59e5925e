"""What can go wrong between here and a place of objects; each says which call, to which host, and what to do."""

from __future__ import annotations

from mlopsctl.ground.errors import ExitCode, Problem
from mlopsctl.ground.text import printable

_LONGEST = 300


class ObjectsUnavailable(Problem):
    """A place of objects cannot be reached, refuses, or does not do what was asked (exit 1)."""

    exit_code = ExitCode.FAILED


def refused(action: str, host: str, status: int, said: str, *, hints: dict[int, str], tries: int = 1) -> Problem:
    """A server's answer that is no success.

    Args:
        action: what was asked, with the URL: ``write gs://bucket/name``.
        host: who answered.
        status: the HTTP status.
        said: the server's own words.
        hints: what to do, by status, where the place knows better than this function.
        tries: how often it was asked.
    """
    words = printable(" ".join(said.split()))[:_LONGEST]
    answer = f"{host} answers {status}{f': {words}' if words else ''}"
    if status == 401:
        id, hint = "no-credentials", "give this machine credentials for the place"
    elif status == 403:
        id, hint = "permission-denied", "let these credentials do that there"
    elif status == 404:
        id, hint = "no-such-place", "correct the URL, or make the place first"
    elif status in (408, 429) or status >= 500:
        id, hint = "place-busy", "try again later; where it happens often, ask for a higher quota there"
        answer += f", {tries} times in a row" if tries > 1 else ""
    else:
        id, hint = "call-refused", "correct the URL"
    return ObjectsUnavailable.because(id, f"cannot {action}: {answer}", hint=hints.get(status, hint))


def unreachable(action: str, host: str, why: str, *, hint: str = "", tries: int = 1) -> Problem:
    """Nobody answered."""
    often = f" ({tries} tries)" if tries > 1 else ""
    message = f"cannot {action}: {host} cannot be reached: {printable(why)[:_LONGEST]}{often}"
    return ObjectsUnavailable.because("unreachable", message, hint=hint or "check the network and the URL")


def half_done(action: str, host: str, why: str = "kept other bytes than were sent; they were removed") -> Problem:
    """The place says it is done, and it is not."""
    message = f"cannot {action}: {host} {why}"
    return ObjectsUnavailable.because("damaged-on-the-way", message, hint="run the same command again")


def reason(error: BaseException) -> str:
    """The innermost cause in the words of the operating system or of the library, without URLs and session ids."""
    seen: list[BaseException] = []
    while error not in seen:
        seen.append(error)
        inner = error.__cause__ or error.__context__ or next((a for a in error.args if isinstance(a, Exception)), None)
        nested = getattr(error, "reason", None)
        error = inner or (nested if isinstance(nested, Exception) else error)
    for one in reversed(seen):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    return next((str(one) for one in seen if str(one)), type(seen[0]).__name__)
