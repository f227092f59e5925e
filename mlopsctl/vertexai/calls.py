"""Calls to Vertex AI: what may be repeated is, and what still fails says which call, to which host, and what to do.

A write that a lost reply may have carried out is looked for before it is repeated, so nothing is made twice.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mlopsctl.ground.errors import ExitCode, Problem
from mlopsctl.ground.text import printable
from mlopsctl.objects.problems import reason

TRIES = 5
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_ASKED = 0.5, 8.0, 60.0
SECONDS = 60.0
"""How long one call may take."""

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_UNDONE = frozenset({429})
"""Passing refusals that surely changed nothing."""
_LONGEST_WORDS = 600
_REQUEST = re.compile(r"^[A-Z]+ https?://\S+: ")
"""What Google's client writes before the service's own words."""
_LOGIN = "run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name a key file"

Answer = TypeVar("Answer")


class VertexUnavailable(Problem):
    """Vertex AI cannot be reached, refuses, or does not know what was asked for (exit 1)."""

    exit_code = ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Calls:
    """How calls to one project's Vertex AI are made.

    Attributes:
        pause: waits so many seconds.
        section: where its settings stand in ``mlops.yaml``, for advice.
    """

    host: str
    project: str
    location: str
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)
    section: str = "orchestrator"

    def read(self, doing: str, call: Callable[[], Answer]) -> Answer:
        """The answer to a call that changes nothing, or nothing more when it is repeated.

        Raises:
            VertexUnavailable: when it fails, after some tries where that may help.
        """
        return self._made(doing, call, lambda: None)

    def write(self, doing: str, call: Callable[[], Answer], done: Callable[[], Answer | None]) -> Answer:
        """The answer to a call that must take effect once.

        Args:
            done: looks whether an earlier try took effect, and gives what it would have answered.

        Raises:
            VertexUnavailable: when it fails, after some tries where that may help.
        """
        return self._made(doing, call, done)

    def refused(self, doing: str, code: int, said: str, *, disabled: bool = False, tries: int = 1) -> Problem:
        """An answer that is an error."""
        words = _short(said)
        times = f", {tries} times in a row" if tries > 1 else ""
        id, hint = self._advice(code, disabled=disabled)
        answer = f"{self.host} answers {code}{times}{f': {words}' if words else ''}"
        return VertexUnavailable.because(id, f"cannot {doing}: {answer}", hint=hint)

    def _made(self, doing: str, call: Callable[[], Answer], done: Callable[[], Answer | None]) -> Answer:
        tries = 1
        while True:
            try:
                return call()
            except Exception as error:
                code = _code(error)
                if code is None:
                    raise
                if not _passing(error, code):
                    raise self._problem(doing, error, code, tries) from error
                # Also after the last try: it may have taken effect.
                self.pause(_wait(error, tries))
                found = None if code in _UNDONE else done()
                if found is not None:
                    return found
                if tries == TRIES:
                    raise self._problem(doing, error, code, tries) from error
                tries += 1

    def _problem(self, doing: str, error: BaseException, code: int, tries: int) -> Problem:
        if code:
            said = _REQUEST.sub("", str(getattr(error, "message", "") or error))
            return self.refused(doing, code, said, disabled=_disabled(error, said), tries=tries)
        if _without_credentials(error):
            message = f"there are no usable Google credentials here: {_short(str(error))}"
            return VertexUnavailable.because("no-credentials", f"cannot {doing}: {message}", hint=_LOGIN)
        times = f" ({tries} tries)" if tries > 1 else ""
        return VertexUnavailable.because(
            "unreachable",
            f"cannot {doing}: {self.host} cannot be reached: {_short(reason(error))}{times}",
            hint=f"check the network, the proxy and `{self.section}.location`; then run the same command again",
        )

    def _advice(self, code: int, *, disabled: bool) -> tuple[str, str]:
        """The problem's id and what to do."""
        if disabled:
            asked = f"`gcloud services enable aiplatform.googleapis.com --project {self.project}`"
            return "api-disabled", f"enable the API with {asked}, wait a few minutes, and run the same command again"
        if code == 401:
            return "no-credentials", _LOGIN
        if code == 403:
            return "permission-denied", (
                f"give these credentials the role `roles/aiplatform.user` in the project {self.project}, and "
                f"`roles/iam.serviceAccountUser` on `{self.section}.service_account`"
            )
        if code == 404:
            return "not-found", (
                f"check `{self.section}.project` ({self.project}) and `{self.section}.location` ({self.location}); "
                "somebody else may have removed it"
            )
        if code == 429:
            return "quota-exhausted", f"wait and run the same command again, or raise the quota of {self.project}"
        if code >= 500 or code == 408:
            return "service-busy", "run the same command again later; it goes on where this one stopped"
        return "call-refused", "correct what the answer names, and run the same command again"


def _code(error: BaseException) -> int | None:
    """The HTTP status of an answer, 0 where there was none; ``None`` for what is no failure of a call."""
    import requests
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, GoogleAPICallError):
        return int(error.code or 0)
    lines = (requests.RequestException, ConnectionError, TimeoutError, RetryError, GoogleAuthError)
    return 0 if isinstance(error, lines) else None


def _passing(error: BaseException, code: int) -> bool:
    """Whether what went wrong may be right in a moment."""
    return code in _PASSING or (code == 0 and not _without_credentials(error))


def _without_credentials(error: BaseException) -> bool:
    from google.auth.exceptions import DefaultCredentialsError, RefreshError

    return isinstance(error, DefaultCredentialsError | RefreshError)


def _disabled(error: BaseException, said: str) -> bool:
    """Whether the project has not enabled the API."""
    reasons = getattr(error, "reason", None), said
    return any(found and ("SERVICE_DISABLED" in found or "it is disabled" in found) for found in reasons)


def _wait(error: BaseException, tries: int) -> float:
    """Seconds: as many as the service asks for, within a minute, else more with every try, and never the same."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = str(headers.get("Retry-After", ""))
    if asked.isdecimal():
        return min(float(asked), LONGEST_ASKED)
    longest: float = min(FIRST_PAUSE * 2.0 ** (tries - 1), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)


def _short(said: str) -> str:
    """A service's words on one line."""
    return printable(" ".join(said.split()))[:_LONGEST_WORDS].rstrip(".")
