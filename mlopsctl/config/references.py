"""References in text: finding ``${...}``, saying what is wrong with one and where, and ordering vars by them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlopsctl.config.document import Document
from mlopsctl.config.hints import did_you_mean
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, Span
from mlopsctl.ground.source import DocPath

SECTIONS = ("vars", "parameters")
# The seed is a parameter of every project, declared or not.
BUILT_IN: Mapping[str, Json] = {"seed": 0}

_TOKEN = re.compile(r"\$\$|\$\{\{[^}]*\}\}|\$\{[^}]*\}?")
_ONLY = "only ${vars.name} and ${parameters.name} are replaced; write $${ for the text itself"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text: literal text, or a reference as written with its section and name.

    ``index`` counts the pieces that start with a dollar, to find the reference in the file again.
    """

    text: str
    reference: bool = False
    section: str = ""
    name: str = ""
    index: int = -1


def pieces(text: str) -> list[Piece]:
    """A text cut at its references; ``$$`` has become ``$``. A reference that cannot be read has no section."""
    found: list[Piece] = []
    end = 0
    for index, token in enumerate(_TOKEN.finditer(text)):
        if token.start() > end:
            found.append(Piece(text[end : token.start()]))
        end = token.end()
        if token[0] == "$$":
            found.append(Piece("$"))
            continue
        section, _, name = token[0][2:-1].partition(".")
        known = token[0].endswith("}") and section in SECTIONS and name != ""
        found.append(Piece(token[0], True, section if known else "", name if known else "", index))
    if end < len(text):
        found.append(Piece(text[end:]))
    return found


def place_of(document: Document, path: DocPath, piece: Piece) -> Span:
    """Where a reference stands in its file; the whole value where it is written in another way than it reads."""
    span = document.span_of(path)
    source = next((source for source in document.sources if source.name == span.file), None)
    if source is None:
        return span
    start = source.offset(span.line) + span.column - 1
    end = source.offset(span.end_line) + span.end_column - 1
    for index, token in enumerate(_TOKEN.finditer(source.text, start, end)):
        if index == piece.index:
            as_read = token[0].startswith(piece.text)
            return source.span(token.start(), token.start() + len(piece.text)) if as_read else span
    return span


def explain(piece: Piece, known: Mapping[str, Mapping[str, Json]]) -> tuple[str, str, str]:
    """What is wrong with a reference that does not resolve: the diagnostic's id, the message, the hint."""
    text = piece.text
    if piece.section:
        return _unknown(piece.section, piece.name, known)
    if not text.endswith("}"):
        return "bad-reference", "'${' is never closed", "close it with '}', or write $${ for the text itself"
    body = text[2:-1]
    return "bad-reference", f"{text} is not a reference", _bad_hint(body.strip(), body, known)


def _bad_hint(word: str, body: str, known: Mapping[str, Mapping[str, Json]]) -> str:
    section, _, name = word.partition(".")
    if word != body and name in known.get(section, {}):
        return f"write it without spaces: ${{{word}}}"
    for section in SECTIONS:
        if word in known[section]:
            return f"did you mean ${{{section}.{word}}}?"
    head, _, name = word.partition(".")
    if name and (near := "parameters" if head in {"params", "param", "p"} else did_you_mean(head, SECTIONS)):
        return f"did you mean ${{{near}.{name}}}?"
    if re.fullmatch(r"(env\.)?[A-Z][A-Z0-9_]*(:-.*)?", word):
        return "environment variables are not read; declare a var, or write {secret: NAME} for a secret"
    return _ONLY


def _unknown(section: str, name: str, known: Mapping[str, Mapping[str, Json]]) -> tuple[str, str, str]:
    kind = "var" if section == "vars" else "parameter"
    other = SECTIONS[1 - SECTIONS.index(section)]
    if name in known[other]:
        hint = f"did you mean ${{{other}.{name}}}?"
    elif near := did_you_mean(name, known[section]):
        hint = f"did you mean ${{{section}.{near}}}?"
    elif kind == "var":
        hint = f"declare it: vars: {{{name}: ...}}, in the project or in the environment"
    else:
        hint = f"declare it with its default: parameters: {{{name}: ...}}"
    return f"unknown-{kind}", f"there is no {kind} {name!r}", hint


def texts(value: Json, path: DocPath) -> Iterator[tuple[DocPath, str]]:
    """Every text in a value with its path; the depth is that of the document, which is limited."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from texts(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from texts(child, (*path, index))


def order_of(document: Document, variables: Mapping[str, Json]) -> tuple[list[str], list[Diagnostic]]:
    """The vars, each after those it refers to, and a diagnostic for every cycle, printed as a path.

    Depth first with a stack of our own, so that a long chain of vars costs no recursion.
    """
    edges = {name: _edges(document, name, value, variables) for name, value in variables.items()}
    order: list[str] = []
    cycles: list[Diagnostic] = []
    done: set[str] = set()
    for start in variables:
        trail: dict[str, Iterator[tuple[str, Span]]] = {}
        if start not in done:
            trail[start] = iter(edges[start].items())
        while trail:
            name = next(reversed(trail))
            step = next(trail[name], None)
            if step is None:
                del trail[name]
                done.add(name)
                order.append(name)
            elif step[0] in trail:
                cycles.append(_cycle(list(trail), step[0], step[1]))
            elif step[0] not in done:
                trail[step[0]] = iter(edges[step[0]].items())
    return order, cycles


def _edges(document: Document, name: str, value: Json, variables: Mapping[str, Json]) -> dict[str, Span]:
    """The vars that a var refers to, with the place of the first reference."""
    found: dict[str, Span] = {}
    for path, text in texts(value, ("vars", name)):
        if "$" not in text:
            continue
        for piece in pieces(text):
            if piece.section == "vars" and piece.name in variables and piece.name not in found:
                found[piece.name] = place_of(document, path, piece)
    return found


def _cycle(trail: list[str], back: str, span: Span) -> Diagnostic:
    names = [*trail[trail.index(back) :], back]
    shown = names if len(names) <= 12 else [*names[:6], "...", *names[-5:]]
    message = f"these vars refer to each other in a circle: {' → '.join(shown)}"
    return Diagnostic("var-cycle", message, span, "write one of them out as a value")
