from __future__ import annotations

import io
import re
import time

import pytest

from mlopsctl.ground.redact import forget_secrets, register_secret
from mlopsctl.orchestrators.local.progress import LiveProgress, NoProgress, PlainProgress, Progress, make_progress
from mlopsctl.pipeline.ir import Retry, Step
from mlopsctl.step.task import StepResult, StepState

TRAIN = Step("train-forest", "train", 1, {}, {}, {}, retry=Retry(attempts=2, delay=1.5))
GOOD = StepResult(StepState.SUCCESS, line="accuracy 0.85")
BAD = StepResult(StepState.FAILED, problem="no\x1b]0;title\x07 \u202erows\nSUCCESS", hint="bring [red]some[/red]")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _story(progress: Progress) -> None:
    with progress:
        progress.started(TRAIN, 1)
        progress.retrying(TRAIN, 1, BAD)
        progress.started(TRAIN, 2)
        progress.finished(TRAIN, GOOD, 2.13)
        progress.finished(TRAIN, BAD, 75.0)
        progress.finished(TRAIN, StepResult(StepState.CACHED, line="accuracy 0.85"), 0.0)


def test_plain_progress_says_one_line_per_event() -> None:
    stream = io.StringIO()
    _story(PlainProgress(stream))
    spelled = "no\\x1b]0;title\\x07 \\u202erows\\nSUCCESS"
    assert [re.sub(" {3,}", "   ", line) for line in stream.getvalue().splitlines()] == [
        "train-forest   started",
        f"train-forest   failed  attempt 1 of 3, again in 1.5 s: {spelled}",
        "train-forest   started  attempt 2",
        "train-forest   success  2.1 s  accuracy 0.85",
        f"train-forest   failed  1 min 15 s  {spelled}",
        "train-forest   hint  bring [red]some[/red]",
        "train-forest   cached  accuracy 0.85",
    ]


def test_live_progress_shows_user_text_harmlessly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    _story(LiveProgress(stream))
    shown = stream.getvalue()
    assert "\x1b]0;" not in shown
    assert "\u202e" not in shown
    assert "\\x1b]0;title" in shown
    assert "[red]some[/red]" in shown
    assert "accuracy 0.85" in shown
    assert "\x1b[32m" in shown, "success is green"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    _story(LiveProgress(stream))
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", stream.getvalue())


def test_what_runs_is_shown_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    with LiveProgress(stream) as progress:
        progress.started(TRAIN, 2)
        time.sleep(0.25)
        assert "attempt 2" in stream.getvalue()
        progress.finished(TRAIN, GOOD, 0.2)
    assert stream.getvalue().count("success") == 1


def test_before_the_first_step_begins_nothing_is_drawn_and_stdout_stays_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    with LiveProgress(stream) as progress:
        assert stream.getvalue() == ""
        progress.started(TRAIN, 1)
        print("a result")
    assert capsys.readouterr().out == "a result\n"


def test_a_thousand_cached_steps_are_shown_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    begun = time.process_time()
    with LiveProgress(stream) as progress:
        for _ in range(1000):
            progress.finished(TRAIN, StepResult(StepState.CACHED), 0.0)
    assert stream.getvalue().count("cached") == 1000
    assert time.process_time() - begun < 1.0


def test_secrets_are_masked() -> None:
    register_secret("hunter2-long")
    stream = io.StringIO()
    try:
        PlainProgress(stream).finished(TRAIN, StepResult(StepState.SUCCESS, line="as hunter2-long"), 1)
    finally:
        forget_secrets()
    assert "hunter2" not in stream.getvalue()


def test_a_stream_that_cannot_encode_a_letter_stops_nothing() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    PlainProgress(stream).finished(TRAIN, StepResult(StepState.SUCCESS, line="größer"), 1)
    stream.seek(0)
    assert "gr??er" in stream.read()


def test_the_view_fits_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(make_progress(quiet=True), NoProgress)
    assert isinstance(make_progress(quiet=False), PlainProgress)
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_progress(quiet=False), LiveProgress)
    assert isinstance(make_progress(quiet=False, live=False), PlainProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_progress(quiet=False), PlainProgress)
