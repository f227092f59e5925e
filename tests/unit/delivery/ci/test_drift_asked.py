"""The hourly look at drift that may write: an issue, or a pull request. ``MLOPSCTL_REGENERATE=1`` writes the files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsctl.delivery.ci.scaffold import make_files
from tests.ci_projects import CHAIN, GOOGLE, PLAIN, put

GOLDEN = Path(__file__).parents[3] / "golden" / "ci" / "drift"
SIGSTORE = "{kind: sigstore, identity: https://example.com/w.yml@refs/heads/main, issuer: https://token.example}"


def schedule(place: Path, asked: str, text: str = CHAIN) -> str:
    """The workflow of a project that asks for this when something drifted; empty where there is none."""
    files = make_files(put(place, f"{text}ci:\n  - kind: github_actions\n    drift: {asked}\n")).files
    return next((text for path, text in files.items() if path.endswith("-schedule.yml")), "")


def jobs(text: str) -> dict[str, Any]:
    return {name: job for name, job in yaml.safe_load(text)["jobs"].items() if name.startswith("look-")}


def looks(job: dict[str, Any]) -> dict[str, Any]:
    (step,) = [step for step in job["steps"] if "mlopsctl drift" in step.get("run", "")]
    return dict(step)


@pytest.mark.parametrize("asked", ["issue", "pull_request"])
def test_the_file_is_as_written_down(tmp_path: Path, asked: str) -> None:
    file = GOLDEN / f"{asked}.yml"
    made = schedule(tmp_path, asked)
    if os.environ.get("MLOPSCTL_REGENERATE") == "1":
        GOLDEN.mkdir(parents=True, exist_ok=True)
        file.write_text(made)
    assert made == file.read_text()


def test_who_only_wants_a_report_gives_no_right_to_write(tmp_path: Path) -> None:
    made = schedule(tmp_path, "report")
    for name, job in jobs(made).items():
        assert job["permissions"] == {"contents": "read"}
        assert looks(job).get("env", {}).keys() <= {"CHAIN_DATABASE", "CHAIN_HOOK", "CHAIN_KEY"}
        assert looks(job)["run"].rstrip().endswith(f'mlopsctl drift -e "{name.removeprefix("look-")}"')


def test_only_the_look_has_the_token_and_it_has_what_the_plan_to_retrain_reads(tmp_path: Path) -> None:
    for job in jobs(schedule(tmp_path, "pull_request")).values():
        assert job["permissions"] == {"contents": "write", "pull-requests": "write"}
        assert looks(job)["run"].rstrip().endswith(" --pr")
        with_token = [step["name"] for step in job["steps"] if "GITHUB_TOKEN" in step.get("env", {})]
        assert with_token == ["Look for drift"]
        (checkout,) = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert checkout["with"]["persist-credentials"] is False
    prod = looks(jobs(schedule(tmp_path, "pull_request"))["look-prod"])["env"]
    assert {"CHAIN_DATABASE", "CHAIN_HOOK", "CHAIN_KEY", "GIT_CONFIG_VALUE_0"} <= prod.keys()
    issue = jobs(schedule(tmp_path, "issue"))["look-prod"]
    assert issue["permissions"] == {"contents": "read", "issues": "write"}
    assert "GIT_CONFIG_COUNT" not in looks(issue)["env"]


def test_a_lock_that_an_identity_signs_is_written_again_as_this_workflow(tmp_path: Path) -> None:
    signed = CHAIN.replace("{kind: key, public_key: key.pem, private: {secret: CHAIN_KEY}}", SIGSTORE)
    assert signed != CHAIN
    found = jobs(schedule(tmp_path / "signed", "pull_request", signed))
    assert {name for name, job in found.items() if "id-token" in job["permissions"]} == {"look-prod"}
    with_google = make_files(
        put(tmp_path / "google", f"{signed}ci:\n  - kind: github_actions\n    drift: pull_request\n{GOOGLE}")
    )
    (text,) = [text for path, text in with_google.files.items() if path.endswith("-schedule.yml")]
    assert text.count("id-token: write") == 4  # three looks and the previews, each once


def test_who_asks_is_looked_after_where_nothing_else_starts_a_look(tmp_path: Path) -> None:
    assert schedule(tmp_path, "report", PLAIN) == ""
    assert "mlopsctl drift" in schedule(tmp_path, "issue", PLAIN)
