"""The JSON Schema of ``mlops.yaml``, generated from the models, for completion and checks in an editor.

1. The models' own schema, by the keys that users write.
2. Wherever a number, a boolean or a restricted text stands, ``${vars.x}`` and ``${parameters.x}`` may stand too.
3. ``environments``: every section again, nothing required, and ``null`` to remove a key.

It asks the base for every required key, also where each environment would give it: an editor cannot see across.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any, TypeAlias

from mlopsctl.config.project import Project
from mlopsctl.ground.text import NAME_PATTERN

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = r"\$\{(vars|parameters)\.[a-z][a-z0-9_-]{0,62}\}"
_DEFS = "#/$defs/"
_OVERLAY = "Overlay."
_INTERPOLATED = "Interpolated"
# Here no reference stands: these keys say how the file itself is read.
_FIXED = {"version"}


def schema_text() -> str:
    """The schema as it is committed: indented JSON with a line break at its end."""
    return json.dumps(project_schema(), indent=1, ensure_ascii=False) + "\n"


def project_schema() -> Schema:
    """The JSON Schema (2020-12) of a project file."""
    root = Project.model_json_schema(by_alias=True, mode="validation")
    definitions: dict[str, Schema] = root.pop("$defs")
    definitions = {name: _readable(definition) for name, definition in definitions.items()}
    root = _readable(root)
    for definition in [root, *definitions.values()]:
        _let_references_stand(definition)
    overlays = {f"{_OVERLAY}{name}": _overlay(definition) for name, definition in definitions.items()}
    promotion = root["properties"]["promotion"]
    environment = _overlay({**root, "properties": {**root["properties"], "promotion": promotion}})
    environment |= {
        "title": "Environment",
        "description": "An overlay: mappings merge, anything else replaces, null removes.",
    }
    del root["properties"]["promotion"]
    root["properties"]["environments"] = {
        "title": "Environments",
        "description": "Where and under which rules the project runs: each is an overlay over everything above.",
        "type": ["object", "null"],
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": {"anyOf": [{"$ref": f"{_DEFS}Environment"}, {"type": "null"}]},
    }
    interpolated = {
        "title": "Reference",
        "description": "A text with `${vars.name}` or `${parameters.name}`; one reference alone keeps its type.",
        "type": "string",
        "pattern": REFERENCE,
    }
    everything = definitions | overlays | {"Environment": environment, _INTERPOLATED: interpolated}
    root = {"$schema": DIALECT, "title": "mlops.yaml", **{k: v for k, v in root.items() if k != "title"}}
    return {**root, "$defs": dict(sorted(_reachable(root, everything).items()))}


def _readable(schema: Schema) -> Schema:
    """Without what editors do not read: OpenAPI's discriminators, and defaults of null."""
    schema = deepcopy(schema)
    for node in _nodes(schema):
        node.pop("discriminator", None)
        if "oneOf" in node:
            node["anyOf"] = node.pop("oneOf")
        if node.get("default", 0) is None:
            del node["default"]
    for key, value in schema.get("properties", {}).items():
        # A key that refers to one model would go by the model's title only.
        value.setdefault("title", key.replace("_", " ").capitalize())
    kind = schema.get("properties", {}).get("kind")
    if kind is not None:
        # A kind has a default in the model only; in the text it is what tells the members apart.
        kind.pop("default", None)
        schema["required"] = sorted({"kind", *schema.get("required", [])}, key=list(schema["properties"]).index)
    return schema


def _let_references_stand(schema: Schema) -> None:
    """In every property of a model, at every depth of lists, unions and mappings."""
    for key, value in schema.get("properties", {}).items():
        if key not in _FIXED and not (key == "kind" and "const" in value):
            schema["properties"][key] = _referable(value)


def _referable(node: Schema) -> Schema:
    described: Schema = {key: node.pop(key) for key in ("title", "description", "default") if key in node}
    if "anyOf" in node:
        node["anyOf"] = [_referable(member) for member in node["anyOf"]]
    for inside in ("items", "additionalProperties"):
        if isinstance(node.get(inside), dict):
            node[inside] = _referable(node[inside])
    if isinstance(node.get("prefixItems"), list):
        node["prefixItems"] = [_referable(member) for member in node["prefixItems"]]
    if _is_restricted_scalar(node):
        node = {"anyOf": [node, {"$ref": f"{_DEFS}{_INTERPOLATED}"}]}
    return {**described, **node}


def _is_restricted_scalar(node: Schema) -> bool:
    """Whether a reference would not fit already, as it does into any text."""
    if "const" in node or "enum" in node or node.get("type") in {"integer", "number", "boolean"}:
        return True
    return node.get("type") == "string" and bool({"pattern", "maxLength", "format"} & node.keys())


def _overlay(schema: Schema) -> Schema:
    """A model where every key may be left out, or be null to remove it, and what it holds likewise."""
    schema = deepcopy(schema)
    schema.pop("required", None)
    for key, value in schema.get("properties", {}).items():
        for node in _nodes(value):
            node.pop("default", None)
            if str(node.get("$ref", "")).startswith(_DEFS) and not node["$ref"].endswith(_INTERPOLATED):
                node["$ref"] = f"{_DEFS}{_OVERLAY}{node['$ref'].removeprefix(_DEFS)}"
            if isinstance(node.get("additionalProperties"), dict):
                node["additionalProperties"] = {"anyOf": [node["additionalProperties"], {"type": "null"}]}
        described = {name: value.pop(name) for name in ("title", "description") if name in value}
        schema["properties"][key] = {**described, "anyOf": [value, {"type": "null"}]}
    # Items of lists replace: they are whole, so they are of the plain models.
    for node in _nodes(schema):
        if isinstance(node.get("items"), dict):
            for item in _nodes(node["items"]):
                if str(item.get("$ref", "")).startswith(f"{_DEFS}{_OVERLAY}"):
                    item["$ref"] = item["$ref"].replace(_OVERLAY, "", 1)
    return schema


def _nodes(value: Any) -> Iterable[Schema]:
    """Every mapping inside a schema, the schema first."""
    if isinstance(value, dict):
        yield value
        for item in list(value.values()):
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _reachable(root: Schema, definitions: dict[str, Schema]) -> dict[str, Schema]:
    """The definitions that the schema uses."""
    found: dict[str, Schema] = {}
    waiting = [root]
    while waiting:
        for node in _nodes(waiting.pop()):
            name = str(node.get("$ref", "")).removeprefix(_DEFS)
            if name in definitions and name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return found
