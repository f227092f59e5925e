"""The publisher for forks, run for real: what a fork's run left is shown on its commit as unverified."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.cli import door
from mlopsctl.cli.main import app
from tests.doubles.github_events import run_completed
from tests.integration.opt_in import corners_with_opt_ins, workflow
from tests.integration.pulls import branch
from tests.integration.workflow_runner import REPOSITORY, Ran, Workflows, installed

pytestmark = [
    pytest.mark.skipif(not installed(), reason="act is not installed"),
    pytest.mark.timeout(3000),
]

FORK = "stranger/models"
ARTIFACT = "mlopsctl-corners-report"


@pytest.fixture
def ci() -> Iterator[Workflows]:
    with corners_with_opt_ins() as running:
        yield running


def archive(content: bytes, name: str = "report.json", mode: int = 0) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        made.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def checks(ci: Workflows, commit: str) -> dict[str, str]:
    """The conclusion of every check of a commit, without the project's name."""
    found = [one for one in ci.github.snapshot()["checks"] if one["head_sha"] == commit]
    assert len({one["name"] for one in found}) == len(found), "a check was published twice"
    return {one["name"].removeprefix("mlopsctl / corners / "): one["conclusion"] for one in found}


def finished(ci: Workflows, run: int, ran: Ran, commit: str, name: str, fork: str = FORK) -> Ran:
    """What happens once a pull request's run ended: GitHub has its artifact, and starts the publisher."""
    file = ran.files / ARTIFACT / "report.json"
    ci.github.repository.leave(run, ARTIFACT, commit, archive(file.read_bytes()))
    conclusion = "success" if ran.ok else "failure"
    event = run_completed(run, commit, name, repository=REPOSITORY, fork=fork, conclusion=conclusion)
    return ci.other(workflow("publish"), "workflow_run", event)


def test_a_fork_is_reported_on_and_nothing_of_it_is_green(ci: Workflows) -> None:
    # A good model: its numbers are told, and unverified.
    commit = branch(ci, "deeper", "max_depth: 6", "max_depth: 7")
    number = ci.github.repository.open_pull("deeper", commit, fork=FORK)
    ran = ci.pull_request(workflow("pull-request"), "deeper", number=number, fork=True)
    assert ran.ok, ran
    assert checks(ci, commit) == {}
    published = finished(ci, 501, ran, commit, "deeper")
    assert published.ok, published
    found = checks(ci, commit)
    assert set(found.values()) == {"action_required"}, found
    assert {"trial (fork)", "trial (fork) / floor", "trial (fork) / corners.enough-rows"} <= set(found)
    (told,) = [one["body"] for one in ci.github.snapshot()["comments"] if one["issue"] == number]
    assert "Unverified" in told
    assert "would pass by the reported numbers" in told
    assert [line for line in ci.called if line.startswith("publish:")] == ["publish: ci publish -e trial"]

    # Told again, it stands there once.
    assert finished(ci, 501, ran, commit, "deeper").ok
    assert checks(ci, commit) == found

    # A model that is too weak, and a gate that was lowered to let it pass: the gate of the base branch judges.
    commit = branch(ci, "weak", "max_depth: 6", "max_depth: 1")
    text = (ci.clone / "mlops.yaml").read_text()
    ci.write({"mlops.yaml": text.replace("min: 0.8}", "min: 0.1}")})
    commit = ci.commit("a lower floor", "weak")
    number = ci.github.repository.open_pull("weak", commit, fork=FORK)
    ran = ci.pull_request(workflow("pull-request"), "weak", number=number, fork=True)
    assert not ran.ok, ran
    published = finished(ci, 502, ran, commit, "weak")
    assert published.ok, published
    found = checks(ci, commit)
    assert found["trial (fork) / floor"] == "failure", found
    assert found["trial (fork)"] == found["trial (fork) / run"] == "failure"
    assert "success" not in found.values()

    # The same from a branch of the repository itself is none of the publisher's business.
    calls = len(ci.called)
    published = finished(ci, 503, ran, commit, "weak", fork=REPOSITORY)
    assert published.steps == {}, published
    assert len(ci.called) == calls


def honest(commit: str, number: int) -> dict[str, Any]:
    """A report whose numbers are as good as they can be."""
    measured = {"metric": "accuracy", "value": 1.0, "rows": 120}
    evaluation = {"task": "classification", "split": "test", "rows": 120, "model": "m", "champion": "",
                  "measurements": [measured]}  # fmt: skip
    said = [{"name": name, "kind": kind, "conclusion": "success", "title": "all is well"}
            for name, kind in (("corners.enough-rows", "check"), ("policy", "policy"), ("tests", "tests"),
                               ("plan", "plan"), ("level", "level"))]  # fmt: skip
    return {"version": 1, "project": "corners", "environment": "trial", "commit": commit, "pull_request": number,
            "missing": "", "evaluation": evaluation, "items": said}  # fmt: skip


