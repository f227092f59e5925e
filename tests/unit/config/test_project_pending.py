"""What the language knows and this version cannot execute is told at its place."""

from __future__ import annotations

from pathlib import Path

from mlopsctl.config.load import load_project, names_of
from mlopsctl.config.pending import pending

GOOD = Path(__file__).parents[2] / "cases" / "good"


def test_a_project_of_this_version_waits_for_nothing() -> None:
    assert pending(load_project(GOOD / "smallest.yaml").project) == []


def test_what_does_not_touch_a_run_does_not_block() -> None:
    assert pending(load_project(GOOD / "every-notifier.yaml").project) == []


def test_kinds_and_keys_that_a_run_needs_block() -> None:
    found = {path: blocking for path, _, blocking in pending(load_project(GOOD / "targets.yaml").project)}
    assert found[("training", "targets", "torch")]
    assert ("training", "targets", "r") not in found
    assert ("training", "targets", "logistic", "tune") not in found
    assert ("training", "targets", "own") not in found
    assert ("training", "targets", "boosted") not in found


def test_an_environment_brings_its_own(tmp_path: Path) -> None:
    file = GOOD / "environments.yaml"
    assert pending(load_project(file, "dev").project) == []
    staging = {path: blocking for path, _, blocking in pending(load_project(file, "staging").project)}
    assert staging == {}
    assert ("deployment", "rollout") not in {path for path, _, _ in pending(load_project(file, "prod").project)}


def test_every_phrase_fits_into_the_sentence_of_a_plan() -> None:
    for file in GOOD.glob("*.yaml"):
        for environment in names_of(file) if "overlay" not in file.stem else ():
            for _, phrase, _ in pending(load_project(file, environment).project):
                assert not phrase.endswith(".")
                assert "yet" not in phrase
