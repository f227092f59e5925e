"""Previews: environments that stand nowhere in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.config.previews import preview_name, preview_number
from mlopsctl.ground.errors import InvalidProject, UsageProblem

PROJECT = """
version: 1
name: penguins
data:
  penguins:
    source: {kind: csv, uri: data/penguins.csv}
    label: species
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.6}
deployment:
  server: {kind: mlflow, port: 8099}
triggers:
  - {kind: schedule, cron: "@daily"}
previews: {of: staging, ttl: 36h}
"""
ENVIRONMENTS = """
environments:
  dev: {}
  staging:
    parameters: {seed: 3}
    promotion: {from: dev}
"""


def project(tmp_path: Path, text: str) -> Path:
    (tmp_path / "mlops.yaml").write_text(text)
    return tmp_path


def test_a_preview_is_made_like_another_environment_and_stands_apart(tmp_path: Path) -> None:
    loaded = load_project(project(tmp_path, PROJECT + ENVIRONMENTS), "pr-12")
    assert (loaded.environment, loaded.preview_of) == ("pr-12", "staging")
    assert loaded.project.seed == 3
    assert loaded.project.triggers == ()
    assert loaded.project.promotion is None
    assert loaded.project.deployment is not None
    assert loaded.project.deployment.server.kind == "mlflow"
    assert loaded.project.deployment.server.port == 0


def test_what_comes_from_the_other_environment_keeps_its_place(tmp_path: Path) -> None:
    folder = project(tmp_path, PROJECT + ENVIRONMENTS)
    at = ("parameters", "seed")
    assert load_project(folder, "pr-12").span(at) == load_project(folder, "staging").span(at)


def test_a_project_without_environments_has_previews_of_its_only_one(tmp_path: Path) -> None:
    loaded = load_project(project(tmp_path, PROJECT.replace("of: staging", "of: default")), "pr-1")
    assert (loaded.environment, loaded.preview_of) == ("pr-1", "default")


def test_the_environment_itself_is_as_it_was(tmp_path: Path) -> None:
    loaded = load_project(project(tmp_path, PROJECT + ENVIRONMENTS), "staging")
    assert loaded.preview_of == ""
    assert loaded.project.promotion is not None
    assert len(loaded.project.triggers) == 1


@pytest.mark.parametrize("name", ["pr-0", "pr-01", "pr-x", "pr-7 ", "pr-٧", "pr-12345678901", "PR-7"])
def test_other_names_are_no_previews(tmp_path: Path, name: str) -> None:
    assert preview_number(name) is None
    with pytest.raises(UsageProblem, match="no environment"):
        load_project(project(tmp_path, PROJECT + ENVIRONMENTS), name)


def test_a_declared_environment_of_that_name_is_itself(tmp_path: Path) -> None:
    loaded = load_project(project(tmp_path, PROJECT + ENVIRONMENTS + "  pr-7: {}\n"), "pr-7")
    assert loaded.preview_of == ""


def test_without_previews_the_hint_says_what_to_write(tmp_path: Path) -> None:
    text = (PROJECT + ENVIRONMENTS).replace("previews: {of: staging, ttl: 36h}\n", "")
    with pytest.raises(UsageProblem, match="says nothing of previews") as caught:
        load_project(project(tmp_path, text), "pr-7")
    assert "previews: {of: NAME}" in caught.value.diagnostics[0].hint


def test_previews_of_an_unknown_environment_are_refused_at_their_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match="no environment 'stagin'") as caught:
        load_project(project(tmp_path, PROJECT.replace("of: staging", "of: stagin") + ENVIRONMENTS), "dev")
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.line == 19


@pytest.mark.parametrize("number", [1, 7, 1_000_000_000])
def test_a_number_and_its_name(number: int) -> None:
    assert preview_number(preview_name(number)) == number
