"""`ci init` and `ci check` as a person calls them."""

from __future__ import annotations

from pathlib import Path

from tests.ci_projects import CHAIN, PLAIN, put
from tests.integration.cli import call


def test_files_are_written_checked_and_written_again(tmp_path: Path) -> None:
    place = put(tmp_path, CHAIN + "ci: [{kind: github_actions}]\n", repository=tmp_path)
    missing = call(place, "ci", "check")
    assert missing.code == 2, missing
    assert "mlopsctl-chain-deliver.yml is missing" in missing.out
    written = call(place, "ci", "init")
    assert written.code == 0, written
    assert "wrote .github/workflows/mlopsctl-chain-release.yml" in written.out
    assert "note: dev: its records, artifacts and models are on one machine" in written.out
    assert call(place, "ci", "check").code == 0
    file = tmp_path / ".github" / "workflows" / "mlopsctl-chain-pull-request.yml"
    file.write_text(file.read_text().replace("contents: read", "contents: write"))
    changed = call(place, "ci", "check", "-o", "json")
    assert changed.code == 2, changed
    (difference,) = changed.json["differences"]
    assert difference["path"] == ".github/workflows/mlopsctl-chain-pull-request.yml"
    assert any("contents: write" in line for line in difference["diff"])
    assert call(place, "ci", "init").code == 0
    assert call(place, "ci", "check").code == 0


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    place = put(tmp_path, PLAIN)
    none = call(place, "ci", "init")
    assert none.code == 64, none
    assert "names no CI" in none.err
    lacking = call(place, "ci", "init", "--provider", "cloud_build")
    assert lacking.code == 65, lacking
    assert "project: my-project" in lacking.err
    assert call(place, "ci", "init", "--provider", "github_actions").code == 0
    assert call(place, "ci", "init", "--provider", "github_actions", "--create-triggers").code == 64
