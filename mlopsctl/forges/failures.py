"""What can go wrong with a call to GitHub: whether it may pass, how long to wait, and how to tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from mlopsctl.forges.contract import ForgeProblem, NoRights
from mlopsctl.ground.patience import PASSING, seconds_asked
from mlopsctl.ground.text import printable

_MOST_SAID = 300
_LIMITS = ("rate limit", "abuse detection", "retry your request again later", "wait a few minutes")


class NotThere(ForgeProblem):
    """There is no such thing, or this token may not see it."""


@dataclass
class Trouble(Exception):
    """A call that did not end well.

    Attributes:
        status: the HTTP status; 0 when no answer came.
        passing: whether another try can help; ``asked`` is how long GitHub wants us to wait, in seconds.
        unsure: whether the call may have taken effect all the same.
    """

    status: int
    said: str
    passing: bool
    unsure: bool
    asked: float = 0.0

    def problem(self, verb: str, path: str, tried: int) -> ForgeProblem:
        """What a person is told."""
        what = f"{verb} {printable(path)}"
        said = f": {self.said}" if self.said else ""
        if self.status == 401:
            hint = "give a token that is valid as GITHUB_TOKEN, or the App's id and key"
            return ForgeProblem.because(
                "forge-credentials", f"GitHub does not accept the credentials for {what}", hint=hint
            )
        if self.passing:
            times = "once" if tried == 1 else f"{tried} times"
            message = f"GitHub could not be asked {what} (tried {times}){said}"
            if self.asked:
                message += f"; it asks to wait {self.asked:.0f} s"
            hint = "run the same command again later: what took effect is found and not done twice"
            return ForgeProblem.because("forge-unreachable", message, hint=hint)
        if self.status == 403:
            hint = "the job needs `checks: write`, `pull-requests: write`, `statuses: write` or `deployments: write`"
            return NoRights.because("forge-rights", f"the token may not {what}{said}", hint=hint)
        if self.status in (404, 410):
            return NotThere.because(
                "forge-not-there", f"GitHub knows no {printable(path)}, or the token may not see it"
            )
        return ForgeProblem.because("forge-refused", f"GitHub refused {what} ({self.status}){said}")


def trouble(error: Exception, *, reads: bool) -> Trouble:
    """What an error of the client means."""
    from github import GithubException

    if not isinstance(error, GithubException):
        return Trouble(0, _short(f"{type(error).__name__}: {error}"), passing=True, unsure=not reads)
    headers = {str(key).lower(): str(value) for key, value in (error.headers or {}).items()}
    said = _said(error.data)
    limited = error.status == 429 or (error.status == 403 and _is_limit(said, headers))
    return Trouble(
        error.status,
        said,
        passing=limited or error.status in PASSING,
        unsure=not reads and not limited and error.status >= 500,
        asked=_asked(headers) if limited or error.status in PASSING else 0.0,
    )


def _is_limit(said: str, headers: Mapping[str, str]) -> bool:
    """Whether a 403 means: too many calls, and not: no rights."""
    words = any(limit in said.lower() for limit in _LIMITS)
    return words or "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"


def _asked(headers: Mapping[str, str]) -> float:
    """How long GitHub asks us to wait, in seconds: ``Retry-After`` as a number or a date, else the end of the limit."""
    after = headers.get("retry-after", "")
    if after:
        return seconds_asked(after) or _until(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, int(reset) - time.time())
    return 0.0


def _until(date: str) -> float:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _said(data: object) -> str:
    """GitHub's own message, with what it says of single fields."""
    if not isinstance(data, Mapping):
        return ""
    told = [str(data.get("message") or "")]
    errors = data.get("errors")
    for one in errors if isinstance(errors, list) else []:
        told.append(str(one.get("message") or one.get("code") or "") if isinstance(one, Mapping) else str(one))
    return _short("; ".join(part for part in told if part))


def _short(text: str) -> str:
    clean = printable(text)
    return clean if len(clean) <= _MOST_SAID else clean[:_MOST_SAID] + "…"
