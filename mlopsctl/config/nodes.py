"""The nodes of a YAML document: values, mappings, lists, and aliases that stay references."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Span


@dataclass(slots=True)
class Scalar:
    """A value: null, a boolean, a number or text."""

    span: Span
    value: Json


@dataclass(slots=True)
class Entry:
    """A child of a branch; ``key`` is ``None`` in a list and for a key that was refused."""

    key: str | None
    key_span: Span | None
    node: Node


@dataclass(slots=True)
class Branch:
    """A mapping or a list. ``nodes`` and ``characters`` count what it holds with aliases expanded, itself included."""

    span: Span
    mapping: bool
    entries: list[Entry] = field(default_factory=list)
    nodes: int = 1
    characters: int = 0
    height: int = 1


@dataclass(slots=True)
class Alias:
    """A place that repeats an anchored node."""

    span: Span
    target: Scalar | Branch


Node: TypeAlias = Scalar | Branch | Alias


def measure(node: Scalar | Branch) -> tuple[int, int, int]:
    """Values, characters of text and levels of nesting of a node, aliases expanded."""
    if isinstance(node, Branch):
        return node.nodes, node.characters, node.height
    return 1, len(node.value) if isinstance(node.value, str) else 0, 0
