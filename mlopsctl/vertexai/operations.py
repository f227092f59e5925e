"""Long-running operations of Vertex AI: begun once, followed to their end, and looked at by what they leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.vertexai.calls import Calls, VertexUnavailable

if TYPE_CHECKING:
    from google.api_core.operation import Operation

_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Begun:
    """An effect that takes a while.

    Attributes:
        doing: what it is, after ``cannot``; ``call`` begins it and gives the operation.
        there: whether it took effect, by what is to be seen.
        seconds: how long it may take.
    """

    doing: str
    call: Callable[[], object]
    there: Callable[[], bool]
    seconds: float


class Operations:
    """Operations of one project and region."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def once(self, begun: Begun) -> None:
        """Begin it unless it is there, and wait until it is.

        Raises:
            VertexUnavailable: when it was refused, ended with an error or took too long.
        """
        until = time.monotonic() + begun.seconds
        found = self._calls.write(begun.doing, lambda: _begin(begun), lambda: _Seen(None) if begun.there() else None)
        if found.operation is not None:
            self._follow(begun, found.operation, until)
        # An operation that somebody else began, or whose reply was lost, is known by its effect alone.
        while not begun.there():
            self._wait(begun, until)

    def _follow(self, begun: Begun, operation: Operation, until: float) -> None:
        while not self._calls.read(f"ask whether it is done to {begun.doing}", operation.done):
            self._wait(begun, until)
        error = operation.operation.error
        if operation.operation.HasField("error"):
            raise VertexUnavailable.because(
                "operation-failed",
                f"cannot {begun.doing}: {self._calls.host} ended it with: {error.message or error.code}",
                hint="correct what it says, and run the same command again",
            )

    def _wait(self, begun: Begun, until: float) -> None:
        if time.monotonic() > until:
            raise VertexUnavailable.because(
                "operation-too-long",
                f"cannot {begun.doing}: {self._calls.host} has not done it within {begun.seconds:g} seconds",
                hint="run the same command again, which waits for what goes on; or raise "
                f"`{self._calls.section}.startup_timeout`",
            )
        self._calls.pause(_PAUSE)


@dataclass(frozen=True, slots=True)
class _Seen:
    """That it was begun; without an operation where the reply did not name it."""

    operation: Operation | None


def _begin(begun: Begun) -> _Seen:
    from google.api_core.exceptions import Conflict, NotFound
    from google.api_core.operation import Operation

    try:
        operation = begun.call()
    except (Conflict, NotFound):
        # Somebody was faster: a call of ours whose reply was lost, and that is not to be seen yet.
        if begun.there():
            return _Seen(None)
        raise
    return _Seen(operation if isinstance(operation, Operation) else None)
