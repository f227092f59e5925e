"""What can go wrong between here and the server: which call, to which host, what it said, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.orchestrators.specs.kfp import Kubeflow

_LONGEST = 300
_URL = re.compile(r"(https?://)(?:[^/?#]*@)?([^?#]*)", re.DOTALL)
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


class Failure(Exception):
    """One try of a call that came to nothing.

    Attributes:
        status: the HTTP status; 0 where nobody answered.
        said: the server's own words, or the network's.
        passing: whether it may be right in a moment.
        asked: how many seconds the server asks to wait.
    """

    def __init__(self, status: int, said: str, *, passing: bool, asked: float = 0.0) -> None:
        super().__init__(said)
        self.status, self.said, self.passing, self.asked = status, said, passing, asked


def answered(status: int, body: str, headers: Mapping[str, str]) -> Failure:
    """An answer that is no success."""
    wait = headers.get("Retry-After", "")
    return Failure(
        status,
        headers.get("Location", "") if 300 <= status < 400 else _words(body),
        passing=status in _PASSING,
        asked=float(wait) if wait.isdecimal() else 0.0,
    )


def unanswered(error: Exception) -> Failure:
    """Nobody answered, or not to the end."""
    return Failure(0, _innermost(error), passing=not isinstance(error, ValueError))


def problem(call: str, settings: Kubeflow, failure: Failure, tries: int = 1) -> StepProblem:
    """What the user is told when a call did not come to anything."""
    host, said = shown_host(settings.host), printable(" ".join(failure.said.split()))[:_LONGEST]
    often = f" ({tries} tries)" if tries > 1 else ""
    if failure.status == 0:
        what = f"{host} cannot be reached: {said}{often}"
    else:
        what = f"{host} answers {failure.status}{f': {said}' if said else ''}{often}"
    id, hint = _advice(settings, failure)
    return StepProblem.because(id, f"cannot {call}: {what}", hint=hint)


def not_the_api(call: str, settings: Kubeflow, body: str) -> StepProblem:
    """A page where the API's answer should be: of a sign-in, or of a web server that stands there instead."""
    start = printable(" ".join(body.split()))[:60]
    return StepProblem.because(
        "kfp-not-the-api",
        f"cannot {call}: {shown_host(settings.host)} answers with something else than the API does: {start}",
        hint=_SIGN_IN + ", and orchestrator.host the URL of the API, without /apis",
    )


def shown_host(url: str) -> str:
    """A URL without what may be secret in it."""
    found = _URL.match(url)
    return f"{found[1]}{found[2].rstrip('/')}" if found is not None else url


_SIGN_IN = "where it asks to sign in, orchestrator.token names the environment variable with the bearer token"


def _advice(settings: Kubeflow, failure: Failure) -> tuple[str, str]:
    """An id and a hint."""
    status = failure.status
    if status == 0:
        certificate = "certificate" in failure.said.lower()
        trust = "orchestrator.certificates names the file of an authority of your own"
        reach = "check orchestrator.host, and that this machine reaches it (a VPN, kubectl port-forward)"
        return "kfp-unreachable", trust if certificate else reach
    if status == 401:
        renew = f"put a token that is valid now into {settings.token}" if settings.token else _SIGN_IN
        return "kfp-credentials", renew
    if status == 403:
        where = f"the namespace {settings.namespace}" if settings.namespace else "orchestrator.namespace"
        who = f"the account of the token in {settings.token}" if settings.token else "this caller"
        return "kfp-permission", f"let {who} do that in {where}, or name a namespace where it may"
    if 300 <= status < 400:
        return "kfp-credentials", _SIGN_IN
    if status == 404:
        where = "orchestrator.host is not the URL of the API (without /apis), or orchestrator.namespace is another"
        return "kfp-not-found", f"it is not there any more, or {where}"
    if status == 429:
        return "kfp-quota", "run the same command again later; what is done already is not done twice"
    if failure.passing:
        return "kfp-busy", "run the same command again; what is done already is not done twice"
    return "kfp-refused", "the server's log says more (deployment ml-pipeline)"


def _words(body: str) -> str:
    """What an error's body says: the server has two forms, a gateway before it any."""
    try:
        read = json.loads(body)
    except ValueError:
        return body[:_LONGEST] if not body.lstrip().startswith("<") else ""
    if isinstance(read, dict):
        for key in ("message", "error_message", "error"):
            if isinstance(read.get(key), str) and read[key]:
                return str(read[key])
    return body[:_LONGEST]


def _innermost(error: BaseException) -> str:
    """The cause in the words of the operating system, else in the library's, without object ids in it."""
    seen = [error]
    while (inner := seen[-1].__cause__ or seen[-1].__context__) is not None and inner not in seen:
        seen.append(inner)
    nested = [item for one in seen for item in (one, *one.args) if isinstance(item, BaseException)]
    for one in reversed(nested):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    return str(seen[-1]).rpartition(">: ")[2] or type(seen[-1]).__name__
