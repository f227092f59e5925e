"""Problems found while going on, up to the number a person still reads."""

from __future__ import annotations

from collections.abc import Iterable

from mlopsctl.ground.errors import Diagnostic, InvalidProject, Severity

MOST = 100


class Problems:
    """Collects diagnostics; the hundredth ends the stage that looks for them."""

    def __init__(self, found: Iterable[Diagnostic] = ()) -> None:
        self.found: list[Diagnostic] = list(found)

    def add(self, diagnostic: Diagnostic) -> None:
        """Note a problem.

        Raises:
            InvalidProject: with all of them, when there are too many to go on.
        """
        self.found.append(diagnostic)
        if len(self.found) >= MOST:
            note = f"no more problems were looked for after {MOST}"
            last = Diagnostic("too-many-problems", note, diagnostic.span, severity=Severity.NOTE)
            raise InvalidProject([*self.found, last])

    def stop(self, diagnostic: Diagnostic) -> InvalidProject:
        """The error that ends the stage: what was found so far and what makes going on impossible."""
        return InvalidProject([*self.found, diagnostic])

    def check(self) -> None:
        """Raise what was found, if anything was.

        Raises:
            InvalidProject: with every problem.
        """
        if self.found:
            raise InvalidProject(self.found)
