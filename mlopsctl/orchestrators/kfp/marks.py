"""What marks a thing on the server as ours: one line in its description.

``mlopsctl project=churn environment=prod bundle=sha256:… at=…``. It holds at most a few names and digests: the server
has room for 255 characters in the descriptions of runs and recurring runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from mlopsctl.orchestrators.contract import Wanted

_FIRST = "mlopsctl"
_PLAIN = ":.-_"


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose a thing is, and what else was written there."""

    project: str
    environment: str
    more: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = {"project": self.project, "environment": self.environment, **self.more}
        return " ".join([_FIRST, *(f"{key}={quote(value, safe=_PLAIN)}" for key, value in words.items())])

    def is_of(self, wanted: Wanted) -> bool:
        """Whether it is of this project and environment."""
        return (self.project, self.environment) == (wanted.project, wanted.environment)


def mark(wanted: Wanted, **more: str) -> Mark:
    """The mark for a thing that is made for a project."""
    return Mark(wanted.project, wanted.environment, more)


def read_mark(description: str) -> Mark | None:
    """The mark in a description; ``None`` where a person or another tool wrote it."""
    first, *words = description.split("\n", 1)[0].split(" ")
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    if first != _FIRST or len(pairs) != len(words) or not {"project", "environment"} <= set(pairs):
        return None
    values = {key: unquote(value) for key, value in pairs.items()}
    return Mark(values.pop("project"), values.pop("environment"), values)
