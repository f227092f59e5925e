"""Calls to GitHub, tried again with patience, so that each takes effect once although replies get lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlopsctl.forges.contract import ForgeProblem, NoRights
from mlopsctl.forges.failures import NotThere, Trouble, trouble
from mlopsctl.ground.digest import Json
from mlopsctl.ground.patience import Patience

if TYPE_CHECKING:
    from github import Github

__all__ = ["Calls", "ForgeProblem", "Found", "NoRights", "NotThere"]

Found = Mapping[str, Json]
"""One thing as GitHub tells it."""

_PAGE = 100
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Calls:
    """A client of GitHub that waits and asks again; paths begin with a slash."""

    client: Github
    patience: Patience = field(default_factory=Patience)

    def read(self, path: str, **query: str | int) -> Json:
        """What GitHub says of a path.

        Raises:
            NotThere: where there is no such thing, or this token may not see it.
            ForgeProblem: after the last try.
        """
        return self._patiently("GET", path, None, query, lambda: None)

    def pages(self, path: str, key: str = "", **query: str | int) -> Iterator[Found]:
        """Every thing of a list that comes in pages; ``key`` is where the list stands in an answer."""
        for page in range(1, _MOST_PAGES + 1):
            answer = self.read(path, per_page=_PAGE, page=page, **query)
            items = answer.get(key) if key and isinstance(answer, Mapping) else answer
            things = [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else []
            yield from things
            if len(things) < _PAGE:
                return

    def once(self, verb: str, path: str, body: Found, landed: Callable[[], Found | None]) -> Found:
        """Change something exactly once.

        Args:
            landed: looks whether the change is there; asked before another try when a reply was lost.

        Raises:
            NoRights: when the token may not do this.
            ForgeProblem: when it was refused, or when after the last try it is not there.
        """
        answer = self._patiently(verb, path, body, {}, landed)
        if not isinstance(answer, Mapping):
            raise ForgeProblem.because("forge-answer", f"GitHub gave no answer that can be read to {verb} {path}")
        return answer

    def _patiently(
        self,
        verb: str,
        path: str,
        body: Found | None,
        query: Mapping[str, str | int],
        landed: Callable[[], Found | None],
    ) -> Json:
        tried = 0
        while True:
            tried += 1
            try:
                return self._ask(verb, path, body, query)
            except Trouble as why:
                if not why.passing or why.asked > self.patience.most:
                    raise why.problem(verb, path, tried) from None
                if tried < self.patience.tries:
                    self.patience.pause(tried, why.asked)
                found = landed() if why.unsure else None
                if found is not None:
                    return found
                if tried >= self.patience.tries:
                    raise why.problem(verb, path, tried) from None

    def _ask(self, verb: str, path: str, body: Found | None, query: Mapping[str, str | int]) -> Json:
        """One try.

        Raises:
            Trouble: whatever went wrong.
        """
        import requests
        from github import GithubException

        try:
            _, answer = self.client.requester.requestJsonAndCheck(verb, path, parameters=dict(query), input=body)
        except (GithubException, requests.RequestException, OSError, ValueError, RuntimeError) as error:
            raise trouble(error, reads=verb == "GET") from None
        said: Json = answer
        return said
