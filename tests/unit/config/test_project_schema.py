"""The JSON Schema: generated, committed, described at every key, and in step with the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlopsctl.config.document import read_document
from mlopsctl.config.schema import project_schema, schema_text

CHECKOUT = Path(__file__).parents[3]
SCHEMA = project_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

MINIMAL: dict[str, Any] = {
    "version": 1,
    "name": "penguins",
    "data": {"penguins": {"source": {"kind": "csv", "uri": "a.csv"}, "label": "species"}},
}


def refused(project: dict[str, Any]) -> bool:
    return bool(list(VALIDATOR.iter_errors(project)))


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = (CHECKOUT / "schemas" / "mlops.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: mlopsctl schema --output-file schemas/mlops.schema.json"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(schema_text()) == SCHEMA


def test_every_key_has_a_title_and_a_description() -> None:
    missing = [
        f"{name}.{key}"
        for name, definition in [("Project", SCHEMA), *SCHEMA["$defs"].items()]
        for key, value in definition.get("properties", {}).items()
        if not value.get("title") or not value.get("description")
    ]
    assert missing == []


def test_a_minimal_project_fits() -> None:
    assert not refused(MINIMAL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"nmae": "x"},
        {"level": 3},
        {"orchestrator": {"kind": "lcal"}},
        {"orchestrator": {"jobs": 2}},
        {"stores": {"metadata": 3}},
        {"promotion": {"from": "dev"}},
        {"environments": {"dev": {"nmae": "x"}}},
        {"environments": {"dev": {"environments": {}}}},
        {"environments": {"Dev": {}}},
        {"environments": {"dev": {"orchestrator": {"kind": "local", "jobs": "two"}}}},
    ],
    ids=str,
)
def test_what_the_models_refuse_the_schema_refuses(wrong: dict[str, Any]) -> None:
    assert refused({**MINIMAL, **wrong})


@pytest.mark.parametrize(
    "right",
    [
        {"orchestrator": {"kind": "local", "jobs": "${vars.jobs}"}},
        {"level": "${vars.level}"},
        {"environments": {"dev": None}},
        {"environments": {"dev": {"orchestrator": None, "data": {"penguins": {"label": None}}}}},
        {"environments": {"dev": {"data": {"penguins": {"source": {"uri": "b.csv"}}}}}},
        {"environments": {"dev": {"promotion": {"from": "staging"}}}},
    ],
    ids=str,
)
def test_references_and_overlays_fit(right: dict[str, Any]) -> None:
    assert [e.message for e in VALIDATOR.iter_errors({**MINIMAL, **right})] == []


def test_the_contract_projects_fit(contracts: Path) -> None:
    for file in sorted((contracts / "projects").glob("*/mlops.yaml")):
        assert [e.message for e in VALIDATOR.iter_errors(read_document(file).data)] == [], file.parent.name