def dumped(**over: Any) -> Callable[[dict[str, Any]], bytes]:
    return lambda made: archive(json.dumps({**made, **over}).encode())


FORGED: dict[str, tuple[Callable[[dict[str, Any]], bytes], str]] = {
    "perfect numbers": (dumped(), "this was reported by a run of"),
    "a verdict of its own": (dumped(conclusion="success"), "not of the form"),
    "a gate that says it passes": (
        lambda made: archive(json.dumps({**made, "evaluation": None, "items": [
            {"name": "floor", "kind": "gate", "conclusion": "success", "title": "1.0"}]}).encode()), "not of the form",
    ),
    "another commit": (dumped(commit="d" * 40), "of another commit"),
    "another pull request": (dumped(pull_request=1), "of another pull request"),
    "another project": (dumped(project="billing"), "of another project"),
    "not a number": (lambda made: archive(json.dumps(made).replace("1.0", "NaN").encode()), "not JSON of the form"),
    "an endless number": (lambda made: archive(json.dumps(made).replace("1.0", "1e999").encode()), "not JSON"),
    "no number for the gate": (dumped(evaluation=None), "this was reported by a run of"),
    "a page": (lambda _: archive(b"<html>"), "not JSON"),
    "no archive": (lambda _: b"MZ\x90\x00", "the archive cannot be read"),
    "a path upwards": (lambda made: archive(json.dumps(made).encode(), "../../report.json"), "holds something other"),
    "an absolute path": (lambda made: archive(json.dumps(made).encode(), "/etc/cron.d/x"), "holds something other"),
    "a link": (lambda _: archive(b"/etc/passwd", mode=stat.S_IFLNK | 0o777), "not a plain file"),
    "a bomb": (lambda _: archive(b" " * (100 << 20)), "more than"),
    "a large archive": (lambda _: os.urandom(9 << 20), "more than"),
    "variables for the runner": (lambda _: archive(b"PATH=/tmp/evil\n", "GITHUB_ENV"), "holds something other"),
}  # fmt: skip


@pytest.fixture(scope="module")
def told() -> Iterator[Workflows]:
    with corners_with_opt_ins() as running:
        yield running


