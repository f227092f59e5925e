from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.commands import Ended, as_argument, failure, fill, placeholders, run_command
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem

VALUES = {"inputs": {"rows": "/in/rows", "raw-data": "/in/raw"}, "parameters": {"text": "{inputs.rows}"}}


def test_placeholders_are_replaced_and_other_braces_stay() -> None:
    words = ["{inputs.rows}", "--in={inputs.raw-data}/x.csv", "{print $1}", '{"a": 1}', "{inputs.other}", "{x}"]
    assert fill(words, VALUES) == ["/in/rows", "--in=/in/raw/x.csv", "{print $1}", '{"a": 1}', "{inputs.other}", "{x}"]


def test_what_is_inserted_is_not_read_again() -> None:
    assert fill(["{parameters.text}"], VALUES) == ["{inputs.rows}"]


def test_placeholders_are_found_with_their_place() -> None:
    assert [(one.section, one.name, one.at) for one in placeholders("a{inputs.rows}{y}{b.c-d}")] == [
        ("inputs", "rows", 1),
        ("b", "c-d", 17),
    ]


@given(st.text())
def test_a_word_without_placeholders_stays(word: str) -> None:
    if not list(placeholders(word)):
        assert fill([word], VALUES) == [word]


def test_values_are_text_or_json() -> None:
    values: list[Json] = ["a b", 1, 0.5, True, None, ["ä", 1]]
    assert [as_argument(value) for value in values] == ["a b", "1", "0.5", "true", "null", '["ä",1]']


def python(code: str, folder: Path) -> Ended:
    return run_command([sys.executable, "-c", code], folder)


def test_a_commands_last_words_are_kept_and_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('out'); [print(f'line {n}', file=sys.stderr) for n in range(10)]; sys.exit(3)"
    ended = python(code, tmp_path)
    assert ended == Ended(3, "line 7 | line 8 | line 9")
    printed = capfd.readouterr()
    assert printed.out == "out\n"
    assert len(printed.err.splitlines()) == 10
    assert failure("the command x", ended) == "the command x exited with code 3: line 7 | line 8 | line 9"


def test_a_command_gets_no_shell_and_the_folder(tmp_path: Path) -> None:
    code = "import os, sys; sys.stderr.write(os.getcwd() + sys.argv[1])"
    assert run_command([sys.executable, "-c", code, "; $HOME *"], tmp_path).last_words == f"{tmp_path}; $HOME *"


def test_a_signal_is_named(tmp_path: Path) -> None:
    ended = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    assert failure("it", ended) == "it was killed by signal 9, and said nothing"


def test_nobody_waits_for_who_holds_stderr_open(tmp_path: Path) -> None:
    begun = time.monotonic()
    child = "import time; time.sleep(8)"
    ended = python(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])", tmp_path)
    assert ended.code == 0
    assert time.monotonic() - begun < 5


def test_a_long_last_line_is_cut_at_its_beginning(tmp_path: Path) -> None:
    assert len(python("import sys; sys.stderr.write('x' * 100_000 + 'end'); sys.exit(1)", tmp_path).last_words) < 400


@pytest.mark.parametrize(("mode", "content", "told"), [(0o644, "#!/bin/sh\n", "may not be executed"), (0o755, "x", "")])
def test_a_program_that_cannot_start_says_why(mode: int, content: str, told: str, tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text(content)
    script.chmod(mode)
    with pytest.raises(StepProblem, match=told or "cannot be started") as caught:
        run_command(["./run.sh"], tmp_path)
    assert caught.value.diagnostics[0].hint


@pytest.mark.parametrize("program", ["no-such-program", "./missing.sh"])
def test_a_missing_program_is_named(program: str, tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match=f"there is no program '{program}' here"):
        run_command([program], tmp_path)


def test_a_word_with_a_zero_is_told(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="cannot be started"):
        run_command(["echo", "a\0b"], tmp_path)
