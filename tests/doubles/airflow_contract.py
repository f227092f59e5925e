"""Airflow's own OpenAPI files, as a judge of what is asked of its API and what a stand-in answers."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

_ENVIRONMENTS = Path(__file__).parents[2] / ".venvs"
_FILES = {
    1: "airflow2/lib/python3*/site-packages/airflow/api_connexion/openapi/v1.yaml",
    2: "airflow3/lib/python3*/site-packages/airflow/api_fastapi/core_api/openapi/v2-rest-api-generated.yaml",
}
_PREFIX = "/api/v2"


class NotTheContract(AssertionError):
    """A request that Airflow would not understand, or an answer that it could not give."""


@dataclass(frozen=True)
class Operation:
    """One of the API's operations: its method and path, as the file writes them, and what the file says of it."""

    method: str
    path: str
    said: Mapping[str, Any]
    query: frozenset[str]


def contract_file(version: int) -> Path | None:
    """The file that Airflow ships for a version of its API; ``None`` where that Airflow is not installed."""
    return next(iter(_ENVIRONMENTS.glob(_FILES[version])), None)


@functools.cache
def contract(version: int) -> Contract:
    """The contract of a version of the API."""
    file = contract_file(version)
    if file is None:
        raise FileNotFoundError(_FILES[version])
    with file.open("rb") as stream:
        return Contract(yaml.load(stream, yaml.CSafeLoader))


class Contract:
    """The operations of an OpenAPI document, and checks against them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        old = str(document["openapi"]).startswith("3.0")
        self._document: Mapping[str, Any] = _without_nullable(document) if old else document
        self._operations = [
            (re.compile(re.sub(r"\{[^}]+\}", "([^/]+)", path.removeprefix(_PREFIX))), path, methods)
            for path, methods in self._document["paths"].items()
        ]

    def find(self, method: str, path: str) -> Operation:
        """The operation that a request is."""
        # A path without parameters comes before one that would take its last word for a parameter.
        for pattern, name, methods in sorted(self._operations, key=lambda one: one[0].groups):
            if pattern.fullmatch(path) and method.lower() in methods:
                said = methods[method.lower()]
                parameters = [
                    self._resolved(one) for one in (*methods.get("parameters", ()), *said.get("parameters", ()))
                ]
                query = frozenset(one["name"] for one in parameters if one["in"] == "query")
                return Operation(method, name, said, query)
        raise NotTheContract(f"there is no {method} {path}")

    def check_request(self, operation: Operation, query: Mapping[str, str], body: Any) -> None:
        """Do nothing where Airflow would understand the request."""
        if unknown := set(query) - operation.query:
            raise NotTheContract(f"{operation.method} {operation.path} knows no {sorted(unknown)}")
        wanted = operation.said.get("requestBody")
        if wanted is None:
            if body is not None:
                raise NotTheContract(f"{operation.method} {operation.path} takes no body")
            return
        self._check(
            self._resolved(wanted)["content"]["application/json"]["schema"], body, f"the body of {operation.path}"
        )

    def check_answer(self, operation: Operation, status: int, body: Any) -> None:
        """Do nothing where Airflow could answer so."""
        answers = operation.said["responses"]
        if str(status) not in answers:
            if status < 400:
                raise NotTheContract(f"{operation.method} {operation.path} never answers {status}")
            return
        content = self._resolved(answers[str(status)]).get("content", {})
        schema = next((one["schema"] for name, one in content.items() if "json" in name and "schema" in one), None)
        if schema is not None:
            self._check(schema, body, f"the answer {status} of {operation.method} {operation.path}")

    def _check(self, schema: Mapping[str, Any], value: Any, what: str) -> None:
        whole = {**schema, "components": self._document["components"]}
        for error in Draft202012Validator(whole).iter_errors(value):
            raise NotTheContract(f"{what}: {error.json_path}: {error.message[:300]}")

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in value:
            found: Any = self._document
            for part in str(value["$ref"]).removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            value = found
        return value


def _without_nullable(value: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what may be null says so by its types."""
    if isinstance(value, list):
        return [_without_nullable(one) for one in value]
    if not isinstance(value, dict):
        return value
    plain = {
        key: _without_nullable(one) for key, one in value.items() if key not in ("nullable", "example", "readOnly")
    }
    return {"anyOf": [plain, {"type": "null"}]} if value.get("nullable") is True else plain
