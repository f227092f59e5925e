"""User code: made importable from the project's folder for the time of a step, and named when it fails."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlopsctl.ground.text import printable

_MAX_MESSAGE = 2_000


@contextmanager
def user_code(project: Path) -> Iterator[None]:
    """Run inside the project's folder with its modules importable, and undo it afterwards."""
    path, folder, known = list(sys.path), os.getcwd(), set(sys.modules)
    sys.path.insert(0, str(project))
    os.chdir(project)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        # In one process two projects may each have a `train.py`; in a step's own process nothing is left to mix up.
        for name in set(sys.modules) - known:
            if _inside(getattr(sys.modules[name], "__file__", None), project):
                del sys.modules[name]


def flush_output() -> None:
    """Bring what was printed to the log; user code may have closed the streams, and the disk may be full."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def log_traceback() -> None:
    """The traceback of the error being handled, for the log."""
    with suppress(OSError, ValueError):
        traceback.print_exc()


def describe(error: BaseException, project: Path) -> str:
    """The error as a person reads it: its type, its message, and the last line of the project's own code."""
    if isinstance(error, SystemExit):
        said = f"the step's code called sys.exit({'' if error.code is None else error.code!r})"
    else:
        message = printable(str(error).strip())
        said = f"{type(error).__name__}: {message}" if message else type(error).__name__
    place = _place(error, project)
    said = said if len(said) <= _MAX_MESSAGE else said[:_MAX_MESSAGE] + "…"
    return f"{place}: {said}" if place else said


def advice(error: BaseException, project: Path) -> str:
    """What to do about it, where that can be said in general."""
    if isinstance(error, MemoryError):
        return "give the step more memory, or let it read its data in parts"
    if isinstance(error, ModuleNotFoundError) and error.name and not _own(error.name, project):
        return f"install the package that has the module '{error.name.partition('.')[0]}' where the steps run"
    if isinstance(error, SystemExit):
        return "let the function return instead; raise an exception when it fails"
    return "the whole traceback stands in the step's log"


def _place(error: BaseException, project: Path) -> str:
    if isinstance(error, SyntaxError) and _inside(error.filename, project):
        return f"{_relative(str(error.filename), project)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _inside(frame.filename, project)]
    return f"{_relative(own[-1].filename, project)}:{own[-1].lineno}" if own else ""


def _inside(file: str | None, project: Path) -> bool:
    """Whether a module's file belongs to the project; an environment kept inside its folder does not."""
    if not file:
        return False
    path = Path(file)
    installed = path.is_relative_to(sys.prefix) or "site-packages" in path.parts
    return path.is_relative_to(project) and not installed and not path.is_relative_to(_OURS)


def _relative(file: str, project: Path) -> str:
    return printable(str(Path(file).relative_to(project)))


def _own(module: str, project: Path) -> bool:
    first = project / module.partition(".")[0]
    return first.is_dir() or first.with_suffix(".py").is_file()


_OURS = Path(__file__).parents[1]
