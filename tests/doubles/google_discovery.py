"""Google's discovery documents as a contract: which call a request is, and whether its content is what Google takes.

The documents ship inside the wheel of google-api-python-client.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_ALWAYS = frozenset(
    {"$.xgafv", "$alt", "$prettyPrint", "access_token", "alt", "callback", "fields", "key", "oauth_token",
     "prettyPrint", "quotaUser", "uploadType", "upload_protocol", "userIp"}
)  # fmt: skip
_DURATION = r"^-?\d+(\.\d{1,9})?s$"


@dataclass(frozen=True)
class Method:
    """One call of an API: its discovery ``id``, how its path looks, and the names of the schemas that it uses."""

    id: str
    verb: str
    template: str
    pattern: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    request: str
    response: str


class Discovery:
    """One discovery document, such as ``aiplatform.v1``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._document = json.loads(_documents().joinpath(f"{name}.json").read_text(encoding="utf-8"))
        self._schemas: Mapping[str, Any] = self._document["schemas"]
        # What is written out most must be tried first: `{name}` alone would take `{name}:cancel` too.
        self.methods = sorted(
            self._walk(self._document), key=lambda method: -len(re.sub(r"{.*?}", "", method.template))
        )

    def find(self, verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """The call of a request line, with the values in its path; ``None`` when the API has no such call."""
        for method in self.methods:
            if method.verb == verb and (found := method.pattern.match(path)):
                return method, found.groupdict()
        return None

    def wrong_query(self, method: Method, query: Mapping[str, str]) -> list[str]:
        """What is wrong with the query parameters."""
        known = {name: rule for name, rule in method.parameters.items() if rule["location"] == "query"}
        wrong = [f"{name}: unknown query parameter" for name in query if name not in known and name not in _ALWAYS]
        for name, rule in known.items():
            value = query.get(name)
            if value is None:
                wrong += [f"{name}: missing"] if rule.get("required") else []
            elif "enum" in rule and value not in rule["enum"] and not value.isdigit():
                wrong.append(f"{name}: not one of {rule['enum']}")
            elif rule.get("type") == "integer" and not re.fullmatch(r"-?\d+", value):
                wrong.append(f"{name}: not a number")
        return wrong

    def wrong_request(self, method: Method, path: Mapping[str, str], body: Any) -> list[str]:
        """What is wrong with the body of a request."""
        if not method.request:
            return ["body: this call has none"] if body else []
        # A field that stands in the path is not repeated in the body.
        there = self._schemas[method.request].get("properties", {})
        given = {name: value for name, value in path.items() if name in there}
        return self._wrong(method.request, {**given, **(body or {})}, request=True)

    def wrong_response(self, method: Method, body: Any) -> list[str]:
        """What is wrong with the body of a response, and with the messages of a named type inside it."""
        if not method.response:
            return ["body: this call answers nothing"] if body else []
        return [*self._wrong(method.response, body, request=False), *self._wrong_inside(body)]

    def wrong(self, schema: str, value: Any) -> list[str]:
        """What is wrong with a value that a client sends, by the name of its schema."""
        return self._wrong(schema, value, request=True)

    def _wrong_inside(self, value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for one in value:
                yield from self._wrong_inside(one)
        if not isinstance(value, dict):
            return
        kind = str(value.get("@type", "")).rpartition(".")[2]
        if kind:
            schema = next((one for one in self._schemas if one == kind or one.endswith(f"V1{kind}")), None)
            content = {name: one for name, one in value.items() if name != "@type"}
            yield from [] if schema is None else self._wrong(schema, content, request=False)
        for one in value.values():
            yield from self._wrong_inside(one)

    def _wrong(self, schema: str, value: Any, *, request: bool) -> list[str]:
        found = self._validator(schema, request).iter_errors(value)
        return [f"{'.'.join(map(str, one.absolute_path)) or '.'}: {one.message[:200]}" for one in found]

    @functools.cache  # noqa: B019 - a document lives as long as the test run
    def _validator(self, schema: str, request: bool) -> Draft202012Validator:
        definitions: dict[str, Any] = {}
        waiting = [schema]
        while waiting:
            name = waiting.pop()
            if name not in definitions:
                definitions[name] = _json_schema(self._schemas[name], request)
                waiting += re.findall(r'"#/\$defs/(\w+)"', json.dumps(definitions[name]))
        return Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": definitions})

    def _walk(self, node: Mapping[str, Any]) -> Iterator[Method]:
        for method in node.get("methods", {}).values():
            template = f"/{self._document['servicePath']}{method['path']}".replace("//", "/")
            parameters = method.get("parameters", {})
            yield Method(
                id=method["id"],
                verb=method["httpMethod"],
                template=template,
                pattern=_path_pattern(template, parameters),
                parameters=parameters,
                request=method.get("request", {}).get("$ref", ""),
                response=method.get("response", {}).get("$ref", ""),
            )
        for resource in node.get("resources", {}).values():
            yield from self._walk(resource)


@functools.cache
def discovery(name: str) -> Discovery:
    """The discovery document of that name, read once."""
    return Discovery(name)


def _documents() -> Path:
    import googleapiclient

    return Path(googleapiclient.__file__).parent / "discovery_cache/documents"


def _path_pattern(template: str, parameters: Mapping[str, Mapping[str, Any]]) -> re.Pattern[str]:
    """``/v1/{+name}:pause`` as a pattern; each value must look as the document says."""
    pattern = ""
    for text, slashes, name in re.findall(r"([^{]*)(?:{(\+?)(\w+)})?", template):
        pattern += re.escape(text)
        if name:
            documented = parameters.get(name, {}).get("pattern", "").strip("^$")
            pattern += f"(?P<{name}>{documented or ('.+' if slashes else '[^/:]+')})"
    return re.compile(f"^{pattern}$")


def _json_schema(schema: Mapping[str, Any], request: bool) -> dict[str, Any]:
    """A schema of a discovery document as JSON Schema, by the rules of proto3's JSON."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, request)
    if kind == "array":
        return {"type": "array", "items": _json_schema(schema["items"], request)}
    if kind == "any":
        return {}
    if kind == "number":
        return {"type": ["number", "string"]}
    if kind != "string":
        return {"type": kind}
    if schema.get("format") in ("int64", "uint64"):
        return {"type": ["string", "integer"], "pattern": r"^-?\d+$"}
    pattern = _DURATION if schema.get("format") == "google-duration" else schema.get("pattern")
    return {
        "type": "string",
        **({"enum": schema["enum"]} if "enum" in schema else {}),
        **({"pattern": pattern} if pattern else {}),
    }


def _object(schema: Mapping[str, Any], request: bool) -> dict[str, Any]:
    properties = schema.get("properties", {})
    found: dict[str, Any] = {
        "type": "object",
        "properties": {name: _json_schema(one, request) for name, one in properties.items()},
        "additionalProperties": False,
    }
    if "additionalProperties" in schema:
        found["additionalProperties"] = _json_schema(schema["additionalProperties"], request)
    if request:
        # Numbers and booleans are left out by clients when they are 0 or false, required or not.
        found["required"] = [
            name
            for name, one in properties.items()
            if one.get("description", "").startswith("Required.")
            and one.get("type") not in ("integer", "number", "boolean")
        ]
    return found
