"""What stands at a path of a document, and the keys that the grammar knows there, read from the models."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from mlopsctl.ground.digest import Json
from mlopsctl.ground.source import DocPath


def keys_at(root: type[BaseModel], data: Json, path: DocPath) -> tuple[str, ...]:
    """The keys known at ``path``, in the grammar's order; empty where names are free."""
    found: list[type[BaseModel]] = [root]
    hints: list[Any] = []
    node = data
    for part in path:
        node, hints = _step(node, part, found, hints)
        found = [model for hint in hints for model in _models(hint, node)]
    return tuple(dict.fromkeys(key for model in found for key in known_keys(model)))


def known_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """A model's keys as users write them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def value_at(data: Json, path: DocPath) -> Json:
    """What stands at a path; nothing where it leads nowhere."""
    for part in path:
        if isinstance(data, Mapping) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, Sequence) and not isinstance(data, str) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _step(node: Json, part: str | int, models: list[type[BaseModel]], hints: list[Any]) -> tuple[Json, list[Any]]:
    """One step down: the child of the data, and what the grammar says of it."""
    below: list[Any] = []
    for model in models:
        below += [f.annotation for name, f in model.model_fields.items() if (f.alias or name) == part]
    for hint in hints:
        below += _elements(hint)
    return value_at(node, (part,)), below


def _elements(hint: Any) -> Iterator[Any]:
    """What a list or a mapping of names holds."""
    for plain in _members(hint):
        arguments = get_args(plain)
        if get_origin(plain) is dict:
            yield arguments[1]
        elif get_origin(plain) is tuple and arguments:
            yield arguments[0]


def _models(hint: Any, node: Json) -> Iterator[type[BaseModel]]:
    """The models a node can be of; by its ``kind`` where it has one that is known."""
    models = [m for m in _members(hint) if isinstance(m, type) and issubclass(m, BaseModel)]
    kind = node.get("kind") if isinstance(node, Mapping) else None
    named = [m for m in models if "kind" in m.model_fields and kind in get_args(m.model_fields["kind"].annotation)]
    yield from named or models


def _members(hint: Any) -> Iterator[Any]:
    """The members of a union, without what is annotated to them."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _members(get_args(hint)[0])
    elif origin is Union or isinstance(hint, types.UnionType):
        for member in get_args(hint):
            yield from _members(member)
    else:
        yield hint
