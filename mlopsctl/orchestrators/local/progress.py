"""Progress on stderr: a live view in a terminal, one plain line per event anywhere else.

Names, problems and notes may hold anything a user's code wrote: they are shown on one line with every control character
spelled out, and never read as markup.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import printable
from mlopsctl.orchestrators.local.run import Observer
from mlopsctl.pipeline.ir import Step
from mlopsctl.step.task import StepResult, StepState

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

_COLUMN = 24
_STYLES = {
    StepState.SUCCESS: ("✓", "green"),
    StepState.CACHED: ("≡", "cyan"),
    StepState.SKIPPED: ("○", "yellow"),
    StepState.FAILED: ("✗", "bold red"),
    StepState.UPSTREAM_FAILED: ("·", "red"),
    StepState.CANCELED: ("■", "yellow"),
}
_SECONDS_BETWEEN_PRINTS = 0.1


class Progress(Observer, Protocol):
    """An observer that is shown from ``with`` to its end."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def make_progress(quiet: bool, *, live: bool = True) -> Progress:
    """The view that fits stderr: nothing when quiet, live in a terminal, else plain lines.

    ``live=False`` keeps the terminal free for others: steps that run in this process may print or stop in a debugger.
    """
    if quiet:
        return NoProgress()
    if live and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb"):
        return LiveProgress(sys.stderr)
    return PlainProgress(sys.stderr)


class NoProgress:
    """Shows nothing."""

    def __enter__(self) -> NoProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing was opened."""

    def started(self, step: Step, attempt: int) -> None:
        """Nothing is shown."""

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        """Nothing is shown."""

    def finished(self, step: Step, result: StepResult, seconds: float) -> None:
        """Nothing is shown."""


class PlainProgress:
    """One line per event, as it happens: ``train-forest  success  2.1 s  accuracy 0.85``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.flush()

    def started(self, step: Step, attempt: int) -> None:
        """Say that it begins; a long silence must have a name."""
        self._say(step, "started", f"attempt {attempt}" if attempt > 1 else "")

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        """Say why it is tried again."""
        self._say(step, "failed", f"{_again(step, attempt)}: {_told(result)}")

    def finished(self, step: Step, result: StepResult, seconds: float) -> None:
        """Say how it ended, and what to do about it."""
        self._say(step, str(result.state), _seconds(seconds), _told(result))
        if result.state is StepState.FAILED and result.hint:
            self._say(step, "hint", _safe(result.hint))

    def _say(self, step: Step, *parts: str) -> None:
        line = "  ".join((f"{_safe(step.id):<{_COLUMN}}", *(part for part in parts if part)))
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        # A terminal or a file of another encoding must not stop a run.
        self._stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        self._stream.flush()


class LiveProgress:
    """What has ended scrolls by as coloured lines; below it, what runs now, with its seconds."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._spinner = Spinner("dots")
        self._running: dict[str, tuple[float, int]] = {}
        self._ended: list[Text] = []
        self._printed = 0.0
        # rich honours NO_COLOR by itself.
        self._console = Console(file=stream, markup=False, highlight=False, emoji=False)
        # Results go to stdout, and stay there.
        self._live: Live = Live(
            console=self._console,
            get_renderable=self._running_now,
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> LiveProgress:
        # Nothing is drawn before the first step begins: until then the caller may show a plan and ask a question.
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._print()
        self._running = {}
        self._live.stop()

    def started(self, step: Step, attempt: int) -> None:
        """Show it among what runs."""
        self._running = {**self._running, step.id: (time.monotonic(), attempt)}
        self._live.start()
        self._print()

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        """Show why it is tried again."""
        self._leave(step)
        self._line(step, "↻", "yellow", _again(step, attempt), _told(result))
        self._print()

    def finished(self, step: Step, result: StepResult, seconds: float) -> None:
        """Show how it ended, and what to do about it."""
        glyph, style = _STYLES[result.state]
        self._leave(step)
        self._line(step, glyph, style, str(result.state), _seconds(seconds), _told(result))
        if result.state is StepState.FAILED and result.hint:
            self._line(step, " ", "dim", "hint", _safe(result.hint))
        # A thousand cached steps end within milliseconds: printing each alone would be what takes the time.
        if self._running or time.monotonic() - self._printed > _SECONDS_BETWEEN_PRINTS:
            self._print()

    def _leave(self, step: Step) -> None:
        # Replaced, never changed: rich draws from a thread of its own.
        self._running = {id: since for id, since in self._running.items() if id != step.id}

    def _line(self, step: Step, glyph: str, style: str, *parts: str) -> None:
        from rich.text import Text

        state, *rest = parts
        told = "  ".join(part for part in rest if part)
        self._ended.append(
            Text.assemble((f"{glyph} ", style), f"{_safe(step.id):<{_COLUMN}}  ", (f"{state:<8}", style), f"  {told}")
        )

    def _print(self) -> None:
        from rich.text import Text

        self._printed = time.monotonic()
        if self._ended:
            self._console.print(Text("\n").join(self._ended))
            self._ended = []

    def _running_now(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        now = time.monotonic()
        for id, (since, attempt) in self._running.items():
            tried = f"attempt {attempt}" if attempt > 1 else ""
            table.add_row(self._spinner, Text(f"{_safe(id):<{_COLUMN}}"), Text(_seconds(now - since)), tried)
        return table


def _again(step: Step, attempt: int) -> str:
    after = f" in {step.retry.delay:g} s" if step.retry.delay else ""
    return f"attempt {attempt} of {step.retry.attempts + 1}, again{after}"


def _told(result: StepResult) -> str:
    return _safe(result.problem or result.line)


def _seconds(seconds: float) -> str:
    if seconds <= 0:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _safe(text: str) -> str:
    return printable(redact(text))
