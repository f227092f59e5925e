"""The door: every way out of a command has its exit code, and no traceback ever reaches a person."""

import stat
from pathlib import Path

import pytest
import typer

from mlopsctl.cli import door
from mlopsctl.cli.main import app
from mlopsctl.ground.errors import ExitCode, Locked, Problem, Refused


def app_that(raises: BaseException | None) -> typer.Typer:
    made = typer.Typer()

    @made.command()
    def command(number: int = 1) -> None:
        if raises is not None:
            raise raises

    return made


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (None, 0),
        (Problem.because("x", "a service failed"), 1),
        (Refused.because("x", "no"), 3),
        (Locked.because("x", "busy"), 6),
        (door.Ended(ExitCode.CHANGES), 2),
        (typer.Exit(), 0),
        (typer.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
    ids=repr,
)
def test_each_end_has_its_exit_code(raised: BaseException | None, code: int) -> None:
    assert door.run(app_that(raised), []) == code


@pytest.mark.parametrize("arguments", [["--number", "x"], ["--wat"], ["too", "much"]])
def test_a_command_line_that_cannot_be_understood_ends_with_64(arguments: list[str]) -> None:
    assert door.run(app_that(None), arguments) == ExitCode.USAGE


def test_a_bug_leaves_a_private_report_and_no_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert door.run(app_that(ZeroDivisionError("secretly")), []) == ExitCode.BUG
    told = capsys.readouterr().err
    assert "Traceback" not in told
    (report,) = tmp_path.iterdir()
    assert str(report) in told
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "ZeroDivisionError: secretly" in report.read_text()


def test_problems_are_shown_with_their_hints_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    door.run(app_that(Problem.because("no-data", "the data is gone", hint="bring it back")), [])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "error[no-data]: the data is gone" in shown.err
    assert "bring it back" in shown.err


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    command = typer.main.get_command(app)
    for name in command.commands:  # type: ignore[attr-defined]
        assert door.run(app, [name, "--help"]) == 0
        text = capsys.readouterr().out
        assert "Example:" in text or name in ("version", "gate", "image"), name


def test_a_misspelt_command_is_answered_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.run(app, ["aply"]) == ExitCode.USAGE
    assert "apply" in capsys.readouterr().err


def test_a_global_option_behind_the_command_is_told_where_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.run(app, ["plan", "-C", "somewhere"]) == ExitCode.USAGE
    assert "before the command" in capsys.readouterr().err


def test_an_unknown_output_of_version_is_a_usage_error() -> None:
    assert door.run(app, ["version", "--output", "jsn"]) == ExitCode.USAGE
