"""Workflow runs: who let one begin, and what one left: an archive, taken in memory, never larger than was agreed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.forges.calls import Calls, ForgeProblem, Found
from mlopsctl.forges.contract import TooLarge
from mlopsctl.forges.failures import Trouble
from mlopsctl.forges.github_talk import number
from mlopsctl.ground.patience import PASSING

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_SECONDS = 30
_CHUNK = 1 << 16
_MOVED = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Runs:
    """The workflow runs of a repository (``/repos/owner/name``)."""

    calls: Calls
    repository: str

    def artifact(self, run: int, name: str, commit: str, most: int) -> bytes | None:
        """The newest archive of a name that the run on this commit left; nothing where it left none.

        Raises:
            TooLarge: when it has more than ``most`` bytes.
        """
        found = self.calls.pages(f"{self.repository}/actions/runs/{run}/artifacts", "artifacts", name=name)
        ours = [one for one in found if one.get("name") == name and not one.get("expired") and _of(one, run, commit)]
        newest = max(ours, key=lambda one: number(one, "id"), default=None)
        if newest is None:
            return None
        if number(newest, "size_in_bytes") > most:
            raise _too_large(most)
        return self._downloaded(f"{self.repository}/actions/artifacts/{number(newest, 'id')}/zip", most)

    def reviewers(self, run: int, environment: str) -> Sequence[str]:
        """The people who approved the run's deployments to an environment, each once, first to last."""
        reviews = self.calls.read(f"{self.repository}/actions/runs/{run}/approvals")
        found = [one for one in reviews if isinstance(one, dict)] if isinstance(reviews, list) else []
        return tuple(dict.fromkeys(login for one in found if _lets(one, environment) and (login := _login(one))))

    def _downloaded(self, path: str, most: int) -> bytes:
        patience, tried = self.calls.patience, 0
        while True:
            tried += 1
            try:
                return self._once(path, most)
            except Trouble as why:
                if not why.passing or tried >= patience.tries:
                    raise why.problem("GET", path, tried) from None
                patience.pause(tried)

    def _once(self, path: str, most: int) -> bytes:
        """One try: GitHub names the place, and that place is asked without our token.

        Raises:
            Trouble: whatever went wrong.
            TooLarge: as soon as more than ``most`` bytes have come.
        """
        import requests

        requester = self.calls.client.requester
        token = requester.auth.token if requester.auth is not None else ""
        try:
            with requests.Session() as session:
                session.auth = _as_it_is
                headers = {"Authorization": f"token {token}", "Accept": "application/vnd.github+json"}
                named = session.get(requester.base_url + path, headers=headers, allow_redirects=False, timeout=_SECONDS)
                if named.status_code not in _MOVED:
                    raise _trouble(named)
                place = _safe(str(named.headers.get("Location", "")), requester.base_url)
                with session.get(place, stream=True, allow_redirects=False, timeout=_SECONDS) as answer:
                    if answer.status_code != 200:
                        raise _trouble(answer)
                    return _read(answer, most)
        except (requests.RequestException, OSError) as error:
            raise Trouble(0, type(error).__name__, passing=True, unsure=False) from None


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    """No credentials of a ``.netrc`` go anywhere."""
    return request


def _read(answer: Response, most: int) -> bytes:
    content = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        content += chunk
        if len(content) > most:
            raise _too_large(most)
    return bytes(content)


def _safe(place: str, api: str) -> str:
    """An address on the web; plain http only where GitHub itself is on this machine."""
    here = api.startswith(("http://127.0.0.1", "http://localhost"))
    if not place.startswith("https://") and not (here and place.startswith(("http://127.0.0.1", "http://localhost"))):
        raise ForgeProblem.because("forge-answer", "GitHub named no address that an artifact can be taken from")
    return place


def _of(artifact: Found, run: int, commit: str) -> bool:
    of = artifact.get("workflow_run")
    return isinstance(of, dict) and of.get("id") == run and of.get("head_sha") == commit


def _lets(review: Found, environment: str) -> bool:
    """GitHub's names of environments have no case."""
    places = review.get("environments")
    names = [one.get("name") for one in places if isinstance(one, dict)] if isinstance(places, list) else []
    return review.get("state") == "approved" and environment.casefold() in [str(name).casefold() for name in names]


def _login(review: Found) -> str:
    user = review.get("user")
    return str(user.get("login") or "") if isinstance(user, dict) else ""


def _trouble(answer: Response) -> Trouble:
    return Trouble(answer.status_code, "", passing=answer.status_code in PASSING, unsure=False)


def _too_large(most: int) -> TooLarge:
    return TooLarge.because("artifact-too-large", f"the artifact has more than {most:,} bytes")
