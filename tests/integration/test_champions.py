"""The champion's story: first, better, worse, equal, tie, rollback and hold, break-glass, retired, adopted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli import Done, call, processes_of
from tests.integration.test_flowers import edit, write_data

pytestmark = pytest.mark.timeout(900)

PROJECT = """\
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    label: kind
training:
  task: classification
  targets:
    forest:
      {kind: sklearn, estimator: sklearn.ensemble.RandomForestClassifier, params: {n_estimators: 20, max_depth: 6}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
    - {name: not-worse, kind: change, metric: accuracy, against: champion, min: 0}
environments:
  dev: {promotion: {allow_override: true}}
  prod: {}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One project whose environment goes through the story, test by test in order."""
    folder = tmp_path_factory.mktemp("champions") / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    write_data(folder, rows=600)
    yield folder
    call(folder, "destroy", "-e", "dev", "--yes")
    assert processes_of(folder) == []


def status(folder: Path) -> Any:
    return call(folder, "status", "-e", "dev", "-o", "json").json


def champion(folder: Path) -> str:
    found = status(folder)["champion"]
    return str(found["model"]) if found else ""


def applied(folder: Path, *arguments: str) -> Done:
    return call(folder, "apply", "-e", "dev", *arguments)


def pending(folder: Path) -> str:
    done = call(folder, "plan", "-e", "dev", "--detailed-exitcode")
    return "" if done.code == 0 else str(done)


def test_the_first_release_has_nothing_to_beat(project: Path) -> None:
    done = applied(project)
    assert done.code == 0, done
    assert "first release" in done.out
    assert champion(project).startswith("sha256:")
    assert pending(project) == ""


def test_a_worse_model_is_refused_and_the_champion_stays(project: Path) -> None:
    before = champion(project)
    edit(project, "max_depth: 6", "max_depth: 1")
    edit(project, "n_estimators: 20", "n_estimators: 1")
    done = applied(project)
    assert done.code == 3, done
    assert "not-worse" in done.out
    assert champion(project) == before
    assert pending(project) == ""


def test_a_gate_is_broken_only_where_it_is_allowed_with_a_reason_and_for_what_was_refused(project: Path) -> None:
    assert applied(project, "--override", "not-worse").code == 64
    wrong = applied(project, "--override", "floor", "--reason", "demo")
    assert (wrong.code, "gates that refused it: not-worse" in wrong.err) == (64, True), wrong
    elsewhere = call(project, "apply", "-e", "prod", "--override", "not-worse", "--reason", "demo")
    assert (elsewhere.code, "allow_override" in elsewhere.err) == (65, True), elsewhere


def test_a_broken_gate_lets_the_model_go_and_stays_visible(project: Path) -> None:
    before = champion(project)
    done = applied(project, "--override", "not-worse", "--reason", "the old one leaks")
    assert done.code == 0, done
    assert "the old one leaks" in done.out
    assert champion(project) not in ("", before)
    assert pending(project) == ""
    assert applied(project).code == 0
    assert "the old one leaks" in call(project, "status", "-e", "dev").out


def test_a_better_model_follows_and_the_override_is_gone(project: Path) -> None:
    before = champion(project)
    edit(project, "max_depth: 1", "max_depth: 7")
    edit(project, "n_estimators: 1", "n_estimators: 30")
    done = applied(project)
    assert done.code == 0, done
    assert champion(project) != before
    assert "the old one leaks" not in call(project, "status", "-e", "dev").out
    assert pending(project) == ""


def test_an_equal_model_needs_no_release(project: Path) -> None:
    before = status(project)["champion"]
    done = applied(project, "--no-cache")
    assert done.code == 0, done
    assert status(project)["champion"] == before


def test_a_rollback_holds_until_the_hold_is_lifted(project: Path) -> None:
    newest = champion(project)
    assert call(project, "rollback", "-e", "dev", "--reason", "complaints").code == 0
    assert champion(project) != newest
    held = applied(project)
    assert (held.code, "complaints" in held.out) == (0, True), held
    assert champion(project) != newest
    assert applied(project, "--release-hold").code == 0
    assert champion(project) == newest


def test_after_destroy_the_newest_blessed_model_is_still_the_one_to_beat(project: Path) -> None:
    newest = champion(project)
    assert call(project, "destroy", "-e", "dev", "--yes").code == 0
    edit(project, "max_depth: 7", "max_depth: 1")
    edit(project, "n_estimators: 30", "n_estimators: 1")
    done = applied(project)
    assert (done.code, "first release" in done.out) == (3, False), done
    edit(project, "max_depth: 1", "max_depth: 7")
    edit(project, "n_estimators: 1", "n_estimators: 30")
    assert applied(project).code == 0
    assert champion(project) == newest


REGISTER = """
import sys, mlflow, pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
mlflow.set_tracking_uri(sys.argv[1])
rows = pd.read_csv(sys.argv[2])
strange = sys.argv[3] == "stranger"
given = rows[["length"]].rename(columns={"length": "petal"}) if strange else rows[sys.argv[3].split(",")]
encode = make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough")
first = [encode] if "colour" in given else []
forest = RandomForestClassifier(n_estimators=25, max_depth=5, random_state=3)
fitted = make_pipeline(*first, forest).fit(given, rows["kind"])
mlflow.sklearn.log_model(
    fitted, name="m", registered_model_name="by-hand", signature=infer_signature(given, fitted.predict(given)),
    serialization_format="cloudpickle",
)
"""


def register_by_hand(folder: Path, columns: str) -> None:
    """A model that a colleague trained in a notebook and registered in the project's MLflow."""
    import subprocess
    import sys

    tracking = f"sqlite:///{folder / '.mlops' / 'mlflow.db'}"
    command = [sys.executable, "-W", "ignore", "-c", REGISTER, tracking, str(folder / "flowers.csv"), columns]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)


def test_a_retired_champion_has_to_be_beaten_by_nobody(project: Path) -> None:
    for _ in range(3):
        if call(project, "retire", "-e", "dev", "--yes").code:
            break
        assert champion(project) == ""
    edit(project, "max_depth: 7", "max_depth: 2")
    done = applied(project)
    assert done.code == 0, done


def test_a_model_that_is_in_mlflow_is_adopted_through_the_same_gates(project: Path) -> None:
    register_by_hand(project, "length,width,colour")
    before = champion(project)
    done = call(project, "adopt", "models:/by-hand/1", "-e", "dev")
    assert done.code == 0, done
    found = status(project)
    assert found["champion"]["model"] != before
    follow = applied(project)
    assert follow.code in (0, 3), follow
    assert "not-worse" in follow.out


def test_a_model_that_cannot_be_adopted_is_told_why(project: Path) -> None:
    before = champion(project)
    register_by_hand(project, "stranger")
    done = call(project, "adopt", "models:/by-hand/2", "-e", "dev")
    assert (done.code, "reads petal, which the data does not have" in done.out) == (1, True), done
    for wrong, code in (("models:/by-hand/99", 1), ("by-hand", 64)):
        assert call(project, "adopt", wrong, "-e", "dev").code == code
    assert champion(project) == before


def test_an_own_model_that_was_retired_comes_back_under_its_own_digest(project: Path) -> None:
    released = status(project)["champion"]
    assert call(project, "retire", "-e", "dev", "--yes").code == 0
    refused = call(project, "rollback", "-e", "dev")
    assert (refused.code, "nothing is released" in refused.err) == (1, True), refused
    adopted = call(project, "adopt", f"models:/{released['name']}/{released['version']}", "-e", "dev")
    assert adopted.code in (0, 3), adopted
    assert adopted.code == 3 or champion(project) == released["model"]
