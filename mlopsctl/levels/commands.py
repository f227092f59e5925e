"""The commands that a level looks for: what calls ``mlopsctl`` or ``pytest``, however it is started."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlopsctl.levels.script import Called

MLOPSCTL, PYTEST = "mlopsctl", "pytest"

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_PYTHON = re.compile(r"(python|pypy)[0-9.]*")
# Programs that run another one, with the words that come before it.
_WRAPPERS = {
    "env": (), "exec": (), "command": (), "nice": (), "time": (), "sudo": (), "xvfb-run": (), "uvx": (),
    "timeout": (), "uv": ("run",), "poetry": ("run",), "pdm": ("run",), "pipenv": ("run",), "hatch": ("run",),
    "rye": ("run",), "pixi": ("run",), "pipx": ("run",), "coverage": ("run",), "conda": ("run",),
}  # fmt: skip
_WITH_A_WORD = {
    "--extra", "--group", "--with", "--python", "--project", "--package", "--directory", "-p", "-n", "--name", "-k",
    "--signal", "--spec", "-e", "--environment", "--rcfile", "--source",
}  # fmt: skip
_OF_MLOPSCTL = {"-C", "--directory", "--log-format"}
_OF_PYTEST = {
    "-c", "-k", "-m", "-n", "-o", "-p", "-r", "-W", "--basetemp", "--color", "--confcutdir", "--cov", "--cov-config",
    "--cov-report", "--deselect", "--dist", "--durations", "--ignore", "--ignore-glob", "--import-mode", "--junit-xml",
    "--junitxml", "--log-cli-level", "--maxfail", "--numprocesses", "--rootdir", "--tb", "--timeout", "--verbosity",
}  # fmt: skip
_HARMLESS = {"--help", "-h", "--version", "--collect-only", "--co", "--setup-plan", "--fixtures", "--markers"}


@dataclass(frozen=True, slots=True)
class Command:
    """A call of ``mlopsctl`` or ``pytest`` by a CI.

    Attributes:
        program: which of the two.
        verb: what ``mlopsctl`` is asked to do.
        place: ``file:line`` in the repository, lines from 1.
        why: why it proves nothing; empty where its failure fails the job.
    """

    program: str
    verb: str
    place: str
    why: str = ""


def commands(found: Iterable[Called], project: str, place: str, first: int) -> Iterator[Command]:
    """The calls among the commands of one script.

    Args:
        project: the folder of ``mlops.yaml`` from the repository's, ``.`` for itself.
        place: the file that the script stands in, and ``first`` its first line there, from 1.
    """
    for one in found:
        words = _program(one.words)
        if not words:
            continue
        where = f"{place}:{first + one.line}"
        name, rest = words[0], words[1:]
        if name == MLOPSCTL:
            verb, folder = _asked(rest, one.folder)
            why = one.why or ("" if folder in (None, project) else f"it is about {folder}, not {project}")
        else:
            verb, why = "", one.why or _elsewhere(rest, one.folder, project)
        harmless = next((word for word in rest if word in _HARMLESS), "")
        yield Command(name, verb, where, why or (f"{harmless} only tells something" if harmless else ""))


def _program(words: tuple[str, ...]) -> tuple[str, ...]:
    """The call without what starts it, its program named without a path; nothing where it is another program."""
    rest = list(words)
    while rest:
        while rest and _ASSIGNMENT.fullmatch(rest[0]):
            rest.pop(0)
        name = rest[0].rpartition("/")[2] if rest else ""
        if name in (MLOPSCTL, PYTEST, "py.test"):
            return (PYTEST if name == "py.test" else name, *rest[1:])
        if _PYTHON.fullmatch(name):
            return _module(rest[1:])
        if name not in _WRAPPERS or tuple(rest[1 : 1 + len(_WRAPPERS[name])]) != _WRAPPERS[name]:
            return ()
        rest = rest[1 + len(_WRAPPERS[name]) :]
        if name == "coverage":
            return _module(rest)
        while rest and (rest[0].startswith("-") or (name == "timeout" and rest[0][:1].isdigit())):
            takes = rest.pop(0)
            if takes in _WITH_A_WORD and rest and name != "env":
                rest.pop(0)
    return ()


def _module(words: list[str]) -> tuple[str, ...]:
    """What ``python -m MODULE`` runs; a program or ``-c`` is another one."""
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
        words = words[1:]
    if len(words) > 1 and words[0] == "-m" and words[1] in (MLOPSCTL, PYTEST):
        return tuple(words[1:])
    return ()


def _asked(words: tuple[str, ...], folder: str | None) -> tuple[str, str | None]:
    """The command of ``mlopsctl``, and the folder of the project that it is about."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option, _, value = rest.pop(0).partition("=")
        if option in _OF_MLOPSCTL and not value and rest:
            value = rest.pop(0)
        if option in ("-C", "--directory"):
            folder = _joined(folder, value)
    if folder is not None and folder.endswith((".yaml", ".yml")):
        folder = posixpath.dirname(folder) or "."
    return (rest[0] if rest else ""), folder


def _elsewhere(words: tuple[str, ...], folder: str | None, project: str) -> str:
    """Why a run of the tests is not one of the project's."""
    tests = posixpath.normpath(posixpath.join(project, "tests"))
    values = {number + 1 for number, word in enumerate(words) if word in _OF_PYTEST}
    named = [word for number, word in enumerate(words) if number not in values and not word.startswith("-")]
    targets = [_joined(folder, word.partition("::")[0]) for word in named] or [folder]
    if any(one is None or _within(one, tests) or _within(tests, one) for one in targets):
        return ""
    return f"it runs the tests in {targets[0]}, not {tests}"


def _within(inner: str, outer: str) -> bool:
    return outer == "." or inner == outer or inner.startswith(f"{outer}/")


def _joined(folder: str | None, path: str) -> str | None:
    if folder is None or "$" in path or path.startswith(("/", "~")):
        return None
    return posixpath.normpath(posixpath.join(folder, path))
