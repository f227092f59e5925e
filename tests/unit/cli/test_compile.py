"""``compile``: what is written, printed and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlopsctl.cli.door import run
from mlopsctl.cli.main import app
from mlopsctl.ground.errors import ExitCode

LOCAL = """
version: 1
name: shop
components:
  one: {run: {kind: command, command: [work]}, outputs: {out: File}}
"""
REMOTE = """
stores: {artifacts: gs://shop/artifacts}
environments:
  dev: {}
  prod: {orchestrator: {kind: kfp, host: "https://kfp.example.com"}}
"""


@pytest.fixture
def folder(elsewhere: Path) -> Path:
    (elsewhere / "mlops.yaml").write_text(LOCAL + REMOTE)
    return elsewhere


def test_the_environments_orchestrator_is_compiled_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["compile", "-e", "prod"]) == ExitCode.DONE
    assert [file.relative_to(folder).as_posix() for file in folder.rglob("*.yaml")] == [
        "mlops.yaml",
        "build/prod/kfp/pipeline.yaml",
    ]
    printed = capsys.readouterr().out
    assert "shop · prod · Kubeflow Pipelines" in printed
    assert "native   stores.artifacts" in printed
    assert "(refused by apply)" in printed
    assert "Wrote build/prod/kfp/pipeline.yaml" in printed


def test_all_orchestrators_have_a_folder_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["compile", "-e", "prod", "--to", "all", "--out", "here", "-o", "json"]) == ExitCode.DONE
    found = json.loads(capsys.readouterr().out)
    engines = [one["orchestrator"] for one in found["compiled"]]
    assert engines[:2] == ["kfp", "vertex"]
    assert {Path(file).relative_to("here").parts[0] for file in found["files"]} == set(engines)
    assert {"here/kfp/pipeline.yaml", "here/vertex/pipeline.yaml"} <= set(found["files"])
    assert all(Path(file).is_file() for file in found["files"])
    row = found["compiled"][0]["portability"][0]
    assert row["property"] == "orchestrator.image"
    assert (row["support"], row["refused_by"], row["file"]) == ("refused", "apply", "mlops.yaml")
    assert all(one["digest"].startswith("sha256:") for one in found["compiled"])


def test_one_orchestrator_is_written_straight_into_the_folder(folder: Path) -> None:
    assert run(app, ["compile", "-e", "dev", "--to", "vertex", "--out", "here"]) == ExitCode.DONE
    assert (folder / "here" / "pipeline.yaml").is_file()


def test_the_same_file_is_written_again(folder: Path) -> None:
    assert run(app, ["compile", "-e", "prod"]) == ExitCode.DONE
    file = folder / "build" / "prod" / "kfp" / "pipeline.yaml"
    before = file.read_bytes()
    assert run(app, ["compile", "-e", "prod"]) == ExitCode.DONE
    assert file.read_bytes() == before


def test_what_is_refused_is_told_at_its_line_and_nothing_is_written(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "mlops.yaml").write_text(LOCAL + "notify: [{kind: file, path: a}]\n")
    assert run(app, ["compile", "--to", "kfp"]) == ExitCode.INVALID
    told = capsys.readouterr()
    assert "refused  notify.0" in told.out
    assert "error[not-portable]: notify.0" in told.err
    assert "mlops.yaml:6:10" in told.err
    assert not (elsewhere / "build").exists()


def test_a_refusal_for_one_of_two_writes_for_neither(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = "  one: {run: {kind: command, command: [work]}, resources: {accelerators: {nvidia-l4: 1}}}\n"
    (folder / "mlops.yaml").write_text(LOCAL.replace(LOCAL.splitlines()[-1] + "\n", one) + REMOTE)
    assert run(app, ["compile", "-e", "prod", "--to", "all", "--out", "here"]) == ExitCode.INVALID
    assert not (folder / "here").exists()
    assert run(app, ["compile", "-e", "prod", "--to", "vertex", "--out", "here"]) == ExitCode.DONE


def test_an_environment_of_this_machine_needs_a_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["compile", "-e", "dev"]) == ExitCode.USAGE
    assert "--to kfp" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "here").write_text("a file")
    assert run(app, ["compile", "-e", "prod", "--out", "here"]) == ExitCode.FAILED
    assert "cannot be written" in capsys.readouterr().err


def test_code_of_the_project_is_not_executed(folder: Path) -> None:
    (folder / "own.py").write_text("raise SystemExit('executed')\n\n\ndef run():\n    pass\n")
    python = "  one: {run: {kind: python, entrypoint: 'own:run'}}\n"
    (folder / "mlops.yaml").write_text(LOCAL.replace(LOCAL.splitlines()[-1] + "\n", python) + REMOTE)
    assert run(app, ["compile", "-e", "prod"]) == ExitCode.DONE
