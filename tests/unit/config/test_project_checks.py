"""Checks that could never say anything are told when the project is validated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.config.load import check_project
from mlopsctl.ground.errors import Severity

AREAS: dict[str, Any] = {"name": "areas", "kind": "drift", "column": "a", "metric": "l_infinity", "max": 0.1}
SKEW: dict[str, Any] = {**AREAS, "kind": "skew"}


def found(folder: Path, check: dict[str, Any], **dataset: Any) -> list[tuple[str, Severity]]:
    source = {"source": {"kind": "csv", "uri": "rows.csv"}}
    data = {"rows": {**source, "checks": [check], **dataset}, "other": source}
    (folder / "mlops.yaml").write_text(json.dumps({"version": 1, "name": "p", "data": data}), encoding="utf-8")
    return [(one.id, one.severity) for one in check_project(folder)[0]]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (AREAS, [("never-first", Severity.WARNING)]),
        ({**AREAS, "severity": "warn"}, []),
        ({**AREAS, "on_missing": "warn"}, []),
        ({**AREAS, "against": "other"}, []),
        ({**AREAS, "against": "rows"}, [("own-reference", Severity.ERROR)]),
        (SKEW, [("no-served-rows", Severity.WARNING)]),
        ({**SKEW, "serving": "other"}, []),
        ({**SKEW, "serving": "rows"}, [("own-reference", Severity.ERROR)]),
    ],
)
def test_a_comparison_needs_something_else_to_compare_with(
    tmp_path: Path, check: dict[str, Any], expected: list[tuple[str, Severity]]
) -> None:
    assert found(tmp_path, check) == expected


@pytest.mark.parametrize("check", [{**AREAS, "against": "train"}, {**SKEW, "serving": "other"}])
def test_what_is_compared_with_train_must_be_kept(tmp_path: Path, check: dict[str, Any]) -> None:
    assert found(tmp_path, check, columns=["a", "b"]) == []
    assert found(tmp_path, check, columns=["b"]) == [("unknown-column", Severity.ERROR)]


def test_a_column_of_a_check_that_the_contract_does_not_know_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("columns: {area: {type: string}}", encoding="utf-8")
    check = {"name": "known", "kind": "null_fraction", "column": "aera", "max": 0.1}
    assert found(tmp_path, check, schema="s.yaml") == [("unknown-column", Severity.WARNING)]
    assert found(tmp_path, {**check, "column": "area"}, schema="s.yaml") == []
    assert found(tmp_path, check, schema="s.yaml", columns=["area"]) == []
