"""What an answer of GitHub means: whether to come again, when, and what a person is told."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from github import GithubException

from mlopsctl.forges.contract import ForgeProblem, NoRights
from mlopsctl.forges.failures import NotThere, trouble


def answered(status: int, message: str = "", **headers: str) -> GithubException:
    return GithubException(status, {"message": message}, {key.replace("_", "-"): one for key, one in headers.items()})


@pytest.mark.parametrize(
    ("error", "passing", "unsure"),
    [
        (answered(500), True, True),
        (answered(503), True, True),
        (answered(429), True, False),
        (answered(403, "You have exceeded a secondary rate limit"), True, False),
        (answered(403, "API rate limit exceeded", x_ratelimit_remaining="0"), True, False),
        (answered(403, "Resource not accessible by integration"), False, False),
        (answered(404, "Not Found"), False, False),
        (answered(422, "Validation Failed"), False, False),
        (ConnectionResetError("reset"), True, True),
        (ValueError("half an answer"), True, True),
    ],
)
def test_what_may_pass_and_what_may_have_happened(error: Exception, passing: bool, unsure: bool) -> None:
    found = trouble(error, reads=False)
    assert (found.passing, found.unsure) == (passing, unsure)
    assert not trouble(error, reads=True).unsure


def test_how_long_to_wait_is_read_from_the_answer() -> None:
    assert trouble(answered(429, retry_after="7"), reads=True).asked == 7
    soon = trouble(answered(429, retry_after=formatdate(time.time() + 600, usegmt=True)), reads=True).asked
    assert 60 < soon <= 601
    reset = str(int(time.time()) + 600)
    limited = trouble(answered(403, "API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset=reset),
                      reads=True)  # fmt: skip
    assert 60 < limited.asked <= 601
    assert trouble(answered(429, retry_after="soon"), reads=True).asked == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, ForgeProblem), (403, NoRights), (404, NotThere), (422, ForgeProblem), (502, ForgeProblem)],
)
def test_each_has_a_problem_of_its_own(status: int, kind: type[ForgeProblem]) -> None:
    assert type(trouble(answered(status, "said"), reads=True).problem("GET", "/x", 5)) is kind


def test_what_github_says_is_shown_on_one_line_and_not_at_any_length() -> None:
    told = str(trouble(answered(422, "a\x1b[2J\n" * 1000), reads=True).problem("POST", "/x\n", 1))
    assert told.isprintable()
    assert len(told) < 500
