"""Checks and schema files as written, and the pure judgement."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from mlopsctl.checks import Check, RowCount, SchemaCheck
from mlopsctl.checks.facts import Conformity, Keys, Missing, Unknown
from mlopsctl.checks.rule import DataEvidence
from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.evidence import Anomaly, Verdict

CHECK: TypeAdapter[Any] = TypeAdapter(Check)
GOOD = [
    {"name": "n", "kind": "row_count", "min": 10},
    {"name": "n", "kind": "schema", "severity": "warn"},
    {"name": "n", "kind": "null_fraction", "column": "a", "max": 0.1},
    {"name": "n", "kind": "range", "column": "a", "min": 0, "max": 1.5},
    {"name": "n", "kind": "unique", "columns": ["a", "b"]},
    {"name": "n", "kind": "freshness", "column": "t", "unit": "s", "max_age": "90d"},
    {"name": "n", "kind": "drift", "column": "a", "metric": "psi", "max": 0.2, "against": "train"},
    {"name": "n", "kind": "skew", "column": "a", "metric": "jensen_shannon", "max": 0.2, "serving": "logs"},
]


@pytest.mark.parametrize("written", GOOD, ids=lambda written: written["kind"])
def test_a_check_reads_back_what_it_writes(written: dict[str, Any]) -> None:
    check = CHECK.validate_python(written)
    assert CHECK.validate_python(check.model_dump(mode="json", by_alias=True)) == check


@pytest.mark.parametrize(
    "written",
    [
        {"name": "n", "kind": "row_count"},
        {"name": "n", "kind": "row_count", "min": 5, "max": 4},
        {"name": "n", "kind": "row_count", "min": -1},
        {"name": "n", "kind": "row_count", "min": 1.5},
        {"name": "Bad Name", "kind": "schema"},
        {"name": "n", "kind": "schema", "severity": "fatal"},
        {"name": "n", "kind": "range", "column": "a", "min": 2, "max": 1},
        {"name": "n", "kind": "null_fraction", "column": "a", "max": 5},
        {"name": "n", "kind": "drift", "column": "a", "metric": "cosine", "max": 1},
        {"name": "n", "kind": "unique", "columns": []},
    ],
)
def test_a_bad_check_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CHECK.validate_python(written)


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [(9, Verdict.FAIL), (10, Verdict.PASS), (20, Verdict.PASS), (21, Verdict.FAIL), (0, Verdict.FAIL)],
)
def test_row_count_includes_both_bounds(rows: int, verdict: Verdict) -> None:
    result = RowCount(name="n", min=10, max=20).judge(DataEvidence(rows=rows))
    assert result.verdict is verdict
    assert str(rows) in result.reason


def test_the_schema_check_passes_only_on_a_comparison_without_anomalies() -> None:
    check = SchemaCheck(name="s", severity="warn")
    anomaly = Anomaly("a", "missing", rows=1, of=2)
    assert check.judge(DataEvidence(rows=2)).verdict is Verdict.ERROR
    assert check.judge(DataEvidence(rows=0, fact=Conformity(()))).verdict is Verdict.ERROR
    assert check.judge(DataEvidence(rows=2, fact=Conformity(()))).verdict is Verdict.PASS
    failed = check.judge(DataEvidence(rows=2, fact=Conformity((anomaly,))))
    assert (failed.verdict, failed.anomalies, failed.severity) == (Verdict.FAIL, (anomaly,), "warn")
    assert failed.reason == "1 anomaly: a: missing in 1 row"


@pytest.mark.parametrize("written", GOOD, ids=lambda written: written["kind"])
def test_rows_that_were_not_looked_at_never_pass(written: dict[str, Any]) -> None:
    check = CHECK.validate_python(written)
    if check.kind == "row_count":
        assert check.judge(DataEvidence(rows=0)).verdict is Verdict.FAIL
        return
    other = Missing(1, 0) if check.kind != "null_fraction" else Keys(0)
    for fact in (None, other, Unknown("why")):
        assert check.judge(DataEvidence(rows=1, fact=fact)).verdict is Verdict.ERROR


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "string", "min": 1},
        {"type": "int", "min": 2, "max": 1},
        {"type": "int", "domain": [1, "2"]},
        {"type": "int", "domain": [True]},
        {"type": "string", "domain": [1]},
        {"type": "string", "domain": []},
        {"type": "text"},
        {"type": "timestamp", "domain": ["2020-01-01"]},
        {"type": "timestamp", "min": 1},
        {"type": "int", "presence": 2},
        {"type": "int", "environments": ["training"]},
        {"min": 1},
    ],
)
def test_a_bad_rule_of_a_schema_file_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SchemaFile.model_validate({"columns": {"a": rule}})


@pytest.mark.skipif("MLOPSCTL_CONTRACTS" not in os.environ, reason="MLOPSCTL_CONTRACTS names no contract projects")
def test_the_contract_schema_file_reads() -> None:
    file = Path(os.environ["MLOPSCTL_CONTRACTS"]) / "projects" / "covertype" / "covertype.schema.yaml"
    schema = SchemaFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert schema.columns["Cover_Type"].environments == ("TRAINING",)
    assert len(schema.columns) == 13
