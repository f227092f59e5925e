"""Data as YAML that the reader of ``mlops.yaml`` reads back as the same data, with a remark beside each value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlopsctl.ground.digest import Json
from mlopsctl.ground.source import DocPath

Remark = Callable[[DocPath], str]

_BARE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@%+=<>-]*( [A-Za-z0-9_./@%+=<>-]+)*\Z")
_NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", "inf", "nan", ".inf", ".nan"}
_NUMBER = re.compile(r"[-+]?\.?[0-9]")
_WIDEST_FLOW = 100
_WIDEST = 72


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    path: DocPath
    leaf: bool


def resolved_yaml(data: Mapping[str, Json], remark: Remark | None = None) -> str:
    """The data as YAML; ``remark`` gives a comment for each value."""
    lines = list(_mapping(data, (), ""))
    if remark is None:
        return "".join(f"{line.text}\n" for line in lines)
    width = min(_WIDEST, max((len(line.text) for line in lines if line.leaf), default=0))
    return "".join(
        f"{line.text:<{width}}  # {remark(line.path)}\n" if line.leaf else f"{line.text}\n" for line in lines
    )


def _mapping(data: Mapping[str, Json], path: DocPath, indent: str) -> Iterator[_Line]:
    for key, value in data.items():
        yield from _entry(f"{indent}{_text(key)}:", value, (*path, key), indent)


def _entry(head: str, value: Json, path: DocPath, indent: str) -> Iterator[_Line]:
    """A key and its value: on one line where that is short, else below it."""
    flow = _flow(value)
    if flow is not None:
        yield _Line(f"{head} {flow}", path, True)
    else:
        yield _Line(head, path, False)
        yield from _below(value, path, f"{indent}  ")


def _item(value: Json, path: DocPath, indent: str) -> Iterator[_Line]:
    flow = _flow(value)
    if flow is not None:
        yield _Line(f"{indent}- {flow}", path, True)
        return
    for number, line in enumerate(_below(value, path, f"{indent}  ")):
        text = f"{indent}- {line.text[len(indent) + 2 :]}" if number == 0 else line.text
        yield _Line(text, line.path, line.leaf)


def _below(value: Json, path: DocPath, indent: str) -> Iterator[_Line]:
    if isinstance(value, Mapping):
        yield from _mapping(value, path, indent)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _item(item, (*path, index), indent)


def _flow(value: Json) -> str | None:
    """A scalar, or a short list of scalars, on one line; ``None`` for what needs several."""
    if isinstance(value, Mapping):
        return None if value else "{}"
    if isinstance(value, list | tuple):
        parts = [None if isinstance(item, Mapping | list | tuple) else _scalar(item) for item in value]
        written = "[" + ", ".join(part for part in parts if part is not None) + "]"
        return written if None not in parts and len(written) <= _WIDEST_FLOW else None
    return _scalar(value)


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return _text(value.replace("$", "$$") if "$" in value else value)
    return json.dumps(value)


def _text(text: str) -> str:
    """A text that no reader takes for anything else."""
    bare = _BARE.match(text) and text.lower() not in _NOT_TEXT and not _NUMBER.match(text)
    return text if bare else json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")
