"""Which commands a script runs so that their failure is the script's: whether each one counts, and why not."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mlopsctl.levels.shell_tree import Kind, Node, Pipe, Statement, Unreadable, parse

_FAILS = (("exit", "1"), ("exit",), ("false",))
_SHELLS = ("bash", "sh")


@dataclass(frozen=True, slots=True)
class Called:
    """A command of a script.

    Attributes:
        line: counted from 0.
        folder: where it runs, from the repository's folder; ``None`` where that cannot be said.
        why: why it proves nothing; empty where its failure ends the script.
    """

    words: tuple[str, ...]
    line: int
    folder: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """How a script is run: ``errexit`` and ``pipefail`` as ``set -e`` and ``set -o pipefail`` say."""

    errexit: bool = True
    pipefail: bool = False
    folder: str | None = "."


def called(text: str, shell: Shell) -> tuple[Called, ...]:
    """The commands of a script in their order; none where it cannot be followed."""
    try:
        statements = parse(text)
    except Unreadable:
        return ()
    state = _State(shell.errexit, shell.pipefail, shell.folder)
    found = tuple(_statements(statements, state, "", last=True))
    return tuple(
        replace(one, why=f"{name} is something else in this script")
        if not one.why and (name := next((word for word in one.words if _base(word) in state.shadowed), ""))
        else one
        for one in found
    )


@dataclass(slots=True)
class _State:
    errexit: bool
    pipefail: bool
    folder: str | None
    ended: bool = False
    shadowed: set[str] = field(default_factory=set)


def _statements(found: tuple[Statement, ...], state: _State, why: str, *, last: bool) -> Iterator[Called]:
    for number, statement in enumerate(found):
        yield from _statement(statement, state, why, last=last and number == len(found) - 1)


def _statement(statement: Statement, state: _State, why: str, *, last: bool) -> Iterator[Called]:
    pipes = statement.pipes
    for number, pipe in enumerate(pipes):
        rest = pipes[number + 1 :]
        reason = why or _hidden(statement, number, state, last=last)
        final = last and not rest
        for place, command in enumerate(pipe.commands):
            told = reason or _piped(pipe, place, state)
            yield from _command(command, state, told, last=final)


def _hidden(statement: Statement, number: int, state: _State, *, last: bool) -> str:
    """Why the failure of a pipeline is not its script's."""
    pipes = statement.pipes
    after = [pipe for pipe in pipes[number + 1 :] if pipe.operator == "||"]
    if state.ended:
        return "the script ends before it"
    if statement.background:
        return "it runs in the background, and nobody waits for it"
    if any(pipe.operator == "||" for pipe in pipes[: number + 1]):
        return "it runs only when something before it failed"
    if after and not _fails(after[0]):
        return "|| hides its failure"
    if number < len(pipes) - 1 and not after and not last:
        return "its failure before && does not end the script"
    if not state.errexit and not last and not after:
        return "its failure does not end the script: there is no `set -e`"
    return ""


def _fails(pipe: Pipe) -> bool:
    """Whether what follows ``||`` is a failure itself."""
    command = pipe.commands[-1]
    if command.kind in (Kind.GROUP, Kind.SUBSHELL) and command.body:
        return _fails(command.body[-1].pipes[-1])
    return command.words in _FAILS or (command.words[:1] == ("exit",) and command.words[1:] != ("0",))


def _piped(pipe: Pipe, place: int, state: _State) -> str:
    if pipe.negated:
        return "! turns its result around"
    if place < len(pipe.commands) - 1 and not state.pipefail:
        return "a pipe hides its failure"
    return ""


def _command(node: Node, state: _State, why: str, *, last: bool) -> Iterator[Called]:
    match node.kind:
        case Kind.SIMPLE:
            yield from _simple(node, state, why, last=last)
        case Kind.GROUP | Kind.LOOP:
            yield from _statements(node.body, state, why, last=last and node.kind is Kind.GROUP)
        case Kind.SUBSHELL:
            inside = _State(state.errexit, state.pipefail, state.folder, state.ended, state.shadowed)
            yield from _statements(node.body, inside, why, last=last)
        case Kind.CONDITION:
            inside = _State(state.errexit, state.pipefail, state.folder, state.ended, state.shadowed)
            yield from _statements(node.body, inside, why or "it depends on a condition of its script", last=False)
        case Kind.FUNCTION:
            state.shadowed |= set(node.words)


def _simple(node: Node, state: _State, why: str, *, last: bool) -> Iterator[Called]:
    words = node.words
    if not words:
        return
    name = _base(words[0])
    if name in _SHELLS and (script := _given(words)) is not None:
        options = "".join(word[1:] for word in words[1:] if word.startswith("-"))
        shell = Shell("e" in options, "pipefail" in words, state.folder)
        yield from (replace(one, line=node.line + one.line, why=one.why or why) for one in called(script, shell))
        return
    yield Called(words, node.line, state.folder, why)
    if name == "alias":
        state.shadowed |= {word.partition("=")[0] for word in words[1:]}
    elif name in ("exit", "exec", "return") and not why:
        state.ended = True
    elif name == "cd":
        state.folder = _moved(state.folder, words[1:])
    elif name == "set":
        _set(words[1:], state)


def _given(words: tuple[str, ...]) -> str | None:
    """The script of ``bash -ec 'script'``."""
    for number, word in enumerate(words[1:-1], 1):
        if word.startswith("-") and not word.startswith("--") and "c" in word:
            return words[number + 1]
        if not word.startswith("-") and word != "pipefail":
            return None
    return None


def _set(words: tuple[str, ...], state: _State) -> None:
    for word in words:
        if word[:1] in "+-" and word[1:].isalpha() and "e" in word[1:]:
            state.errexit = word[0] == "-"
    for sign, word in pairwise(words):
        on = sign.startswith("-")
        if sign[:1] in "+-" and sign.endswith("o") and word == "pipefail":
            state.pipefail = on
        if sign[:1] in "+-" and sign.endswith("o") and word == "errexit":
            state.errexit = on


def _moved(folder: str | None, words: tuple[str, ...]) -> str | None:
    target = next((word for word in words if not word.startswith("-")), "")
    if folder is None or not target or "$" in target or target.startswith(("/", "~")):
        return None
    return posixpath.normpath(posixpath.join(folder, target))


def _base(word: str) -> str:
    return word.rpartition("/")[2]
