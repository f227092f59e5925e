"""Logs are lines on stderr that cannot be forged and hold no secret."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mlopsctl.ground.log import configure, forget_secrets, log_for, register_secret


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    configure()
    forget_secrets()


def test_a_warning_is_one_json_object_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    log_for("registry").bind(run="r1").warning("slow answer", seconds=2.5)
    captured = capsys.readouterr()
    assert captured.out == ""
    line = json.loads(captured.err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "slow answer", "level": "warning", "logger": "registry", "run": "r1", "seconds": 2.5}


@pytest.mark.parametrize(("verbosity", "written"), [(-1, 1), (0, 2), (1, 3), (2, 4), (9, 4)])
def test_verbosity_chooses_how_much_is_written(
    verbosity: int, written: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("json", verbosity)
    log = log_for("x")
    for write in (log.debug, log.info, log.warning, log.error):
        write("line")
    assert len(capsys.readouterr().err.splitlines()) == written


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_secret_is_masked_also_inside_nested_values(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json" if format == "json" else "console")
    register_secret("hunter2!")
    log_for("x").error("got hunter2!", headers={"auth": ["Bearer hunter2!"]}, url="http://u:hunter2%21@host")
    captured = capsys.readouterr().err
    assert "hunter2" not in captured
    assert captured.count("***") == 3


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_line_cannot_be_forged_nor_the_cursor_moved(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json" if format == "json" else "console")
    log_for("x").error("one\nlevel=error two", name="\x1b[2J\u202e", **{"a\nb": "c"})
    captured = capsys.readouterr().err
    assert captured.count("\n") == 1
    assert "\x1b" not in captured
    assert "\u202e" not in captured


def test_structlog_is_loaded_only_when_a_line_is_written() -> None:
    code = (
        "import sys; from mlopsctl.ground.log import configure, log_for; configure('json', 0); "
        "log_for('x').info('not written'); assert 'structlog' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
