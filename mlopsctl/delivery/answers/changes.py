"""What differs between two key materials of a step, as values: the words are made of them, and so is JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlopsctl.delivery.reasons import changes, shown
from mlopsctl.ground.digest import PREFIX, Json
from mlopsctl.pipeline.ir import Step

# The parts of a key material that have words of their own; whatever else stands in it is compared as it is.
_OWN = ("component", "version", "parameters", "seed", "code", "packages", "inputs")


class What(StrEnum):
    """The kind of thing that differs."""

    COMPONENT = "component"
    PARAMETER = "parameter"
    DATA = "data"
    SEED = "seed"
    CODE = "code"
    PACKAGE = "package"
    INPUT = "input"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a parameter's dotted path, a file, a package or an input's name, with both values."""

    what: What
    name: str
    before: Json
    after: Json

    @property
    def words(self) -> str:
        """The difference in one short sentence."""
        match self.what:
            case What.CODE:
                return f"{self.name} {_happened(self.before, self.after)}"
            case What.DATA:
                return f"data {self.name} changed"
            case What.INPUT:
                return f"reads {self.name}: {short(self.before)} → {short(self.after)}"
        return f"{self.name} {shown(self.before)} → {shown(self.after)}"

    def as_json(self) -> Json:
        """The difference as data."""
        return {"what": self.what.value, "name": self.name, "before": self.before, "after": self.after}


def changed(step: Step | None, old: Json, new: Json) -> tuple[Change, ...]:
    """What differs between two materials, the step's own things first and what it reads last.

    Args:
        step: as the project has it now, for the names of its data; ``None`` for a step it no longer has.
    """
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        same = old == new
        return () if same else (Change(What.OTHER, "the record of what it depends on", None, None),)
    return tuple(_changed(step, old, new))


def _changed(step: Step | None, old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    if (old.get("component"), old.get("version")) != (new.get("component"), new.get("version")):
        yield Change(What.COMPONENT, "component", _component(old), _component(new))
    sources = step.sources if step is not None else {}
    for path, before, after in _leaves(old.get("parameters"), new.get("parameters")):
        if path in sources or (_is_digest(before) and _is_digest(after)):
            yield Change(What.DATA, sources.get(path, path), before, after)
        else:
            yield Change(What.PARAMETER, path.removeprefix("target."), before, after)
    if old.get("seed") != new.get("seed"):
        yield Change(What.SEED, "seed", old.get("seed"), new.get("seed"))
    for what, part in ((What.CODE, "code"), (What.PACKAGE, "packages")):
        for name, before, after in _entries(old.get(part), new.get(part)):
            yield Change(what, name, before, after)
    rest = [name for name in sorted({*old, *new}) if name not in _OWN]
    for name in rest:
        for path, before, after in changes(old.get(name), new.get(name), (name,)):
            yield Change(What.OTHER, path, before, after)
    for name, before, after in _entries(old.get("inputs"), new.get("inputs")):
        yield Change(What.INPUT, name, before, after)


def _leaves(old: Json, new: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Json, Json]]:
    """Leaves that differ; the items of a list are told apart by their names, or by their places where they have none.

    Parameters are nested a few levels deep: the reader of projects bounds the depth.
    """
    for at, before, after in changes(old, new, path):
        one, other = _items(before), _items(after)
        if one is None or other is None or (not _named(before, after) and len(one) != len(other)):
            yield at, before, after
        else:
            for name in dict.fromkeys((*one, *other)):
                yield from _leaves(one.get(name), other.get(name), (at, name))


def _items(value: Json) -> dict[str, Json] | None:
    """The items of a list of mappings by name, or by place; ``None`` for anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return None
    found: dict[str, Json] = {}
    for at, item in enumerate(value):
        if not isinstance(item, Mapping):
            return None
        found[str(item.get("name") or at)] = item
    return found if len(found) == len(value) else None


def _named(*lists: Json) -> bool:
    return all(
        isinstance(item, Mapping) and bool(item.get("name"))
        for one in lists
        if isinstance(one, Sequence) and not isinstance(one, str)
        for item in one
    )


def short(value: Json) -> str:
    """A digest as a person compares it: twelve letters; anything else as it is."""
    return value.removeprefix(PREFIX)[:12] if _is_digest(value) and isinstance(value, str) else shown(value)


def _entries(old: Json, new: Json) -> Iterator[tuple[str, Json, Json]]:
    """Entries of two flat mappings that differ; their names may hold dots."""
    before = old if isinstance(old, Mapping) else {}
    after = new if isinstance(new, Mapping) else {}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _component(material: Mapping[str, Json]) -> str:
    return f"{material.get('component')} v{material.get('version')}"


def _is_digest(value: Json) -> bool:
    return isinstance(value, str) and value.startswith(PREFIX)


def _happened(before: Json, after: Json) -> str:
    if before is None:
        return "is new"
    return "is gone" if after is None else "changed"
