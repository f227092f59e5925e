"""Templates of files for a CI, filled: lines that stand under a condition or once a stage, and words in their place.

A line ``# <if name>``, ``# <unless name>`` or ``# <each name>`` opens a block that ``# <end>`` closes;
``# <part name>`` stands for the lines of a file beside the template, ``%word%`` for a word. Words come from one closed
grammar, and what was written is read back and compared, so nothing that a project says can become a key, an expression
of the CI (``${{ }}``, ``$NAME``) or a second command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from mlopsctl.ground.errors import InvalidProject

_OPENS = re.compile(r"\s*# <(if|unless|each) ([a-z_]+)>\s*")
_CLOSES = re.compile(r"\s*# <end>\s*")
_PART = re.compile(r"\s*# <part ([a-z_]+)>\s*")
_WORD = re.compile(r"%([a-z_]+)%")
_TOKEN = r"[A-Za-z0-9._/@:=+-]*[A-Za-z0-9._/@=+-](?:\[[a-z0-9,]+\]==[A-Za-z0-9.+]+)?"
_SAFE = re.compile(rf"(?: ?{_TOKEN}(?: {_TOKEN})*)?")


@dataclass(frozen=True, slots=True)
class Filling:
    """What a template is filled with.

    Attributes:
        words: by name; each of the closed grammar.
        flags: the conditions that hold.
        lists: by name, what each round of an ``each`` adds to this.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    lists: Mapping[str, Sequence[Filling]] = field(default_factory=dict)


def fill(template: Path, filling: Filling) -> str:
    """The template with its words.

    Raises:
        InvalidProject: when a word has a character that could mean something to a shell or to the CI.
    """
    pieces = list(_pieces(_lines(template), filling))
    for _, words in pieces:
        _check(words)
    text = _tidy("".join(_filled(line, words) for line, words in pieces))
    stood, meant = _stand_ins(pieces)
    if _replaced(_read(stood), meant) != _read(text):
        raise AssertionError("a word of the project changed the shape of a generated file")
    return text


def _lines(template: Path) -> Iterator[str]:
    """The template's lines, with its parts in their place."""
    for line in template.read_text(encoding="utf-8").splitlines(keepends=True):
        if part := _PART.fullmatch(line):
            yield from _lines(template.with_name(f"{part[1]}.part"))
        else:
            yield line


def _tidy(text: str) -> str:
    """What conditions left over is no gap."""
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def _check(words: Mapping[str, str]) -> None:
    for name, word in words.items():
        if not _SAFE.fullmatch(word):
            raise InvalidProject.because(
                "ci-word",
                f"{word[:100]!r} cannot stand in a file for a CI (as the {name.replace('_', ' ')})",
                hint="use letters, digits and . _ - / only",
            )


def _pieces(lines: Iterator[str], filling: Filling) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each line that stays, with the words that stand in it."""
    for line in lines:
        if opened := _OPENS.fullmatch(line):
            block = list(_block(lines))
            for inner in _rounds(opened[1], opened[2], filling):
                yield from _pieces(iter(block), inner)
        else:
            yield line, {name: filling.words[name] for name in _WORD.findall(line)}


def _block(lines: Iterator[str]) -> Iterator[str]:
    depth = 0
    for line in lines:
        if _CLOSES.fullmatch(line):
            if depth == 0:
                return
            depth -= 1
        depth += bool(_OPENS.fullmatch(line))
        yield line
    raise AssertionError("a block of the template has no end")


def _rounds(kind: str, name: str, filling: Filling) -> Sequence[Filling]:
    if kind != "each":
        return [filling] if (name in filling.flags) == (kind == "if") else []
    return [
        Filling({**filling.words, **one.words}, filling.flags | one.flags, {**filling.lists, **one.lists})
        for one in filling.lists[name]
    ]


def _filled(line: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda found: words[found[1]], line)


def _stand_ins(pieces: Sequence[tuple[str, Mapping[str, str]]]) -> tuple[str, dict[str, str]]:
    """The same text with a harmless word for each word, and what each of those stands for."""
    meant: dict[str, str] = {}
    names: dict[str, str] = {}
    for _, words in pieces:
        for word in words.values():
            if word not in names:
                names[word] = f"standin{len(names):05d}x"
                meant[names[word]] = word
    text = "".join(_filled(line, {name: names[word] for name, word in words.items()}) for line, words in pieces)
    return text, meant


def _read(text: str) -> object:
    # Every scalar as text: `on` stays a key, and no word turns into a number or a truth value unseen.
    return yaml.load(text, Loader=yaml.BaseLoader)


def _replaced(value: object, meant: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return re.sub(r"standin[0-9]{5}x", lambda found: meant[found[0]], value)
    if isinstance(value, dict):
        return {_replaced(key, meant): _replaced(item, meant) for key, item in value.items()}
    return [_replaced(item, meant) for item in value] if isinstance(value, list) else value
