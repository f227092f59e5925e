"""The contract of the API of Kubeflow Pipelines, read out of the vendor's generated client ``kfp_server_api``.

Paths, verbs, query names and body types come from its API classes, schemas from its model classes: they are generated
from the vendor's Swagger file, which no wheel holds.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

_PLAIN: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "object": {},
    "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
    "file": {},
}
# The client says text where the API has a 64-bit number, which may come as a number and as text.
_LONG = {"type": ["string", "integer"], "pattern": r"^\d+$"}
_LONGS = {("V2beta1RecurringRun", "max_concurrency"), ("V2beta1PeriodicSchedule", "interval_second")}
_ANY = frozenset({"ProtobufAny", "GoogleProtobufAny"})


@dataclass(frozen=True)
class Operation:
    """One call: its name in the client, such as ``run_service_create_run``, and what a request of it looks like."""

    name: str
    verb: str
    template: str
    pattern: re.Pattern[str]
    query: frozenset[str]
    body: str
    answer: str

    @property
    def writes(self) -> bool:
        """Whether it could change something."""
        return self.verb != "GET"


class Contract:
    """All calls and schemas of the API."""

    def __init__(self) -> None:
        # What is written out most is tried first: `{id}` alone would take `{id}:disable` too.
        self.operations = sorted(_operations(), key=lambda one: -len(re.sub(r"{.*?}", "", one.template)))
        self._schemas, self._required = _schemas()

    def find(self, verb: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The call of a request line, with the values in its path."""
        for operation in self.operations:
            if operation.verb == verb and (found := operation.pattern.match(path)):
                return operation, {key.replace("__", "."): value for key, value in found.groupdict().items()}
        return None

    def wrong_query(self, operation: Operation, query: Mapping[str, str]) -> list[str]:
        """What the query may not have."""
        return [f"{name}: unknown query parameter" for name in query if name not in operation.query]

    def wrong_body(self, operation: Operation, body: Any) -> list[str]:
        """Where a request's body breaks the contract."""
        if not operation.body:
            return ["there is a body"] if body else []
        wrong = self.wrong(operation.body, body)
        needed = self._required.get(operation.body, frozenset()) if isinstance(body, dict) else ()
        return wrong + [f"{name}: is required" for name in sorted(needed) if not body.get(name)]

    def wrong_answer(self, operation: Operation, answer: Any) -> list[str]:
        """Where an answer breaks the contract."""
        return self.wrong(operation.answer, answer) if operation.answer else []

    def wrong(self, schema: str, value: Any) -> list[str]:
        """Where a value does not fit a schema, by its name or type expression."""
        checker = Draft202012Validator({**_schema(schema), "$defs": self._schemas})
        return [
            f"{'.'.join(map(str, one.absolute_path)) or '.'}: {one.message[:200]}" for one in checker.iter_errors(value)
        ]


@functools.lru_cache(maxsize=1)
def contract() -> Contract:
    """The contract, read once."""
    return Contract()


def _operations() -> Iterator[Operation]:
    from kfp_server_api import api

    for _, service in inspect.getmembers(api, inspect.isclass):
        for name, method in inspect.getmembers(service, inspect.isfunction):
            if not name.endswith("_with_http_info"):
                continue
            source = inspect.getsource(method)
            place = re.search(r"'(/apis[^']*)', '([A-Z]+)'", source)
            assert place is not None, name
            body = re.search(r"body_params = local_var_params\['(\w+)'\]", source)
            body_type = re.search(rf":type {body[1]}: (\S+)", source) if body else None
            answer = re.search(r"response_type='([^']*)'", source)
            query = re.findall(r"query_params\.append\(\('([\w.]+)'", source)
            yield Operation(
                name=name.removesuffix("_with_http_info"),
                verb=place[2],
                template=place[1],
                pattern=_pattern(place[1]),
                query=frozenset(query),
                body=body_type[1] if body_type else "",
                answer=answer[1] if answer else "",
            )


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"{([\w.]+)}", template)
    text = "".join(
        f"(?P<{part.replace('.', '__')}>[^/:]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.compile(f"^{text}$")


def _schemas() -> tuple[dict[str, Any], dict[str, frozenset[str]]]:
    from kfp_server_api import models

    schemas: dict[str, Any] = {}
    required: dict[str, frozenset[str]] = {}
    for name, model in inspect.getmembers(models, inspect.isclass):
        if not hasattr(model, "openapi_types"):
            continue
        if hasattr(model, "allowable_values"):
            schemas[name] = {"enum": list(model.allowable_values)}
            continue
        properties = {model.attribute_map[key]: _schema(type) for key, type in model.openapi_types.items()}
        for owner, key in _LONGS:
            if owner == name:
                properties[key] = _LONG
        schemas[name] = {"type": "object", "properties": properties, "additionalProperties": name in _ANY}
        required[name] = frozenset(
            key for key in properties if re.search(r"\n +(?:Required input|Input\. Required)", _told(model, key))
        )
    # What the server knows from the path or sets itself.
    required["V2beta1PipelineVersion"] = frozenset({"name"})
    return schemas, required


def _told(model: type, key: str) -> str:
    """What the vendor says of a property."""
    return str(getattr(model, key, None).__doc__)


def _schema(type: str) -> dict[str, Any]:
    if type in _PLAIN:
        return _PLAIN[type]
    if type.startswith("list["):
        return {"type": "array", "items": _schema(type[5:-1])}
    if type.startswith("dict("):
        return {"type": "object", "additionalProperties": _schema(type[5:-1].split(", ", 1)[1])}
    return {"$ref": f"#/$defs/{type}"}
