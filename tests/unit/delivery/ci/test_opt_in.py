"""The workflows that are asked for by name: a publisher for forks and commands in comments. Neither checks out code of
a pull request, and neither lets a stranger's text into a script. ``MLOPSCTL_REGENERATE=1`` writes the golden files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsctl.delivery.ci.fork_report import artifact_name
from mlopsctl.delivery.ci.scaffold import make_files
from tests.ci_projects import CHAIN, GOOGLE, PLAIN, put

GOLDEN = Path(__file__).parents[3] / "golden" / "ci" / "opt_in"
ASKED = "    forks: publisher\n    commands: true\n"
FULL = f"{CHAIN}ci:\n  - kind: github_actions\n    sample: {{rows: 50}}\n{ASKED}{GOOGLE}"
OPT_IN = ("commands", "publish")


def made(place: Path, text: str) -> dict[str, str]:
    """Every workflow by its last word."""
    return {Path(path).stem.partition("-")[2].partition("-")[2]: text for path, text in make_files(
        put(place, text)).files.items()}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return made(tmp_path_factory.mktemp("asked"), FULL)


def jobs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return found


def steps(text: str) -> Iterator[dict[str, Any]]:
    for job in jobs(text).values():
        yield from job["steps"]


def test_the_files_are_as_written_down(files: dict[str, str]) -> None:
    if os.environ.get("MLOPSCTL_REGENERATE") == "1":
        GOLDEN.mkdir(parents=True, exist_ok=True)
        for name in OPT_IN:
            (GOLDEN / f"{name}.yml").write_text(files[name])
    assert {name: files[name] for name in OPT_IN} == {
        file.stem: file.read_text() for file in sorted(GOLDEN.glob("*.yml"))
    }


def test_nobody_has_them_who_did_not_ask(tmp_path: Path, files: dict[str, str]) -> None:
    plain = made(tmp_path / "plain", FULL.replace(ASKED, ""))
    assert not set(OPT_IN) & set(plain)
    assert not any("workflow_run" in text or "issue_comment" in text or "--save" in text for text in plain.values())
    assert {*plain, *OPT_IN} == set(files)
    same = [name for name in plain if plain[name] == files[name]]
    assert set(plain) - set(same) == {"pull-request"}


def test_there_is_no_publisher_where_pull_requests_are_not_run(tmp_path: Path) -> None:
    stores = "stores: {metadata: {secret: DATABASE}, artifacts: gs://b/a, tracking: https://mlflow.example}\n"
    found = made(tmp_path, f"{PLAIN}{stores}ci:\n  - kind: github_actions\n{ASKED}")
    assert "commands" in found
    assert "publish" not in found
    assert "report.json" not in found["pull-request"]


def test_each_has_one_ignore_with_its_reason_before_it(files: dict[str, str]) -> None:
    for name, text in files.items():
        assert text.count("zizmor: ignore") == (1 if name in OPT_IN else 0)
    for name in OPT_IN:
        lines = files[name].splitlines()
        at = next(at for at, line in enumerate(lines) if "zizmor: ignore[dangerous-triggers]" in line)
        assert all(line.lstrip().startswith("# ") for line in lines[at - 2 : at])


def test_no_code_of_a_pull_request_is_checked_out_and_no_token_is_kept(files: dict[str, str]) -> None:
    for name in OPT_IN:
        found = [step for step in steps(files[name]) if "checkout" in step.get("uses", "")]
        assert len(found) == len(jobs(files[name]))
        for step in found:
            assert step["with"]["persist-credentials"] is False
            assert not {"ref", "repository", "allow-unsafe-pr-checkout"} & set(step["with"])


def test_no_expression_stands_in_a_script_and_none_holds_a_strangers_text(files: dict[str, str]) -> None:
    known = re.compile(
        r"github\.(token|event\.(workflow_run|comment)\.id)|secrets\.CHAIN_[A-Z]+|!cancelled\(\)|toJSON\(needs\)"
        r"|(needs\.read|steps\.read)\.outputs\.(command|environment|next|asked)"
    )
    for name in OPT_IN:
        for expression in re.findall(r"\$\{\{ (.*?) \}\}", files[name]):
            assert known.fullmatch(expression), (name, expression)
        for step in steps(files[name]):
            assert "${{" not in step.get("run", "")
        assert files[name].count("comment.body") == (1 if name == "commands" else 0)
        assert "title" not in files[name]
        assert "head_branch" not in files[name]


def test_the_publisher_may_write_checks_and_the_comment_and_has_no_secret(files: dict[str, str]) -> None:
    workflow = yaml.safe_load(files["publish"])
    assert workflow["permissions"] == {}
    ((_, job),) = workflow["jobs"].items()
    assert job["permissions"] == {
        "contents": "read", "actions": "read", "checks": "write", "pull-requests": "write",
    }  # fmt: skip
    assert "secrets." not in files["publish"]
    assert "head_repository.full_name != github.repository" in job["if"]
    assert "'failure'" in job["if"]
    assert workflow[True]["workflow_run"]["workflows"] == [yaml.safe_load(files["pull-request"])["name"]]


def test_the_report_is_left_under_the_name_that_the_publisher_asks_for(files: dict[str, str]) -> None:
    verify = jobs(files["pull-request"])["verify"]
    (left,) = [step for step in verify["steps"] if step["name"] == "Hand the report over"]
    (judged,) = [step for step in verify["steps"] if "--save" in step.get("run", "")]
    assert left["with"]["name"] == artifact_name("chain")
    assert left["with"]["path"].endswith("/.mlops/ci/report.json")
    assert "--save .mlops/ci/report.json" in judged["run"]
    assert verify["permissions"] == {"contents": "read"}


def test_commands_take_the_turnstile_and_the_environment_of_an_apply(files: dict[str, str]) -> None:
    for name, job in jobs(files["commands"]).items():
        if name in ("read", "answer"):
            assert "environment" not in job
            assert "secrets." not in str(job)
            assert job["permissions"] == {"contents": "read", "issues": "write", "pull-requests": "write"}
            continue
        verb, _, where = name.partition("-")
        asked = f"needs.read.outputs.command == '{verb}' && needs.read.outputs.environment == '{job['environment']}'"
        assert job["if"].startswith(asked)
        assert job["needs"] == "read"
        assert job["concurrency"]["cancel-in-progress"] is False
        group = f"promote-{where}" if verb == "promote" else where
        assert job["concurrency"]["group"] == f"mlopsctl-chain-{group}"


def test_a_command_applies_and_promotes_as_a_merge_does(files: dict[str, str]) -> None:
    delivered = {**jobs(files["deliver"]), **jobs(files["release"])}
    for name, job in jobs(files["commands"]).items():
        if name.startswith(("apply-", "promote-")):
            same = ("environment", "permissions", "concurrency")
            assert {key: job[key] for key in same} == {key: delivered[name][key] for key in same}
            assert job["steps"] == delivered[name]["steps"][: len(job["steps"])]


def test_there_is_a_job_for_every_command_that_can_be_given(files: dict[str, str]) -> None:
    found = set(jobs(files["commands"]))
    environments = ("dev", "staging", "prod")
    wanted = {f"{verb}-{one}" for verb in ("plan", "apply", "rollback") for one in environments}
    assert found == {"read", "answer", "promote-staging", "promote-prod", *wanted}
    assert set(jobs(files["commands"])["answer"]["needs"]) == found - {"answer"}
