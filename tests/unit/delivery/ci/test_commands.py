"""A comment is a command only in one closed form, only of people with write access, and only where it is safe."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.ci.commands import Allowed, Command, NotACommand, allowed, decide, outputs, parse
from mlopsctl.delivery.ci.event import WrittenComment, finished_run, written_comment
from mlopsctl.delivery.ci.scene import read_scene
from mlopsctl.forges.contract import PullRequest, Reaction
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.render.commands import answer_markdown, refused_markdown
from tests.ci_projects import CHAIN, put

KNOWN = Allowed("chain", ("dev", "staging", "prod"), (("dev", "staging"), ("staging", "prod")), named=False)
BELOW = replace(KNOWN, named=True)


class Asked:
    """As much of a forge as is asked: who may write, and what a pull request is."""

    def __init__(self, writers: tuple[str, ...] = ("ada",), *, fork: bool = False, state: str = "open") -> None:
        self.writers = writers
        self.asked: list[str] = []
        self.pull = PullRequest(7, "", "topic", "main", "c" * 40, state=state, fork=fork)

    def may_write(self, login: str) -> bool:
        self.asked.append(login)
        return login in self.writers

    def pull_request(self, number: int) -> PullRequest:
        assert number == 7
        return self.pull


def comment(body: str, login: str = "ada", *, pull: bool = True) -> WrittenComment:
    return WrittenComment(11, 7, login, body, pull)


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ("/mlopsctl plan dev", Command("plan", "dev")),
        ("  /mlopsctl apply staging \r\n", Command("apply", "staging")),
        ("/mlopsctl rollback prod", Command("rollback", "prod")),
        ("/mlopsctl promote dev staging", Command("promote", "dev", "staging")),
        ("/mlopsctl chain apply dev", Command("apply", "dev")),
    ],
)
def test_each_command_is_understood(body: str, meant: Command) -> None:
    assert parse(body, KNOWN) == meant


@pytest.mark.parametrize(
    "body",
    [
        "/mlopsctl",
        "/mlopsctl ",
        "/mlopsctl apply",
        "/mlopsctl destroy prod",
        "/mlopsctl apply nowhere",
        "/mlopsctl apply dev staging",
        "/mlopsctl promote dev",
        "/mlopsctl promote dev prod",
        "/mlopsctl promote staging dev",
        "/mlopsctl  apply dev",
        "/mlopsctl apply\tdev",
        "/mlopsctl apply DEV",
        "/mlopsctl apply dev; curl e.vil",
        "/mlopsctl apply $(id)",
        "/mlopsctl apply dev\n/mlopsctl apply prod",
        "/mlopsctl apply dev\ncommand=apply",
        "/mlopsctl apply dev --override floor",
        "/mlopsctl apply ${{ github.token }}",
        "/mlopsctl apply d\u0435v",
        "/mlopsctl apply dev\u202e",
        "/mlopsctl " + "a " * 10_000,
    ],
)
def test_what_calls_us_and_is_no_command_is_refused(body: str) -> None:
    with pytest.raises(NotACommand) as why:
        parse(body, KNOWN)
    assert not re.search(r"[$;\n]|curl|override", str(why.value))


@pytest.mark.parametrize(
    "body", ["", "please /mlopsctl apply dev", "/mlopsctlx apply dev", "> /mlopsctl apply dev", "/MLOPSCTL apply dev"]
)
def test_other_comments_are_none_of_ours(body: str) -> None:
    forge = Asked()
    assert parse(body, KNOWN) is None
    assert decide(comment(body), KNOWN, forge).reaction is None
    assert forge.asked == []


def test_a_project_beside_others_is_called_by_its_name() -> None:
    assert parse("/mlopsctl chain apply dev", BELOW) == Command("apply", "dev")
    assert parse("/mlopsctl apply dev", BELOW) is None
    assert parse("/mlopsctl other apply dev", BELOW) is None
    assert parse("/mlopsctl other apply dev", KNOWN) is None
    with pytest.raises(NotACommand):
        parse("/mlopsctl chain destroy dev", BELOW)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["plan", "apply", "promote", "dev", "prod", "\n", "x"])).map(
    " ".join))  # fmt: skip
def test_whatever_is_written_only_words_of_the_project_go_on(text: str) -> None:
    known = ("plan", "apply", "promote", "rollback", *KNOWN.environments, "")
    decision = decide(comment(f"/mlopsctl {text}"), KNOWN, Asked())
    told = outputs(decision)
    assert {told["command"], told["environment"], told["next"]} <= set(known)
    assert told["asked"] in ("", "asked for by ada in 7")
    assert not any("\n" in value for value in told.values())


def test_whoever_may_not_write_gets_a_sign_and_no_words() -> None:
    for body in ("/mlopsctl apply dev", "/mlopsctl nonsense"):
        decision = decide(comment(body, "eve"), KNOWN, Asked())
        assert (decision.command, decision.reaction, decision.refused) == (None, Reaction.REFUSED, "")
        assert set(outputs(decision).values()) == {""}


@pytest.mark.parametrize(
    ("forge", "done"),
    [
        (Asked(), True),
        (Asked(state="merged"), True),
        (Asked(fork=True), False),
        (Asked(fork=True, state="closed"), False),
        (Asked(fork=True, state="merged"), True),
    ],
)
@pytest.mark.parametrize("verb", ["plan", "apply", "rollback"])
def test_under_the_open_pull_request_of_a_fork_nothing_is_done(forge: Asked, done: bool, verb: str) -> None:
    decision = decide(comment(f"/mlopsctl {verb} dev"), KNOWN, forge)
    assert (decision.command is not None) is done
    assert decision.reaction is (Reaction.SEEN if done else Reaction.PUZZLED)
    assert ("fork" in decision.refused) is not done


def test_under_an_issue_no_pull_request_is_asked_for() -> None:
    decision = decide(comment("/mlopsctl apply dev", pull=False), KNOWN, Asked(fork=True))
    assert decision.command == Command("apply", "dev")


def test_what_a_project_allows_comes_from_its_environments(tmp_path: Path) -> None:
    settings = "ci: [{kind: github_actions, commands: true}]\n"
    found = allowed(read_scene(put(tmp_path / "one", CHAIN + settings, repository=tmp_path)))
    assert found == replace(BELOW, promotions=(("dev", "staging"), ("staging", "prod")))
    assert "/mlopsctl chain promote staging prod" in found.usage


def test_the_answers_say_what_came_of_it() -> None:
    assert "/mlopsctl apply dev" in refused_markdown(KNOWN, "there is no such environment")
    done = answer_markdown(Command("plan", "dev"), "success", "c" * 40, "https://x/1", "### Plan")
    assert done.startswith("✓ `/mlopsctl plan dev`: done, with the merged code of `cccccccccccc`.")
    assert "### Plan" in done
    assert "did not begin" in answer_markdown(Command("apply", "dev"), "", "", "", "")
    long = answer_markdown(Command("plan", "dev"), "success", "", "", "x" * 200_000)
    assert len(long) < 65_536


def event(tmp_path: Path, told: Any) -> dict[str, str]:
    file = tmp_path / "event.json"
    file.write_text(told if isinstance(told, str) else json.dumps(told))
    return {"GITHUB_EVENT_PATH": str(file)}


def run_event(**over: Any) -> dict[str, Any]:
    run = {"id": 5, "head_sha": "c" * 40, "head_branch": "topic", "event": "pull_request", "conclusion": "failure",
           "html_url": "https://x/5", "pull_requests": [],
           "head_repository": {"full_name": "stranger/models"}}  # fmt: skip
    return {"action": "completed", "workflow_run": {**run, **over},
            "repository": {"full_name": "acme/models", "default_branch": "main"}}  # fmt: skip


def test_a_finished_run_is_read_from_its_event(tmp_path: Path) -> None:
    found = finished_run(event(tmp_path, run_event()))
    assert (found.id, found.commit, found.repository, found.branch) == (5, "c" * 40, "stranger/models", "topic")
    assert (found.base, found.succeeded) == ("main", False)


@pytest.mark.parametrize(
    "over",
    [
        {"event": "push"},
        {"head_sha": "main"},
        {"head_sha": None},
        {"head_repository": None},
        {"head_repository": {"full_name": "acme/models"}},
        {"head_repository": {"full_name": "Acme/Models"}},
        {"head_repository": {"full_name": "a/b c"}},
        {"id": "5"},
        {"id": True},
    ],
)
def test_another_run_is_refused(tmp_path: Path, over: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem):
        finished_run(event(tmp_path, run_event(**over)))


def comment_event(**over: Any) -> dict[str, Any]:
    written = {"id": 11, "body": "/mlopsctl plan dev", "user": {"login": "ada", "type": "User"}, **over}
    return {"action": "created", "comment": written, "issue": {"number": 7, "pull_request": {"url": "…"}}}


def test_a_comment_is_read_from_its_event_and_programs_are_not_listened_to(tmp_path: Path) -> None:
    assert written_comment(event(tmp_path, comment_event())) == comment("/mlopsctl plan dev")
    bot = comment_event(user={"login": "ada[bot]", "type": "Bot"})
    assert written_comment(event(tmp_path, bot)) is None


@pytest.mark.parametrize("told", ["", "[]", "{}", "nonsense", "[" * 100_000, json.dumps(run_event())])
def test_what_is_no_comment_is_refused(tmp_path: Path, told: str) -> None:
    with pytest.raises(UsageProblem):
        written_comment(event(tmp_path, told))
    with pytest.raises(UsageProblem):
        written_comment({})


@pytest.mark.parametrize("login", ["", "a\nb", "a b", "../x", None])
def test_a_name_that_nobody_has_is_refused(tmp_path: Path, login: str | None) -> None:
    with pytest.raises(UsageProblem):
        written_comment(event(tmp_path, comment_event(user={"login": login, "type": "User"})))
