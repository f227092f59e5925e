"""Who we are on GitHub, so that nothing that somebody else made is taken for ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from mlopsctl.ground.digest import Json


@dataclass(frozen=True, slots=True)
class Identity:
    """As what we act.

    Attributes:
        app: the number of the GitHub App; 0 where it is not known.
        login: the name under which we write; empty where it is not known, and then any bot may be us.
    """

    app: int = 0
    login: str = ""

    def wrote(self, author: Json) -> bool:
        """Whether an author (``user`` of a comment, ``creator`` of a deployment) can be us."""
        if not isinstance(author, Mapping):
            return False
        return author.get("login") == self.login if self.login else author.get("type") == "Bot"

    def made(self, app: Json) -> bool:
        """Whether an App (``app`` of a check run) can be ours."""
        return isinstance(app, Mapping) and (not self.app or app.get("id") == self.app)


def short_key(key: str) -> str:
    """A key as GitHub keeps it for us: ``mlopsctl:`` and 40 hexadecimal digits."""
    return "mlopsctl:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def marker(key: str) -> str:
    """The hidden first line of a text that is ours."""
    return f"<!-- {short_key(key)} -->"
