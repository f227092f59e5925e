"""``image``: what the commands print for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlopsctl.cli.main import app
from mlopsctl.delivery.images import make
from mlopsctl.delivery.images.engines import Say
from mlopsctl.ground.own_package import OwnPackage
from mlopsctl.lowering import image_context as context_module
from mlopsctl.lowering.image_context import ImageContext

DIGEST = "sha256:" + "ab" * 32
PROJECT = """version: 1
name: things
data:
  numbers: {source: {kind: csv, uri: numbers.csv}}
environments:
  here: {}
  prod: {orchestrator: {kind: kfp, host: "https://kfp.example", image: {name: a.example/things}}}
  tagged: {orchestrator: {kind: kfp, host: "https://kfp.example", image: "a.example/things:1", allow_tags: true}}
  none: {orchestrator: {kind: kfp, host: "https://kfp.example"}}
"""


class Engine:
    name = "podman"

    def build(self, folder: Path, tag: str, context: ImageContext, say: Say) -> None:
        say("STEP 1/1: FROM scratch")

    def push(self, tag: str, say: Say) -> str:
        return DIGEST


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mlops.yaml").write_text(PROJECT)
    (tmp_path / "train.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(make, "find_image_engine", lambda wanted=None: Engine())
    monkeypatch.setattr(context_module, "own_package", lambda: OwnPackage("1.2.3", released=True))
    return tmp_path


def call(*words: str) -> Result:
    result = CliRunner().invoke(app, ["image", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_progress_goes_to_stderr_and_the_result_to_stdout() -> None:
    result = call("push", "-e", "prod")
    assert result.stdout == f"Pushed a.example/things@{DIGEST}\nWrote images.lock.yaml: review and commit it.\n"
    assert "with podman from 1 file, 1 KiB\n  train.py, 1 KiB\nSTEP 1/1: FROM scratch\nPushing " in result.stderr
    again = call("push", "-e", "prod")
    assert again.stdout.startswith(f"a.example/things@{DIGEST} was built from the same files; nothing to do")
    assert again.stderr == ""


def test_show_says_what_is_pinned_and_what_is_stale(project: Path) -> None:
    assert "not pinned: the image a.example/things was never pushed" in call("show", "-e", "prod").stdout
    call("push", "-e", "prod")
    assert call("show", "-e", "prod").stdout.splitlines()[-1] == "  pinned in images.lock.yaml"
    (project / "train.py").write_text("x = 2\n")
    found = json.loads(call("show", "-e", "prod", "-o", "json").stdout)
    assert (found["pinned"], found["stale"], found["reference"]) == (True, True, f"a.example/things@{DIGEST}")
    assert found["context"] != found["locked_context"]
    assert "stale: it was built from" in call("show", "-e", "prod").stdout


def test_show_knows_tags_and_environments_without_an_image() -> None:
    assert "it may hold other bytes tomorrow" in call("show", "-e", "tagged").stdout
    assert call("show", "-e", "here").stdout == "The steps of here run in no image.\n"
    assert "no image is named" in call("show", "-e", "none").stdout


def test_a_push_for_programs_is_one_json_object() -> None:
    found = json.loads(call("push", "-e", "prod", "-o", "json").stdout)
    assert found["reference"] == f"a.example/things@{DIGEST}"
    assert (found["fresh"], found["written"]) == (True, True)


def test_a_build_pushes_nothing(project: Path) -> None:
    assert call("build", "-e", "prod").stdout.startswith("Built a.example/things:mlopsctl-")
    assert not (project / "images.lock.yaml").exists()


def test_the_dockerfile_is_written_out(project: Path) -> None:
    assert "name it as `dockerfile: Dockerfile`" in call("build", "-e", "prod", "--eject").stdout
    assert "USER 10001" in (project / "Dockerfile").read_text()
