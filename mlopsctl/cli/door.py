"""The door for errors: every way out of a command becomes a message a person can act on and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from mlopsctl.cli.masked import masked_output
from mlopsctl.ground.errors import Diagnostic, ExitCode, Problem

if TYPE_CHECKING:
    from mlopsctl.ground.source import SourceFile

_TYPER_USAGE = 2
_GLOBAL = ("-C", "--directory", "-v", "--verbose", "--log-format")


class Ended(Exception):
    """A command that printed its result and ends with this exit code."""

    def __init__(self, code: ExitCode) -> None:
        self.code = code
        super().__init__(code.name)


def end(code: ExitCode) -> NoReturn:
    """Leave the command with an exit code, from anywhere in it."""
    raise Ended(code)


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run the app and give its exit code; never lets an exception out, nor a secret that it looked up."""
    with masked_output():
        return _run(app, arguments)


def _run(app: typer.Typer, arguments: Sequence[str]) -> int:
    from typer.exceptions import Abort, TyperException

    try:
        command = typer.main.get_command(app)
        returned = command.main(args=list(arguments), prog_name="mlopsctl", standalone_mode=False)
        sys.stdout.flush()
        return returned if isinstance(returned, int) else ExitCode.DONE
    except Ended as ended:
        sys.stdout.flush()
        return ended.code
    except Problem as problem:
        show(problem.diagnostics)
        return problem.exit_code
    except TyperException as error:
        _show_usage(error)
        return ExitCode.USAGE if error.exit_code == _TYPER_USAGE else ExitCode.FAILED
    except (KeyboardInterrupt, Abort):
        sys.stderr.write("\nInterrupted.\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        _report_crash(error, arguments)
        return ExitCode.BUG


def show(diagnostics: Sequence[Diagnostic]) -> None:
    """Print diagnostics to stderr, with source lines where they point into files that can be read."""
    from mlopsctl.render.diagnostics import render_diagnostics

    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    sys.stderr.write(render_diagnostics(diagnostics, _sources(diagnostics), "text", color=color))


def _sources(diagnostics: Sequence[Diagnostic]) -> dict[str, SourceFile]:
    from mlopsctl.ground.source import readable_source

    spans = [span for d in diagnostics for span in (d.span, *(place for place, _ in d.related)) if span is not None]
    found = {name: readable_source(Path(name), name) for name in {span.file for span in spans}}
    return {name: source for name, source in found.items() if source is not None}


def _show_usage(error: Exception) -> None:
    shower = getattr(error, "show", None)
    if callable(shower):
        shower()
    else:
        sys.stderr.write(f"Error: {error}\n")
    if getattr(error, "option_name", "") in _GLOBAL:
        sys.stderr.write("It stands before the command, as in: mlopsctl -C FOLDER plan\n")


def _report_crash(error: BaseException, arguments: Sequence[str]) -> None:
    """Write a crash report that only its owner can read, and say where it is."""
    import platform
    import tempfile
    import traceback

    from mlopsctl import __version__
    from mlopsctl.ground.log import redact

    text = "\n".join(
        [
            f"mlopsctl {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"arguments: {list(arguments)!r}",
            "",
            *traceback.format_exception(error),
        ]
    )
    descriptor, path = tempfile.mkstemp(prefix="mlopsctl-crash-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as report:
        report.write(redact(text))
    sys.stderr.write(
        f"This is a bug in mlopsctl: {type(error).__name__}. Nothing you did wrong.\n"
        f"A crash report is in {path} (only you can read it). Please attach it to an issue.\n"
    )
