"""The one door for errors: every failure a user can meet is a :class:`Problem` with an exit code.

A :class:`Diagnostic` says what is wrong and what to do, in the user's words, at a place in a file.
Stages that can find several problems collect diagnostics and raise one :class:`Problem` with all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self


class ExitCode(IntEnum):
    """One exit code per meaning; documented in ``docs/exit-codes.md``."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    REFUSED = 3
    UNDECIDED = 4
    DRIFT = 5
    LOCKED = 6
    APPROVAL = 7
    USAGE = 64
    INVALID = 65
    BUG = 70
    INTERRUPTED = 130


class Severity(StrEnum):
    """How much a diagnostic matters: an error stops, a warning is shown, a note explains."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text file. Lines and columns count from 1; columns count code points."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: a stable id (``unknown-key``), a message, a hint that says what to do, and where."""

    id: str
    message: str
    span: Span | None = None
    hint: str = ""
    severity: Severity = Severity.ERROR
    related: tuple[tuple[Span, str], ...] = ()


class Problem(Exception):
    """A failure with an exit code and the diagnostics to show; nothing else leaves the library."""

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        found = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = found
        super().__init__("; ".join(d.message for d in found))

    @classmethod
    def because(cls, id: str, message: str, *, hint: str = "", span: Span | None = None) -> Self:
        """The problem with one diagnostic."""
        return cls(Diagnostic(id=id, message=message, hint=hint, span=span))


class InvalidProject(Problem):
    """``mlops.yaml`` cannot be used as it stands (exit 65)."""

    exit_code = ExitCode.INVALID


class UsageProblem(Problem):
    """The command line cannot be understood (exit 64)."""

    exit_code = ExitCode.USAGE


class StepProblem(Problem):
    """A step or a service failed (exit 1)."""

    exit_code = ExitCode.FAILED


class Refused(Problem):
    """A gate or a check said no (exit 3)."""

    exit_code = ExitCode.REFUSED


class Undecided(Problem):
    """A gate or a check could not be decided (exit 4)."""

    exit_code = ExitCode.UNDECIDED


class Locked(Problem):
    """Somebody else writes, or the plan is stale (exit 6)."""

    exit_code = ExitCode.LOCKED


class ApprovalMissing(Problem):
    """An approval is missing (exit 7)."""

    exit_code = ExitCode.APPROVAL


class Interrupted(Problem):
    """A person or the system asked to stop, and everything was stopped in order (exit 130)."""

    exit_code = ExitCode.INTERRUPTED
