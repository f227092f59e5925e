"""A model moves from dev over staging into prod by locks in git: a real repository, real runs, a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mlopsctl.servers.local import LocalServer
from tests.integration import cli
from tests.integration.cli import Done, processes_of
from tests.integration.test_flowers import edit, write_data

PROJECT = """\
version: 1
name: flowers
vars: {rows: flowers.csv}
data:
  flowers:
    source: {kind: csv, uri: "${vars.rows}"}
    label: kind
    checks:
      - {name: lengths, kind: drift, column: length, metric: jensen_shannon, max: 0.2, on_missing: warn}
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 6}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
    - {name: not-worse, kind: change, metric: accuracy, against: champion, min: -0.5}
environments:
  dev: {}
  staging:
    vars: {rows: staging.csv}
    stores:
      metadata: sqlite:///.staging/metadata.db
      artifacts: .staging/artifacts
      tracking: sqlite:///.staging/mlflow.db
    promotion: {from: dev, mode: auto}
  prod:
    vars: {rows: staging.csv}
    deployment: {server: {kind: mlflow}}
    promotion:
      from: staging
      mode: approval
      signature: {kind: key, public_key: release.pub, private: {secret: PROMOTION_KEY}}
  code:
    promotion: {from: dev, strategy: code, mode: auto}
"""

pytestmark = pytest.mark.timeout(3600)


def call(folder: Path, *arguments: str) -> Done:
    return cli.call(folder, *arguments, timeout=900)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=ada", "-c", "user.email=ada@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)


def status(folder: Path, environment: str) -> Any:
    return call(folder, "status", "-e", environment, "-o", "json").json


def released(folder: Path, environment: str) -> str:
    champion = status(folder, environment)["champion"]
    return str(champion["model"]) if champion else ""


def drift(folder: Path, environment: str, plane: str) -> Done:
    return call(folder, "drift", "-e", environment, "--plane", plane, "-o", "json")


def standing(done: Done) -> dict[str, str]:
    return {one["what"]: one["standing"] for one in done.json["findings"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project in a repository, with a key pair whose private half is a secret."""
    folder = tmp_path / "flowers"
    folder.mkdir()
    write_data(folder, rows=400, seed=2)
    (folder / "flowers.csv").rename(folder / "staging.csv")
    write_data(folder, rows=400)
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / ".gitignore").write_text(".staging/\n", encoding="utf-8")
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "release.pub").write_bytes(public)
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("PROMOTION_KEY", text)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "A project")
    yield folder
    call(folder, "destroy", "-e", "prod", "--yes")
    assert processes_of(folder) == []


def test_a_model_moves_up_and_back(project: Path) -> None:
    _first_deployment(project)
    _approved_into_prod(project)
    _served_and_drifting(project)
    _second_model_and_back(project)


def _first_deployment(project: Path) -> None:
    """Nothing has to exist: no lock, no champion, no registered model in staging."""
    done = call(project, "apply", "-e", "staging")
    assert done.code == 7, done
    assert "mlopsctl promote dev staging" in done.err
    assert "nothing was promoted" in call(project, "plan", "-e", "staging").out
    assert call(project, "promote", "dev", "staging").code == 3

    assert (done := call(project, "apply", "-e", "dev")).code == 0, done
    assert (done := call(project, "promote", "dev", "staging")).code == 0, done
    assert "flowers v1 of dev" in done.out
    # Sources of the evidence are what it says they are: the same again changes nothing.
    assert "nothing was written" in call(project, "promote", "dev", "staging").out
    commit(project, "Promote to staging")

    _tampered(project)
    done = call(project, "apply", "-e", "staging", "-o", "json")
    assert done.code == 0, done
    assert not any(step.startswith(("train", "transform")) for step in done.json["steps"])
    assert released(project, "staging") == released(project, "dev")
    assert call(project, "plan", "-e", "staging", "--detailed-exitcode").code == 0


def _tampered(project: Path) -> None:
    """Evidence or a lock that was touched by hand stops everything, and says what differs."""
    evidence = project / "environments" / "staging.evidence.json"
    good = evidence.read_bytes()
    evidence.write_bytes(good.replace(b"a", b"b", 1))
    done = call(project, "apply", "-e", "staging")
    assert done.code == 4, done
    assert "is not the evidence that was locked" in done.err
    assert "staging.lock.yaml:" in done.err
    evidence.write_bytes(good)

    lock = project / "environments" / "staging.lock.yaml"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace('version: "1"', 'version: "2"'), encoding="utf-8")
    done = call(project, "apply", "-e", "staging")
    assert done.code == 4, done
    assert "model.version" in done.err
    found = drift(project, "staging", "config")
    assert found.code == 5, found
    assert standing(found)["lock"] == "drifted"
    lock.write_text(text, encoding="utf-8")
    assert released(project, "staging") == ""


