"""`schema infer` and `schema diff`: a contract is drafted from train, reviewed, and compared with the rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.cli import door
from mlopsctl.ground.errors import ExitCode

ROWS = 400


def call(*arguments: str) -> int:
    from mlopsctl.cli.main import app

    return door.run(app, arguments)


def project(folder: Path, **dataset: Any) -> None:
    data = {"rows": {"source": {"kind": "parquet", "uri": "rows.parquet"}, "label": "y", **dataset}}
    training = {"task": "classification", "targets": {"t": {"kind": "sklearn", "estimator": "sklearn.svm.SVC"}}}
    text = json.dumps({"version": 1, "name": "p", "data": data, "training": training})
    (folder / "mlops.yaml").write_text(text, encoding="utf-8")


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n": [row % 100 for row in range(ROWS)],
            "x": [row / 7 if row % 10 else None for row in range(ROWS)],
            "kind": [["it's", 'say "no"', "null", "1"][row % 4] for row in range(ROWS)],
            "id": [f"row {row}" for row in range(ROWS)],
            "when": pd.date_range("2020-01-01", periods=ROWS),
            "yes": [row % 3 == 0 for row in range(ROWS)],
            "y": [row % 2 for row in range(ROWS)],
        }
    )


@pytest.fixture
def here(elsewhere: Path) -> Path:
    frame().to_parquet(elsewhere / "rows.parquet")
    project(elsewhere)
    return elsewhere


def drafted(file: Path) -> dict[str, Any]:
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    SchemaFile.model_validate_json(json.dumps(read))
    columns: dict[str, Any] = read["columns"]
    return columns


def test_a_draft_holds_what_train_shows_and_then_fits(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("schema", "infer", "rows", "--out", "rows.schema.yaml") == ExitCode.DONE
    columns = drafted(here / "rows.schema.yaml")
    assert columns["kind"] == {"type": "string", "presence": 1, "domain": ["1", "it's", "null", 'say "no"']}
    assert columns["y"] == {"type": "int", "presence": 1, "domain": [0, 1], "environments": ["TRAINING"]}
    assert columns["id"] == {"type": "string", "presence": 1}
    assert columns["when"] == {"type": "timestamp", "presence": 1}
    assert columns["yes"] == {"type": "bool", "presence": 1}
    assert columns["x"]["type"] == "float"
    assert 0.85 <= columns["x"]["presence"] <= 0.92
    assert 0 <= columns["n"]["min"] <= columns["n"]["max"] <= 99
    capsys.readouterr()


def test_ranges_and_domains_come_from_the_train_rows_only(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = frame()
    rows["part"] = ["train"] * 300 + ["validation"] * 50 + ["test"] * 50
    rows.loc[350:, "n"] = 1000
    rows.loc[399, "kind"] = "new"
    rows.to_parquet(here / "rows.parquet")
    project(here, split={"kind": "column", "column": "part"})
    assert call("schema", "infer") == ExitCode.DONE
    told = capsys.readouterr().out
    columns = yaml.safe_load(told)["columns"]
    assert (columns["n"]["min"], columns["n"]["max"]) == (0, 99)
    assert "new" not in columns["kind"]["domain"]
    assert "300 train rows of 400" in told
    assert "outside train: more than 99 in 50 of 400 rows (1000)" in told
    assert "outside train: not in the domain in 1 of 400 rows (new)" in told


def test_a_reviewed_file_is_never_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "s.yaml").write_text("mine")
    assert call("schema", "infer", "--out", "s.yaml") == ExitCode.USAGE
    assert (here / "s.yaml").read_text() == "mine"
    assert "schema diff" in capsys.readouterr().err


def test_a_contract_that_is_named_and_not_written_yet_can_be_drafted(here: Path) -> None:
    project(here, schema="rows.schema.yaml")
    assert call("validate") == ExitCode.INVALID
    assert call("schema", "infer", "--out", "rows.schema.yaml") == ExitCode.DONE
    assert call("validate") == ExitCode.DONE


def test_a_difference_is_told_and_is_drift(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = {
        "n": {"type": "int", "max": 90},
        "kind": {"type": "string", "domain": ["it's", 'say "no"', "null", "1", "never"]},
        **{name: {"type": kind} for name, kind in (("x", "float"), ("id", "string"), ("y", "int"), ("yes", "bool"))},
        "gone": {"type": "int"},
        "served": {"type": "int", "environments": ["SERVING"]},
    }
    (here / "rows.schema.yaml").write_text(json.dumps({"columns": contract}), encoding="utf-8")
    project(here, schema="rows.schema.yaml")
    assert call("schema", "diff", "-o", "json") == ExitCode.DRIFT
    found = json.loads(capsys.readouterr().out)
    assert found["differences"] == [
        {"column": "gone", "reason": "the column is missing", "rows": ROWS, "of": ROWS, "examples": []},
        {"column": "when", "reason": "the schema does not know the column", "rows": ROWS, "of": ROWS, "examples": []},
        {"column": "n", "reason": "more than 90", "rows": 36, "of": ROWS, "examples": ["91", "92", "93"]},
    ]
    assert found["notes"] == ["kind: no row has never"]
    assert call("schema", "diff", "rows") == ExitCode.DRIFT
    told = capsys.readouterr().out
    assert "more than 90 in 36 of 400 rows (91, 92, 93)" in told
    assert "3 differences" in told


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("schema", "diff"), ExitCode.USAGE, "has no reviewed schema"),
        (("schema", "infer", "row"), ExitCode.USAGE, "did you mean rows?"),
        (("schema", "--output-file", "s", "infer"), ExitCode.USAGE, "--out FILE"),
        (("schema", "infer", "--out", "no/folder/s.yaml"), ExitCode.FAILED, "cannot be written"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    here: Path, arguments: tuple[str, ...], code: ExitCode, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == code
    assert words in capsys.readouterr().err


def test_user_code_is_never_run_here_the_last_run_is_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "origin.py").write_text("open('was-run', 'w').write('x')\ndef rows():\n    raise SystemExit\n")
    project(here, source={"kind": "python", "entrypoint": "origin:rows"})
    assert call("schema", "infer") == ExitCode.FAILED
    assert "run it first" in capsys.readouterr().err
    assert not (here / "was-run").exists()


def test_hostile_names_and_values_are_quoted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a: b", "#x", "yes", "- q", '"quoted"', "it's", "naïve 🐧", "{x}", "1", "$n"]
    values = ["a: b # c", "", "'; DROP TABLE x; --", "two\nlines", "tab\tx", "\u202ertl", "null", "1e5", "[", "🐧"]
    rows = pd.DataFrame({name: [value, f"{value}2"] * 100 for name, value in zip(names, values, strict=True)})
    rows["y"] = [0, 0, 1, 1] * 50
    rows["row"] = range(200)
    rows["broken\nname"] = ["a", "b"] * 100
    rows["broken\ufeffname"] = ["a", "b"] * 100
    rows["broken value"] = ["a\x7f", "b\ufdd0"] * 100
    rows.to_parquet(here / "rows.parquet")
    assert call("schema", "infer", "--out", "s.yaml") == ExitCode.DONE
    columns = drafted(here / "s.yaml")
    assert list(columns) == [*names, "y", "row", "broken value"]
    assert "domain" not in columns["broken value"]
    for name, value in zip(names, values, strict=True):
        assert sorted(columns[name]["domain"]) == sorted([value, f"{value}2"])
    assert "not described: 'broken\\nname'" in (here / "s.yaml").read_text(encoding="utf-8")
    capsys.readouterr()
