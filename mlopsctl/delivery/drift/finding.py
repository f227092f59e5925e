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
class Finding:
    """One thing on one plane: what git and the records want, and what was found."""

    plane: Plane
    what: str
    standing: Standing
    wanted: str
    found: str


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

    @property
    def exit_code(self) -> ExitCode:
        """5 when something drifted, 1 when something could not be read, else 0."""
        if self.drifted:
            return ExitCode.DRIFT
        return ExitCode.FAILED if self.unread else ExitCode.DONE
