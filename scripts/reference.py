"""Writes `docs/reference.md`: every key of `mlops.yaml` with type, default and meaning, from the models themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlopsctl.config.project import Project
from mlopsctl.ground.model import NotYet, Spec

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
HEAD = """# Reference

Every key of `mlops.yaml`. Made by `make generate` from the models that `validate` uses; edit those. How the file is
written is in [the language](language.md). "Not yet" marks what the language knows and this version does not execute.
"""
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
_PREFIX = "#/$defs/"

JsonSchema = Mapping[str, Any]

# What a union's members are called where they are listed: by their kind.
_KINDS: dict[str, str] = {}


def page() -> str:
    """The whole page: the project first, then each type where it is first met."""
    schema = Project.model_json_schema()
    definitions: Mapping[str, JsonSchema] = schema["$defs"]
    _KINDS.update({name: kind for name, found in definitions.items() if (kind := _kind(found))})
    classes = {found.__name__: found for found in _subclasses(Spec)}
    parts = [HEAD, *_section("Project", schema, Project)]
    for name in _in_order_met(schema, definitions):
        if "properties" in definitions[name]:
            parts += _section(name, definitions[name], classes[name])
    return "\n".join(parts)


def _kind(schema: JsonSchema) -> str:
    return str(schema.get("properties", {}).get("kind", {}).get("const", ""))


def _subclasses(base: type[Spec]) -> Iterator[type[Spec]]:
    for found in base.__subclasses__():
        yield found
        yield from _subclasses(found)


def _in_order_met(schema: JsonSchema, definitions: Mapping[str, JsonSchema]) -> list[str]:
    met: list[str] = []

    def visit(part: object) -> None:
        if isinstance(part, Mapping):
            target = part.get("$ref", "")
            if target.startswith(_PREFIX) and (name := target.removeprefix(_PREFIX)) not in met:
                met.append(name)
                visit(definitions[name])
            for key, value in part.items():
                if key not in ("$defs", "discriminator"):
                    visit(value)
        elif isinstance(part, list):
            for value in part:
                visit(value)

    visit({key: value for key, value in schema.items() if key != "$defs"})
    return met


def _section(name: str, schema: JsonSchema, model: type[Spec]) -> list[str]:
    lines = [f"## {name}", "", _text(schema.get("description", "")), ""]
    if model.not_yet:
        lines += [f"Not yet: {model.not_yet.removesuffix(' yet')}.", ""]
    lines += ["| key | type | default | what |", "|---|---|---|---|"]
    required = set(schema.get("required", ()))
    missing = {
        field.alias or key: mark.reason
        for key, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, NotYet)
    }
    for key, value in sorted(schema["properties"].items(), key=lambda item: item[0] != "kind"):
        if key == "kind":
            required.add(key)
        default = "required" if key in required else _default(value)
        what = _text(value.get("description", "")) + (f" Not yet: {missing[key]}." if key in missing else "")
        lines.append(f"| `{key}` | {_type(value)} | {default} | {what} |")
    return [*lines, ""]


def _default(schema: JsonSchema) -> str:
    value = schema.get("default")
    return "" if value is None or value in ([], {}, "") else f"`{json.dumps(value, ensure_ascii=False)}`"


def _type(schema: JsonSchema) -> str:
    """The type in words; a bar would end the table's cell."""
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if target := schema.get("$ref", ""):
        name = target.removeprefix(_PREFIX)
        return "any value" if name == "JsonValue" else f"[{_KINDS.get(name, name)}](#{name.lower()})"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            words = [_type(part) for part in schema[union] if part.get("type") != "null"]
            return " or ".join(dict.fromkeys(words))
    return _container(schema) or _WORDS.get(str(schema.get("type", "")), "any value")


def _container(schema: JsonSchema) -> str:
    if schema.get("type") == "array":
        items: object = schema.get("items")
        return f"list of {_type(items)}" if isinstance(items, Mapping) else "list"
    if schema.get("type") == "object":
        patterns: Mapping[str, object] = schema.get("patternProperties", {})
        values: object = next(iter(patterns.values()), schema.get("additionalProperties"))
        return f"by name: {_type(values)}" if isinstance(values, Mapping) else "mapping"
    return ""


def _text(text: str) -> str:
    """One paragraph of Markdown; code in docstrings has two backticks."""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")


def main(arguments: Sequence[str]) -> None:
    """Write the page, to another place where one is given."""
    target = Path(arguments[0]) if arguments else TARGET
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
