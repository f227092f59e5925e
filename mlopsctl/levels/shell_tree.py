"""A shell script as a tree: statements of pipelines of commands, with what stands under a condition apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tree_sitter

_DEEPEST = 50
# What a workflow fills in before the shell sees it; it stands for one word.
_FILLED_IN = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_LOOPS = ("for_statement", "c_style_for_statement")
_CONDITIONS = ("if_statement", "while_statement")
_PARTS = ("elif_clause", "else_clause", "do_group")
_ENDS = ("list", "redirected_statement")


class Unreadable(ValueError):
    """The text is no script that can be followed."""


class Kind(StrEnum):
    """What a command is."""

    SIMPLE = "simple"
    GROUP = "group"
    SUBSHELL = "subshell"
    LOOP = "loop"
    CONDITION = "condition"
    FUNCTION = "function"


_HOLDING = {
    "compound_statement": Kind.GROUP,
    "subshell": Kind.SUBSHELL,
    "case_statement": Kind.CONDITION,
    **dict.fromkeys(_LOOPS, Kind.LOOP),
    **dict.fromkeys(_CONDITIONS, Kind.CONDITION),
}


@dataclass(frozen=True, slots=True)
class Node:
    """A command: its words, or the statements that it holds; ``words`` of a function is its name."""

    kind: Kind
    line: int
    words: tuple[str, ...] = ()
    body: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands joined by pipes. ``operator``: what stands before it in its statement, ``&&`` or ``||``."""

    commands: tuple[Node, ...]
    negated: bool = False
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """Pipelines joined by ``&&`` and ``||``; ``background``: nobody waits for it."""

    pipes: tuple[Pipe, ...]
    background: bool = False


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of a script.

    Raises:
        Unreadable: when it is not one that can be followed.
    """
    root = _parser().parse(_FILLED_IN.sub(_one_word, text).encode("utf-8", "surrogateescape")).root_node
    if root.has_error:
        raise Unreadable("it is no script")
    return tuple(_statements(root, 0))


@cache
def _parser() -> tree_sitter.Parser:
    from tree_sitter import Language, Parser
    from tree_sitter_bash import language

    return Parser(Language(language()))


def _one_word(found: re.Match[str]) -> str:
    """A word of as many lines."""
    return "filled-in" + "\\\n" * found[0].count("\n")


def _statements(holder: tree_sitter.Node, depth: int) -> Iterator[Statement]:
    """What stands one after the other in a script, a group, a branch."""
    if depth > _DEEPEST:
        raise Unreadable("it is nested too deeply")
    for child in holder.children:
        if child.type in _PARTS:
            yield from _statements(child, depth + 1)
        elif child.is_named and _is_statement(child, holder):
            after = child.next_sibling
            yield Statement(tuple(_pipes(child, "", depth + 1)), after is not None and after.type == "&")


def _is_statement(node: tree_sitter.Node, holder: tree_sitter.Node) -> bool:
    if node.type == "comment":
        return False
    # What a loop goes over is no command.
    return holder.type not in _LOOPS


def _pipes(node: tree_sitter.Node, operator: str, depth: int) -> Iterator[Pipe]:
    if depth > _DEEPEST:
        raise Unreadable("it is nested too deeply")
    if node.type == "list":
        first, sign, second = (child for child in node.children if child.type != "comment")
        yield from _pipes(first, operator, depth + 1)
        yield from _pipes(second, sign.type, depth + 1)
    elif node.type == "redirected_statement":
        body = node.child_by_field_name("body")
        if any(_holds_command(one) for one in node.children_by_field_name("redirect")):
            raise Unreadable("something goes on after the start of a here-document")
        if body is None:
            yield Pipe((Node(Kind.SIMPLE, node.start_point.row),), operator=operator)
        else:
            yield from _pipes(body, operator, depth + 1)
    else:
        parts = list(_parts(node))
        negated = parts[0].type == "negated_command"
        yield Pipe(tuple(_command(_bare(one), depth + 1) for one in parts), negated, operator)


def _parts(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """The commands of a pipeline."""
    if node.type == "pipeline":
        for child in node.named_children:
            if child.type != "comment":
                yield from _parts(child)
    else:
        yield node


def _bare(node: tree_sitter.Node) -> tree_sitter.Node:
    """The command itself, without a ``!`` before it and without redirections."""
    while node.type in ("negated_command", "redirected_statement"):
        inner = node.named_children[0]
        if inner.type in ("file_redirect", "herestring_redirect", "heredoc_redirect"):
            return node
        node = inner
    return node


def _holds_command(redirect: tree_sitter.Node) -> bool:
    return redirect.type == "heredoc_redirect" and any(
        child.type not in ("heredoc_start", "heredoc_body", "heredoc_end", "file_descriptor", "file_redirect")
        for child in redirect.named_children
    )


def _command(node: tree_sitter.Node, depth: int) -> Node:
    line = node.start_point.row
    if node.type == "command":
        return Node(Kind.SIMPLE, line, tuple(_words(node)))
    if node.type == "function_definition":
        name = node.child_by_field_name("name")
        return Node(Kind.FUNCTION, line, (_word(name),) if name is not None else ())
    if node.type == "case_statement":
        return Node(Kind.CONDITION, line)
    if kind := _HOLDING.get(node.type):
        return Node(kind, line, body=tuple(_statements(node, depth + 1)))
    if node.type in _ENDS:
        return Node(Kind.GROUP, line, body=(Statement(tuple(_pipes(node, "", depth + 1))),))
    return Node(Kind.SIMPLE, line)


def _words(command: tree_sitter.Node) -> Iterator[str]:
    for child in command.named_children:
        if not child.type.endswith("_redirect"):
            yield _word(child)


def _word(node: tree_sitter.Node) -> str:
    """A word as the shell takes it; what it would fill in stays as it is written."""
    text = (node.text or b"").decode("utf-8", "replace")
    if node.type == "raw_string":
        return text[1:-1]
    if node.type == "string":
        return re.sub(r'\\(["\\$`])', r"\1", text[1:-1]).replace("\\\n", "")
    if node.type in ("concatenation", "command_name", "variable_assignment") and node.named_children:
        return "".join(_word(one) for one in node.children)
    return re.sub(r"\\(.)", r"\1", text.replace("\\\n", "")) if node.type == "word" else text
