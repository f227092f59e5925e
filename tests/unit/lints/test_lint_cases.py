"""Every file under tests/cases/lint: what is found in it, and what it is after `lint --fix`.

A new case is a new file. ``MLOPSCTL_REGENERATE=1`` writes the answers anew; read the difference before committing it.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mlopsctl.config.load import inspect_project
from mlopsctl.ground.errors import Severity
from mlopsctl.lints import LINTS
from mlopsctl.lints.look import look_at, mended
from mlopsctl.render.lints import lints_json, lints_sarif, lints_text

CASES = Path(__file__).parents[2] / "cases" / "lint"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml") if not path.stem.endswith(".schema"))
REGENERATE = os.environ.get("MLOPSCTL_REGENERATE") == "1"
SARIF = json.loads((Path(__file__).parent / "sarif-shape.schema.json").read_text())


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the cases name; it is the working folder, so that messages name no place of this machine."""
    shutil.copy(CASES / "rows.schema.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(file: Path, told: str) -> str:
    if REGENERATE:
        file.write_text(told, encoding="utf-8")
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_case_gets_the_answer_beside_it(name: str, copied: Path) -> None:
    shutil.copy(CASES / f"{name}.yaml", copied)
    told = lints_text([look_at(Path(f"{name}.yaml"))])
    assert told == answer(CASES / f"{name}.out", told)


@pytest.mark.parametrize("name", NAMES)
def test_a_mended_case_is_valid_keeps_its_comments_and_has_nothing_left_to_mend(name: str, copied: Path) -> None:
    shutil.copy(CASES / f"{name}.yaml", copied)
    file = Path(f"{name}.yaml")
    before = file.read_text(encoding="utf-8")
    mended(file)
    after = file.read_text(encoding="utf-8")
    if after != before or (CASES / f"{name}.fixed").exists():
        assert after == answer(CASES / f"{name}.fixed", after)
    assert not any(one.severity is Severity.ERROR for one in inspect_project(file)[0])
    assert not any(one.fix for one in look_at(file).open)
    gone = {line.strip() for line in before.splitlines()} - {line.strip() for line in after.splitlines()}
    assert not any(line.startswith("#") for line in gone)
    assert mended(file) == ()


@pytest.mark.parametrize("name", NAMES)
def test_sarif_has_the_shape_that_scanners_upload(name: str, copied: Path) -> None:
    import jsonschema

    shutil.copy(CASES / f"{name}.yaml", copied)
    looked = look_at(Path(f"{name}.yaml"))
    log = json.loads(lints_sarif([looked]))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert {lint.id for lint in LINTS} <= set(rules)
    assert len(run["results"]) == len(looked.found) == len(json.loads(lints_json([looked])))


def test_every_lint_has_a_case_that_it_finds() -> None:
    found = set()
    for name in NAMES:
        found |= {one.diagnostic.id for one in look_at(CASES / f"{name}.yaml").found}
    assert {lint.id for lint in LINTS} <= found


def test_every_lint_has_a_paragraph_on_the_page_and_every_defect_an_account() -> None:
    page = (Path(__file__).parents[3] / "docs" / "lints.md").read_text(encoding="utf-8")
    for lint in LINTS:
        assert f"\n### {lint.id}\n" in page, lint.id
        module = f"mlopsctl/lints/{lint.id.replace('-', '_')}.py"
        assert (Path(__file__).parents[3] / module).is_file()
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| D")}
    assert list(rows) == [f"D{number}" for number in range(1, 25)]
    for lint in LINTS:
        for defect in lint.defects:
            assert f"`{lint.id}`" in rows[defect], (lint.id, defect)
