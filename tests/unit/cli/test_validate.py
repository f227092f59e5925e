"""The commands `validate`, `schema` and `render`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlopsctl.cli import door
from mlopsctl.cli.validate import project_files
from mlopsctl.ground.errors import ExitCode
from mlopsctl.ground.redact import forget_secrets

CASES = Path(__file__).parents[2] / "cases"


def call(*arguments: str) -> int:
    from mlopsctl.cli.main import app

    return door.run(app, arguments)


def test_a_valid_project_says_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("validate", str(CASES / "good" / "targets.yaml")) == ExitCode.DONE
    assert capsys.readouterr().out == "ok: penguins: 1 environment, 5 targets, 1 gate\n"


@pytest.mark.parametrize("output", ["text", "json", "sarif", "github"])
def test_every_output_names_the_problem_and_its_line(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("validate", str(CASES / "bad" / "metric-unknown.yaml"), "--output", output) == ExitCode.INVALID
    told = capsys.readouterr().out
    assert "unknown-metric" in told
    assert "13" in told
    assert "accuracy" in told
    if output in {"json", "sarif"}:
        json.loads(told)


def test_json_of_a_valid_project_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("validate", str(CASES / "good" / "smallest.yaml"), "-o", "json") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == []


def test_a_secret_is_in_no_output(capsys: pytest.CaptureFixture[str]) -> None:
    for output in ("text", "json", "sarif", "github"):
        call("validate", str(CASES / "bad" / "secret-password.yaml"), "--output", output)
        told = capsys.readouterr()
        assert "hunter2" not in told.out + told.err
        forget_secrets()


def test_the_project_of_the_current_folder_is_taken(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "mlops.yaml").write_bytes((CASES / "good" / "smallest.yaml").read_bytes())
    assert call("validate") == ExitCode.DONE
    assert "ok: penguins" in capsys.readouterr().out


def test_a_folder_without_a_project_is_searched(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two/deep", ".hidden", "node_modules/x"):
        (elsewhere / name).mkdir(parents=True)
        (elsewhere / name / "mlops.yaml").write_bytes((CASES / "good" / "smallest.yaml").read_bytes())
    assert [str(path) for path in project_files([Path()])] == ["one/mlops.yaml", "two/deep/mlops.yaml"]
    assert call("validate") == ExitCode.DONE
    assert capsys.readouterr().out.count("ok: ") == 2


def test_one_bad_project_among_good_ones_decides(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = CASES / "good" / "smallest.yaml", CASES / "bad" / "label-missing.yaml"
    assert call("validate", str(good), str(bad)) == ExitCode.INVALID
    told = capsys.readouterr().out
    assert "ok: penguins" in told
    assert "1 error" in told


def test_no_project_at_all_is_an_answer(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("validate") == ExitCode.INVALID
    assert "there is no file mlops.yaml" in capsys.readouterr().out


def test_the_schema_is_printed_or_written(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("schema") == ExitCode.DONE
    printed = capsys.readouterr().out
    assert call("schema", "--output-file", "s.json") == ExitCode.DONE
    assert (elsewhere / "s.json").read_text(encoding="utf-8") == printed
    assert call("schema", "--output-file", "no/such/folder/s.json") == ExitCode.FAILED


def test_render_prints_the_resolved_project(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(CASES / "good" / "environments.yaml")
    assert call("-C", file, "render", "-e", "prod", "--explain") == ExitCode.DONE
    told = capsys.readouterr().out
    assert "overlay" in told
    assert "# default" in told
    assert "gs://bucket/data/penguins.csv" in told
    assert call("-C", file, "render") == ExitCode.USAGE
    assert "dev, staging, prod" in capsys.readouterr().err


def test_render_takes_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("-C", str(CASES / "good" / "targets.yaml"), "render", "-p", "c=0.25", "--explain") == ExitCode.DONE
    told = capsys.readouterr().out
    assert "c: 0.25" in told
    assert "# -p" in told
