"""What a look at one thing showed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mlopsctl.ground.errors import ExitCode


class Plane(StrEnum):
    """Where things can drift apart."""

    CONFIG = "config"
    SCHEDULE = "schedule"
    SERVING = "serving"
    DATA = "data"


class Standing(StrEnum):
    """Whether what is wanted and what is found are the same; ``UNREAD`` is never the same."""

    SAME = "same"
    DRIFTED = "drifted"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a finding on the plane of data is about: a check, and the digest of the rows that it judged."""

    dataset: str
    check: str
    rows: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing on one plane: what git and the records want, and what was found.

    ``judged`` stands beside a finding that came of a check on rows.
    """

    plane: Plane
    what: str
    standing: Standing
    wanted: str
    found: str
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """What a look at an environment showed."""

    project: str
    environment: str
    findings: tuple[Finding, ...]

    @property
    def drifted(self) -> tuple[Finding, ...]:
        """What is not as it should be."""
        return tuple(one for one in self.findings if one.standing is Standing.DRIFTED)

    @property
    def unread(self) -> tuple[Finding, ...]:
        """What could not be looked at."""
        return tuple(one for one in self.findings if one.standing is Standing.UNREAD)

    def drifted_on(self, plane: Plane) -> tuple[Finding, ...]:
        """What drifted on one plane."""
        return tuple(one for one in self.drifted if one.plane is plane)

    @property
    def exit_code(self) -> ExitCode:
        """5 when something drifted, 1 when something could not be read, else 0."""
        if self.drifted:
            return ExitCode.DRIFT
        return ExitCode.FAILED if self.unread else ExitCode.DONE