def publish(ci: Workflows, event: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
    """`ci publish` as the job calls it, in a fresh check-out of main."""
    place = Path(tempfile.mkdtemp(dir=ci.folder, prefix="job-")) / "tree"
    subprocess.run(["git", "clone", "--quiet", "-b", "main", str(ci.origin), str(place)], check=True)
    file = place.with_name("event.json")
    file.write_text(json.dumps(event))
    variables = {"GITHUB_EVENT_PATH": str(file), "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": "workflow-token",
                 "GITHUB_API_URL": ci.github.url, "GITHUB_ACTIONS": "true"}  # fmt: skip
    call = ["-C", str(place), "ci", "publish", "-e", "trial", *words]
    before = holds(place)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        for name, value in variables.items():
            patch.setenv(name, value)
        with redirect_stderr(io.StringIO()) as err:
            code = door.run(app, call)
    assert holds(place) == before, "reading a report left something behind"
    return subprocess.CompletedProcess(call, code, out.getvalue(), err.getvalue())


def holds(place: Path) -> list[str]:
    return sorted(str(path) for path in place.parent.rglob("*") if ".git" not in path.parts)


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_report_makes_nothing_green_and_stands_on_the_commit_of_the_event(told: Workflows, how: str) -> None:
    forged, said = FORGED[how]
    run = 9000 + list(FORGED).index(how)
    commit = f"{run:x}".ljust(40, "0")
    number = told.github.repository.open_pull(f"forged-{run}", commit, fork=FORK)
    told.github.repository.leave(run, ARTIFACT, commit, forged(honest(commit, number)))
    # What the run of somebody else left, and what is called otherwise, is not looked at.
    told.github.repository.leave(run, "mlopsctl-billing-report", commit, b"")
    told.github.repository.leave(run + 100, ARTIFACT, commit, b"")
    told.github.repository.leave(run, ARTIFACT, "e" * 40, b"")
    done = publish(told, run_completed(run, commit, f"forged-{run}", repository=REPOSITORY, fork=FORK))
    assert done.returncode == 0, done.stderr
    found = checks(told, commit)
    assert found["trial (fork)"] == "action_required", (found, done.stderr)
    assert "success" not in found.values()
    assert all(" (fork)" in name for name in found)
    (whole,) = [one for one in told.github.snapshot()["checks"] if one["head_sha"] == commit
                and one["name"].endswith("(fork)")]  # fmt: skip
    assert whole["output"]["title"].startswith("unverified: ")
    assert said in whole["output"]["title"]
    assert checks(told, "d" * 40) == {}
    assert [one["issue"] for one in told.github.snapshot()["comments"]].count(number) == 1
    assert not any(one["issue"] != number and commit[:12] in one["body"] for one in told.github.snapshot()["comments"])


def test_a_run_that_left_nothing_and_one_that_failed_are_told(told: Workflows) -> None:
    commit = "a" * 40
    event = run_completed(77, commit, "gone", repository=REPOSITORY, fork=FORK, conclusion="failure")
    done = publish(told, event)
    assert done.returncode == 0, done.stderr
    assert "there is no comment" in done.stderr
    found = checks(told, commit)
    assert found["trial (fork)"] == found["trial (fork) / run"] == "failure"
    assert found["trial (fork) / floor"] == "action_required"
    # What has expired is not there either.
    told.github.repository.leave(77, ARTIFACT, commit, archive(json.dumps(honest(commit, 1)).encode()), expired=True)
    assert publish(told, event).returncode == 0
    assert checks(told, commit) == found


@pytest.mark.parametrize("other", ["a moved branch", "another branch", "another fork", "another base", "a closed one"])
def test_only_the_pull_request_of_that_very_commit_gets_the_comment(told: Workflows, other: str) -> None:
    run = 8000 + sum(other.encode())
    commit, name = f"{run:x}".ljust(40, "0"), f"topic-{run}"
    sha = "b" * 40 if other == "a moved branch" else commit
    number = told.github.repository.open_pull(
        "elsewhere" if other == "another branch" else name, sha,
        fork="eve/models" if other == "another fork" else FORK, base="v1" if other == "another base" else "main",
    )  # fmt: skip
    if other == "a closed one":
        told.github.repository._find(told.github.repository.pulls, "number", number)["state"] = "closed"
    told.github.repository.leave(run, ARTIFACT, commit, archive(json.dumps(honest(commit, number)).encode()))
    done = publish(told, run_completed(run, commit, name, repository=REPOSITORY, fork=FORK))
    assert done.returncode == 0, done.stderr
    assert "there is no comment" in done.stderr
    assert checks(told, commit)["trial (fork)"] == "action_required"
    assert number not in [one["issue"] for one in told.github.snapshot()["comments"]]


@pytest.mark.parametrize("event", ["push", "pull_request_target"])
def test_what_was_no_pull_request_of_a_fork_is_refused(told: Workflows, event: str) -> None:
    commit = "c" * 40
    made = run_completed(78, commit, "x", repository=REPOSITORY, fork=FORK, event=event)
    assert publish(told, made).returncode == 64
    own = run_completed(78, commit, "x", repository=REPOSITORY, fork=REPOSITORY)
    done = publish(told, own)
    assert done.returncode == 64
    assert "this repository's own" in done.stderr
    assert checks(told, commit) == {}


def test_a_download_that_breaks_off_is_tried_again_and_the_token_stays_at_github(told: Workflows) -> None:
    commit, run = "f" * 40, 79
    told.github.repository.leave(run, ARTIFACT, commit, archive(json.dumps(honest(commit, 0)).encode()))
    told.github.faults.add("actions/download-artifact", kind="reset")
    told.github.faults.add("actions/download-artifact", status=502)
    done = publish(told, run_completed(run, commit, "y", repository=REPOSITORY, fork=FORK))
    assert done.returncode == 0, done.stderr
    assert checks(told, commit)["trial (fork) / floor"] == "action_required"
    title = next(one["output"]["title"] for one in told.github.snapshot()["checks"]
                 if one["head_sha"] == commit and one["name"].endswith("floor"))  # fmt: skip
    assert "would pass by the reported numbers" in title


def test_a_report_that_is_here_already_can_be_named(told: Workflows, tmp_path: Path) -> None:
    commit = "9" * 40
    event = run_completed(80, commit, "z", repository=REPOSITORY, fork=FORK)
    (tmp_path / "real.json").write_text(json.dumps(honest(commit, 0)))
    assert publish(told, event, "--report", str(tmp_path / "real.json")).returncode == 0
    assert checks(told, commit)["trial (fork) / floor"] == "action_required"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "report.json").symlink_to(tmp_path / "real.json")
    done = publish(told, event, "--report", str(tmp_path / "folder"))
    assert "there is no report that is a regular file" in done.stdout
