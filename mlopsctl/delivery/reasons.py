"""Why a step runs: the difference between two key materials, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.ground.digest import Json
from mlopsctl.pipeline.ir import Step

_SHOWN = 60


def differences(step: Step, old: Json, new: Mapping[str, Json]) -> tuple[str, ...]:
    """What changed since the material ``old``, one short sentence each, most telling first."""
    if not isinstance(old, Mapping):
        return ("its last record cannot be read",)
    return tuple(_differences(step, old, new))


def _differences(step: Step, old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
    if (old.get("component"), old.get("version")) != (new["component"], new["version"]):
        yield f"component {old.get('component')} v{old.get('version')} → {new['component']} v{new['version']}"
    for path, before, after in changes(old.get("parameters"), new["parameters"]):
        uri = step.sources.get(path)
        name = path.removeprefix("target.")  # a train step has one target, and its name says which
        yield f"data {uri} changed" if uri is not None else f"{name} {shown(before)} → {shown(after)}"
    if old.get("seed") != new["seed"]:
        yield f"seed {shown(old.get('seed'))} → {shown(new['seed'])}"
    for file, before, after in changes(old.get("code"), new["code"]):
        yield f"{file} {_happened(before, after)}"
    for package, before, after in changes(old.get("packages"), new["packages"]):
        yield f"{package} {shown(before)} → {shown(after)}"
    for package, before, after in changes(old.get("requirements") or {}, new.get("requirements") or {}):
        yield f"requirement {package}: {shown(before)} → {shown(after)}"
    for name, before, after in changes(old.get("inputs"), new["inputs"]):
        wired = step.inputs.get(name)
        yield f"reads {wired.ref}, which changed" if wired else f"no longer reads {name}"
        del before, after


def _happened(before: Json, after: Json) -> str:
    if before is None:
        return "is new"
    return "is gone" if after is None else "changed"


def changes(old: Json, new: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Json, Json]]:
    """Leaves that differ, as (dotted path, old, new); a list is a leaf unless its entries have names."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from changes(old.get(key), new.get(key), (*path, key))
    elif (before := _by_name(old)) and (after := _by_name(new)):
        yield from changes(before, after, path)
        if list(before) != list(after) and set(before) == set(after):
            yield ".".join(path), list(before), list(after)
    elif old != new:
        yield ".".join(path), old, new


def _by_name(value: Json) -> dict[str, Json]:
    """The entries of a list by their names; empty for anything else, and where names do not tell them apart."""
    if not isinstance(value, list | tuple):
        return {}
    named = {str(entry["name"]): entry for entry in value if isinstance(entry, Mapping) and entry.get("name")}
    return dict(named) if len(named) == len(value) else {}


def shown(value: Json) -> str:
    """A value as a person reads it in one line: text bare, nothing as ``(unset)``, long values cut."""
    if value is None:
        return "(unset)"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else _compact(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _compact(value: Json) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, default=dict)
