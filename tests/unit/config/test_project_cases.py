"""Every file under tests/cases: the good ones are valid, the bad ones get exactly the answer that stands beside them.

A new case is a new file. ``MLOPSCTL_REGENERATE=1`` writes the answers anew; read the difference before committing it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mlopsctl.cli.validate import examine, report
from mlopsctl.config.document import read_document
from mlopsctl.config.schema import project_schema
from mlopsctl.ground.redact import forget_secrets

CASES = Path(__file__).parents[2] / "cases"
GOOD = sorted(path.name for path in (CASES / "good").glob("*.yaml"))
BAD = sorted(path.name for path in (CASES / "bad").glob("*.yaml"))
REGENERATE = os.environ.get("MLOPSCTL_REGENERATE") == "1"


@pytest.mark.parametrize("name", GOOD)
def test_a_good_project_is_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / "good")
    examined = examine(Path(name))
    assert report([examined], "text").startswith("ok: ")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_project_gets_the_answer_beside_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / "bad")
    examined = examine(Path(name))
    told = report([examined], "text")
    forget_secrets()
    expected = Path(name).with_suffix(".out")
    if REGENERATE:
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")
    assert not examined.valid


@pytest.mark.parametrize("name", BAD)
def test_every_problem_has_a_place_and_no_word_of_a_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / "bad")
    examined = examine(Path(name))
    told = report([examined], "json")
    forget_secrets()
    assert all(one["file"] and one["line"] and one["message"] for one in json.loads(told))
    for word in ("pydantic", "https://errors", "Input should", "validation error", "Traceback", "union_tag"):
        assert word not in told


def test_every_answer_belongs_to_a_case() -> None:
    assert {path.stem for path in (CASES / "bad").glob("*.out")} == {Path(name).stem for name in BAD}


# The schema asks the base for what only overlays give here: editors cannot see across the two.
OVERLAY_COMPLETES = {"overlay-gives-what-base-lacks.yaml"}


@pytest.mark.parametrize("name", [name for name in GOOD if name not in OVERLAY_COMPLETES])
def test_the_json_schema_accepts_every_good_project(name: str) -> None:
    import jsonschema

    validator = jsonschema.Draft202012Validator(project_schema())
    problems = [
        f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(read_document(CASES / "good" / name).data)
    ]
    assert problems == []
