"""Events to nodes: every rule of the language about YAML itself, and the limits, checked before any data is built.

An alias stays a reference to its node, so that what it would expand to is counted and never built when it is too
much. Problems are collected; reading goes on where it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from mlopsctl.config.decode import describe_character, refused_character
from mlopsctl.config.nodes import Alias, Branch, Entry, Node, Scalar, measure
from mlopsctl.config.plain import Refusal, plain_value
from mlopsctl.config.problems import Problems
from mlopsctl.config.syntax import spanned
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.source import SourceFile

MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_CHARACTERS = 4 << 20
_CORE = "tag:yaml.org,2002:"
_SORTS: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
}


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    branch: Branch
    anchor: str | None
    flow: bool
    keys: dict[str, Span] = field(default_factory=dict)
    # Of a mapping: whether the key of the next node has been read, and that key (``None``: refused).
    has_key: bool = False
    key: str | None = None
    key_span: Span | None = None


class Composer:
    """Builds the nodes of one document and collects its problems."""

    def __init__(self, source: SourceFile, found: Iterable[Diagnostic] = ()) -> None:
        self._problems = Problems(found)
        self._source = source
        self._stack: list[_Open] = []
        self._anchors: dict[str, Scalar | Branch | _Open] = {}
        self._root: Node | None = None
        self._documents = 0
        self._nodes = 0
        self._characters = 0

    def compose(self, events: Iterable[yaml.Event]) -> Branch:
        """The root mapping.

        Raises:
            InvalidProject: with every problem found.
        """
        for event in self._guarded(events):
            self._take(event)
        root = self._root
        if root is None or (isinstance(root, Scalar) and root.value is None):
            self._problem("empty-project", "the file is empty", Span(self._source.name, 1, 1, 1, 1), _WRITE_A_PROJECT)
        elif not isinstance(root, Branch) or not root.mapping:
            what = "a list" if isinstance(root, Branch) else "a single value"
            self._problem("not-a-mapping", f"the file holds {what}, not a mapping", root.span, _WRITE_A_PROJECT)
        self._problems.check()
        if not isinstance(root, Branch):
            raise TypeError("a root that is no mapping is a problem")
        return root

    def _guarded(self, events: Iterable[yaml.Event]) -> Iterator[yaml.Event]:
        """The events; where the text stops being YAML, that problem and those found before it."""
        try:
            yield from events
        except InvalidProject as stopped:
            raise InvalidProject([*self._problems.found, *stopped.diagnostics]) from stopped.__cause__

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    span = spanned(self._source, event)
                    self._stop("several-documents", "a second document starts here", span, "keep one project in a file")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        plain = event.style in (None, "") and event.implicit[0]
        span = (
            spanned(self._source, event)
            if plain or event.style in ("'", '"')
            else self._trimmed(spanned(self._source, event))
        )
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.branch.mapping and not frame.has_key:
            self._key(frame, self._text_key(event, plain, span), span)
            return
        # Only escapes inside double quotes can bring such characters; those in the text itself were found before.
        if event.style == '"' and (char := refused_character(event.value)):
            hint = "remove it; text in a project file is printable"
            self._problem("bad-character", f"the text holds {describe_character(char)}", span, hint)
        node = Scalar(span, self._value(event, plain, span))
        self._count(span, 1, len(event.value))
        if event.anchor:
            self._anchors[event.anchor] = node
        self._attach(node, 1, len(event.value), 0)

    def _value(self, event: yaml.ScalarEvent, plain: bool, span: Span) -> Json:
        """What the scalar means; ``None`` with a problem noted where it means nothing."""
        tag = None if event.tag == "!" else event.tag
        if tag is None and not plain:
            return event.value
        name = tag.removeprefix(_CORE) if tag is not None else ""
        if name == "str":
            return event.value
        if tag is not None and name not in _SORTS:
            self._tag(tag, span)
            return None
        try:
            value = plain_value(event.value)
        except Refusal as refusal:
            self._problem(refusal.id, refusal.message, span, refusal.hint)
            return None
        if name and (not isinstance(value, _SORTS[name]) or (isinstance(value, bool) and name != "bool")):
            self._problem("tag", f"the tag !!{name} stands before something else", span, "remove the tag")
            return None
        return float(value) if name == "float" and isinstance(value, int) else value

    def _text_key(self, event: yaml.ScalarEvent, plain: bool, span: Span) -> str | None:
        """The key as text, or ``None`` with a problem noted."""
        if plain and event.value == "<<":
            hint = "write the keys out, or repeat a whole value with an alias (*name)"
            self._problem("merge-key", "the merge key << is not read", span, hint)
            return None
        if event.style == '"' and (char := refused_character(event.value)):
            self._problem("bad-character", f"the key holds {describe_character(char)}", span, "remove it")
            return None
        before = len(self._problems.found)
        value = self._value(event, plain, span)
        if isinstance(value, str):
            return value
        if len(self._problems.found) == before:
            shown = _short(event.value) or "nothing"
            hint = f'quote it: "{shown}"' if event.value else "write the key before the ':'"
            self._problem("key-not-text", f"a key must be text; {shown} is {_sort(value)}", span, hint)
        return None

    def _key(self, frame: _Open, key: str | None, span: Span) -> None:
        frame.has_key, frame.key, frame.key_span = True, key, span
        if key is None:
            return
        frame.branch.characters += len(key)
        self._count(span, 0, len(key))
        if first := frame.keys.get(key):
            frame.key = None
            hint = "keep one of the two; the same key twice would silently hide one"
            self._problem("duplicate-key", f"the key {_short(key)!r} stands twice", span, hint, (first, "first here"))
        else:
            frame.keys[key] = span

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        span = spanned(self._source, event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"{_CORE}{'map' if mapping else 'seq'}"):
            self._tag(event.tag, span)
        if len(self._stack) >= MAX_DEPTH:
            self._too_deep(span)
        if self._stack and self._stack[-1].branch.mapping and not self._stack[-1].has_key:
            hint = "quote text that starts with '{' or '['; templates like {{ x }} are not read"
            self._problem("key-not-text", "a key must be text, not a mapping or a list", span, hint)
        self._count(span, 1, 0)
        frame = _Open(Branch(span, mapping), event.anchor, bool(event.flow_style))
        if event.anchor:
            self._anchors[event.anchor] = frame
        self._stack.append(frame)

    def _end(self, event: yaml.Event) -> None:
        frame = self._stack.pop()
        branch = frame.branch
        last = spanned(self._source, event) if frame.flow or not branch.entries else branch.entries[-1].node.span
        start = branch.span
        branch.span = Span(start.file, start.line, start.column, last.end_line, last.end_column)
        if frame.anchor and self._anchors.get(frame.anchor) is frame:
            self._anchors[frame.anchor] = branch
        self._attach(branch, branch.nodes, branch.characters, branch.height)

    def _alias(self, event: yaml.AliasEvent) -> None:
        span = spanned(self._source, event)
        name = _short(event.anchor or "")
        target = self._anchors.get(event.anchor or "")
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.branch.mapping and not frame.has_key:
            self._problem("key-not-text", f"a key must be text, not the alias *{name}", span, "write the key out")
            self._key(frame, None, span)
            return
        if target is None:
            self._problem("unknown-alias", f"no anchor &{name} stands above", span, "quote text that starts with '*'")
        elif isinstance(target, _Open):
            where = (target.branch.span, f"&{name} begins here")
            self._problem(
                "alias-cycle", f"*{name} refers to itself: {name} → {name}", span, "write the value out", where
            )
            target = None
        if target is None:
            self._attach(Scalar(span, None), 1, 0, 0)
            return
        nodes, characters, height = measure(target)
        if len(self._stack) + height > MAX_DEPTH:
            self._too_deep(span)
        self._count(span, nodes, characters)
        self._attach(Alias(span, target), nodes, characters, height)

    def _attach(self, node: Node, nodes: int, characters: int, height: int) -> None:
        """Give a finished node to the mapping or list it stands in."""
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        branch = frame.branch
        if branch.mapping and not frame.has_key:
            self._key(frame, None, node.span)  # a mapping or a list in a key's place, already refused
            return
        branch.nodes += nodes
        branch.characters += characters
        branch.height = max(branch.height, height + 1)
        branch.entries.append(Entry(frame.key, frame.key_span, node))
        frame.has_key, frame.key, frame.key_span = False, None, None

    def _count(self, span: Span, nodes: int, characters: int) -> None:
        self._nodes += nodes
        self._characters += characters
        hint = "repeat less with anchors and aliases; keep data out of the project file"
        if self._nodes > MAX_NODES:
            self._stop("too-many-nodes", f"the file has more than {MAX_NODES} values, aliases expanded", span, hint)
        if self._characters > MAX_CHARACTERS:
            message = f"the file has more than {MAX_CHARACTERS} characters, aliases expanded"
            self._stop("too-large", message, span, hint)

    def _too_deep(self, span: Span) -> NoReturn:
        self._stop("too-deep", f"the nesting is deeper than {MAX_DEPTH}", span, "write it flatter")

    def _tag(self, tag: str, span: Span) -> None:
        shown = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
        self._problem(
            "tag", f"the tag {_short(shown)} is not read", span, "remove it; everything is written as plain YAML"
        )

    def _problem(self, id: str, message: str, span: Span, hint: str, *related: tuple[Span, str]) -> None:
        self._problems.add(Diagnostic(id=id, message=message, span=span, hint=hint, related=related))

    def _stop(self, id: str, message: str, span: Span, hint: str) -> NoReturn:
        raise self._problems.stop(Diagnostic(id=id, message=message, span=span, hint=hint))

    def _trimmed(self, span: Span) -> Span:
        """The span of a text block without the empty lines the parser counts to it."""
        end = span.end_line if span.end_column > 1 else span.end_line - 1
        while end > span.line and not self._source.line(end).strip():
            end -= 1
        return Span(span.file, span.line, span.column, end, len(self._source.line(end)) + 1)


_WRITE_A_PROJECT = "a project file is one mapping and starts with 'version: 1' and 'name: ...'"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _sort(value: Json) -> str:
    if value is None:
        return "null"
    return "a boolean" if isinstance(value, bool) else "a number"
