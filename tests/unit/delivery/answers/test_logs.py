"""A log is shown so that nothing in it can act on a terminal, and only files of ours are ever read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.answers import logs
from mlopsctl.delivery.answers.logs import LogFile, followed, safe, safe_lines
from mlopsctl.ground.errors import StepProblem
from mlopsctl.step.task import StepState
from tests.unit.delivery.answers.histories import execution, run_record

R1 = "20260101T000001-aaa"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"),
        ("FAILED\rPASSED", "PASSED"),
        ("10%\r100%\r", "100%"),
        ("a\tb", "a       b"),
        ("\x1b]8;;http://evil\x07link", "\\x1b]8;;http://evil\\x07link"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_a_line_is_harmless(written: str, shown: str) -> None:
    assert safe(written) == shown


@given(st.text())
def test_no_line_keeps_a_control_character(line: str) -> None:
    assert all(char.isprintable() or char in "\u00a0\u3000 " or ord(char) > 0xFF for char in safe(line))
    assert "\x1b" not in safe(line)


def test_bytes_that_are_no_text_and_endless_lines_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n\xff\xfe\n" + b"x" * (3 << 20) + b"\nlast")
    lines = list(safe_lines(path))
    assert lines[:2] == ["one", "\ufffd\ufffd"]
    assert lines[-1] == "last"
    assert sum(map(len, lines[2:-1])) == 3 << 20


def test_a_running_log_is_followed_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\ntw")
    polls = iter([False, True])

    def grow(seconds: float) -> None:
        path.write_text(path.read_text() + "o\nthree\n")

    monkeypatch.setattr("time.sleep", grow)
    assert list(followed(LogFile(path, R1, "train", 1, done=lambda: next(polls)))) == ["one", "two", "three"]


def test_a_path_that_was_recorded_is_never_believed(tmp_path: Path) -> None:
    """Who can write the metadata could name any file; names of the known grammar are all that counts."""
    secret = tmp_path / "secret.1.log"
    secret.write_text("password")
    home = tmp_path / ".mlops"
    (home / "runs").mkdir(parents=True)
    stores: Any = SimpleNamespace(home=home)
    for run, step in (
        ("..", "secret"),
        (".", "secret"),
        (R1, "../../secret"),
        ("../..", "secret"),
        (R1, "/etc/passwd"),
    ):
        with pytest.raises(StepProblem):
            logs._path(stores, run, step, 1)
    (home / "runs" / R1).symlink_to(tmp_path)
    with pytest.raises(StepProblem):
        logs._path(stores, R1, "secret", 1)


def test_a_step_that_never_started_says_why(tmp_path: Path) -> None:
    skipped = execution(R1, "gate", state=StepState.SKIPPED, problem="data rows: too few")
    stores: Any = SimpleNamespace(home=tmp_path)
    with pytest.raises(StepProblem) as caught:
        logs._recorded(stores, run_record(R1), skipped)
    assert "skipped (data rows: too few)" in str(caught.value)


def test_a_log_of_another_machine_says_where_it_was(tmp_path: Path) -> None:
    stores: Any = SimpleNamespace(home=tmp_path / ".mlops")
    with pytest.raises(StepProblem) as caught:
        logs._recorded(stores, run_record(R1), execution(R1, "train", log="x"))
    assert caught.value.diagnostics[0].id == "log-gone"
