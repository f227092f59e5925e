"""What a CI runs, and upon what: read from the structure of its files, never from their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from mlopsctl.levels.commands import Command

PULL_REQUEST, DELIVERY = "pull_request", "delivery"
UNCOMMITTED = "in no commit yet, so nothing runs it"


@dataclass(frozen=True, slots=True)
class Workflow:
    """A file by which a CI runs something.

    Attributes:
        path: from the repository's folder.
        made: `ci init` made it, and it is as the project asks.
        commands: by what starts it, a change that is proposed or one that was merged.
        idle: why it runs nothing by itself; empty where something starts it.
    """

    path: str
    made: bool = False
    commands: Mapping[str, tuple[Command, ...]] = field(default_factory=dict)
    idle: str = ""

    def runs(self, event: str) -> tuple[Command, ...]:
        """The commands that it runs upon that."""
        return self.commands.get(event, ())


class NoYaml(ValueError):
    """The text is no YAML mapping without doubled keys."""


@dataclass(frozen=True, slots=True)
class Item:
    """A value of a YAML file, with its line; whatever is not there is an empty item."""

    node: yaml.Node | None = None

    @property
    def text(self) -> str:
        """The text of a scalar; empty for anything else. Nothing is a truth value: `on` stays a word."""
        return self.node.value if isinstance(self.node, yaml.ScalarNode) else ""

    @property
    def there(self) -> bool:
        """Whether it stands in the file."""
        return self.node is not None

    @property
    def line(self) -> int:
        """The line of its text, from 1; of a block it is the first one below its sign."""
        if self.node is None:
            return 0
        block = isinstance(self.node, yaml.ScalarNode) and self.node.style in ("|", ">")
        return int(self.node.start_mark.line) + 1 + block

    @property
    def items(self) -> tuple[Item, ...]:
        """The items of a sequence; a scalar is one of its own."""
        if isinstance(self.node, yaml.SequenceNode):
            return tuple(Item(one) for one in self.node.value)
        return (self,) if isinstance(self.node, yaml.ScalarNode) and self.node.value else ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping."""
        return tuple(name for name, _ in self._pairs())

    def of(self, *path: str) -> Item:
        """The value below these keys."""
        item = self
        for name in path:
            item = next((value for key, value in item._pairs() if key == name), Item())
        return item

    def _pairs(self) -> Iterator[tuple[str, Item]]:
        if isinstance(self.node, yaml.MappingNode):
            for key, value in self.node.value:
                yield (key.value if isinstance(key, yaml.ScalarNode) else "", Item(value))


def read_yaml(text: str) -> Item:
    """The one mapping of a YAML file.

    Raises:
        NoYaml: when it is none.
    """
    try:
        root = Item(yaml.compose(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise NoYaml(str(error)) from None
    if not isinstance(root.node, yaml.MappingNode | yaml.SequenceNode) or _doubled(root.node):
        raise NoYaml("it is no mapping, or a key stands in it twice")
    return root


def _doubled(root: yaml.Node) -> bool:
    """Whether a key stands in a mapping twice; a node that is referred to again is looked at once."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        below: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if len(set(names)) != len(names):
                return True
            below = [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            below = list(node.value)
        waiting += [one for one in below if id(one) not in seen]
        seen |= {id(one) for one in below}
    return False