def _approved_into_prod(project: Path) -> None:
    """Prod asks for an approval, which is bound to what was seen, and is used once."""
    assert (done := call(project, "promote", "staging", "prod", "-o", "json")).code == 0, done
    assert done.json["signed"] is True
    commit(project, "Promote to prod")
    done = call(project, "apply", "-e", "prod")
    assert done.code == 7, done
    assert "mlopsctl approve -e prod" in done.err

    assert (done := call(project, "approve", "-e", "prod", "--by", "ada")).code == 0, done
    commit(project, "Something else was pushed")
    done = call(project, "apply", "-e", "prod")
    assert done.code == 7, done
    assert "the approval by ada is stale" in done.err
    assert "the commit" in done.err

    assert (done := call(project, "approve", "-e", "prod", "--by", "ada")).code == 0, done
    assert (done := call(project, "apply", "-e", "prod")).code == 0, done
    assert released(project, "prod") == released(project, "dev")
    assert "Nothing in prod asks" in call(project, "approve", "-e", "prod").out


def _served_and_drifting(project: Path) -> None:
    """A server that somebody ends and data that moves are drift, each on its plane; nothing else is."""
    found = call(project, "drift", "-e", "prod", "-o", "json")
    assert found.code == 0, found
    assert found.json["drifted"] == 0

    # As somebody would who ends it by hand.
    LocalServer(project / ".mlops" / "serve" / "prod").stop()
    found = drift(project, "prod", "serving")
    assert found.code == 5, found
    assert standing(found) == {"alias": "same", "server mlflow": "drifted"}

    rows = project / "staging.csv"
    good = rows.read_text(encoding="utf-8")
    head, *lines = good.splitlines()
    moved = [f"{float(line.split(',')[0]) + 50:.4f},{line.split(',', 1)[1]}" for line in lines]
    rows.write_text("\n".join([head, *moved]) + "\n", encoding="utf-8")
    found = drift(project, "prod", "data")
    assert found.code == 5, found
    assert standing(found) == {"flowers lengths": "drifted"}
    rows.write_text(good, encoding="utf-8")
    assert drift(project, "prod", "data").code == 0
    assert drift(project, "prod", "config").code == 0


def _second_model_and_back(project: Path) -> None:
    """The next model is judged against the destination's champion; a rollback holds until the lock says otherwise."""
    first = released(project, "staging")
    edit(project, "max_depth: 6", "max_depth: 3")
    commit(project, "Another depth")
    assert (done := call(project, "apply", "-e", "dev")).code == 0, done
    assert (done := call(project, "promote", "dev", "staging")).code == 0, done
    commit(project, "Promote the second")
    done = call(project, "apply", "-e", "staging", "-o", "json")
    assert done.code == 0, done
    assert {gate["name"]: gate["decides"] for gate in done.json["gates"]} == {"floor": True, "not-worse": True}
    second = released(project, "staging")
    assert second == released(project, "dev") != first

    assert (done := call(project, "rollback", "-e", "staging", "--reason", "bad answers")).code == 0, done
    assert released(project, "staging") == first
    assert "bad answers" in (project / "environments" / "staging.lock.yaml").read_text(encoding="utf-8")
    done = call(project, "promote", "dev", "staging")
    assert done.code == 3, done
    assert "withdrawn" in done.err
    # A push that knows nothing of the hold does not lift it.
    git(project, "checkout", "-q", "--", "environments")
    assert call(project, "apply", "-e", "staging").code == 0
    assert released(project, "staging") == first
    assert status(project, "staging")["hold"] == "bad answers"
    # The lock that names the earlier model again does.
    git(project, "checkout", "-q", "HEAD~2", "--", "environments")
    assert (done := call(project, "apply", "-e", "staging")).code == 0, done
    assert released(project, "staging") == first
    assert status(project, "staging")["hold"] == ""
    found = drift(project, "staging", "config")
    assert found.code == 0, found


def test_with_strategy_code_the_pipeline_trains_there(project: Path) -> None:
    done = call(project, "run", "-e", "code", "-o", "json")
    assert done.code == 0, done
    assert "train-tree" in done.json["steps"]
    assert not (project / "environments").exists()
