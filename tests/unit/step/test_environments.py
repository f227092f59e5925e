"""Environments of pinned packages: their names, their record, and what is said when one cannot be built."""

from __future__ import annotations

import json
import os
import selectors
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlopsctl.step import environments
from mlopsctl.step.environments import RECORD, Environment, environment_of
from mlopsctl.step.install import CannotInstall, build
from mlopsctl.step.task import StepResult, StepState

PINS = ("tiny==1.0",)

# A uv that makes a virtual environment like any other, and "installs" what the test says.
UV = """#!{python}
import pathlib, subprocess, sys, time
with open({calls!r}, "a") as stream:
    stream.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "venv":
    subprocess.run([{python!r}, "-m", "venv", "--without-pip", sys.argv[-1]], check=True)
else:
    time.sleep({seconds})
    packages = next(pathlib.Path(sys.argv[4]).parents[1].glob("lib/python*/site-packages"))
    for name, version in {packages!r}:
        folder = packages / f"{{name}}-{{version}}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: {{version}}\\n")
    print("asking https://user:word@example.com/simple")
    print("the last line")
    sys.exit({code})
"""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def make(*packages: tuple[str, str], code: int = 0, seconds: float = 0) -> Path:
        calls = tmp_path / "calls"
        program = programs / "uv"
        given = {"python": sys.executable, "calls": str(calls), "packages": packages, "code": code, "seconds": seconds}
        program.write_text(UV.format(**given))
        program.chmod(0o755)
        return calls

    return make


def made(tmp_path: Path, pins: tuple[str, ...] = PINS) -> Environment:
    found = environment_of(tmp_path / "environments", pins)
    found.folder.parent.mkdir(exist_ok=True)
    found.requirements.write_text("".join(f"{pin}\n" for pin in pins))
    return found


def wait(environment: Environment, log: Path) -> StepResult:
    installation = environment.install(log)
    with selectors.DefaultSelector() as selector:
        selector.register(installation, selectors.EVENT_READ)
        while True:
            assert selector.select(60), "the installer does not answer"
            result = installation.collect()
            if result is not None:
                installation.close()
                return result


def test_equal_pins_are_one_environment(tmp_path: Path) -> None:
    one, two = environment_of(tmp_path, ("a==1",)), environment_of(tmp_path, ("a==2",))
    assert one == environment_of(tmp_path, ("a==1",))
    assert one.folder != two.folder
    assert not one.is_ready()


def test_a_built_environment_has_a_record_and_is_built_once(tmp_path: Path, uv: Callable[..., Path]) -> None:
    calls = uv(("Tiny", "1.0"))
    environment = made(tmp_path)
    build(environment)
    build(environment)
    assert len(calls.read_text().splitlines()) == 2
    record = json.loads((environment.folder / RECORD).read_text())
    assert (record["pins"], record["installed"], record["installer"]) == (["tiny==1.0"], ["Tiny==1.0"], "uv")
    assert environment.is_ready()


def test_the_packages_of_mlopsctl_stand_behind_and_are_found_again_when_they_moved(
    tmp_path: Path, uv: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    uv(("tiny", "1.0"))
    environment = made(tmp_path)
    build(environment)
    import subprocess

    code = "import sys, pydantic, mlopsctl; print(*sys.path, sep='\\n')"
    path = subprocess.run(
        [environment.python, "-P", "-c", code], capture_output=True, text=True, check=True, env={}, cwd="/"
    ).stdout.splitlines()
    behind = environments._behind()
    assert path.index(str(environment.packages)) < min(path.index(one) for one in behind)
    monkeypatch.setattr(environments, "_behind", lambda: ("/elsewhere",))
    assert environment.is_ready()
    assert (environment.packages / "mlopsctl-behind.pth").read_text() == "/elsewhere\n"


def test_what_came_along_unpinned_is_refused_with_its_pins(tmp_path: Path, uv: Callable[..., Path]) -> None:
    uv(("tiny", "1.0"), ("other", "2.5"), ("pip", "24"))
    environment = made(tmp_path)
    with pytest.raises(CannotInstall, match=r"not pinned: other==2\.5$"):
        build(environment)
    assert not environment.is_ready()
    uv(("tiny", "1.0"))
    build(environment)
    assert environment.is_ready(), "a build that failed is made again"


def test_hashes_are_asked_for(tmp_path: Path, uv: Callable[..., Path]) -> None:
    calls = uv(("tiny", "1.0"))
    build(made(tmp_path, ("tiny==1.0 --hash=sha256:aa",)))
    assert "--require-hashes" in calls.read_text()


def test_a_failure_shows_the_installers_last_lines_without_a_password(tmp_path: Path, uv: Callable[..., Path]) -> None:
    uv(code=1)
    log = tmp_path / "logs" / "environment.log"
    result = wait(environment_of(tmp_path / "environments", PINS), log)
    assert result.state is StepState.FAILED
    assert result.problem == (
        "the step's packages cannot be installed: asking https://***@example.com/simple | the last line"
    )
    assert str(log) in result.hint
    assert "word" not in log.read_text()


def test_an_installation_runs_in_a_process_of_its_own(tmp_path: Path, uv: Callable[..., Path]) -> None:
    uv(("tiny", "1.0"))
    environment = environment_of(tmp_path / "environments", PINS)
    assert wait(environment, tmp_path / "x.log").state is StepState.SUCCESS
    assert environment.is_ready()
    assert stat.S_IMODE((environment.folder.with_name(f"{environment.folder.name}.lock")).stat().st_mode) == 0o600


def test_two_commands_build_it_once(tmp_path: Path, uv: Callable[..., Path]) -> None:
    calls = uv(("tiny", "1.0"), seconds=0.5)
    environment = environment_of(tmp_path / "environments", PINS)
    both = [environment.install(tmp_path / f"{name}.log") for name in "ab"]
    for one in both:
        one._line.setblocking(True)
        result = one.collect()
        assert result is not None
        assert result.state is StepState.SUCCESS
        one.close()
    assert len([line for line in calls.read_text().splitlines() if line.startswith("venv")]) == 1


def test_a_stopped_installation_leaves_nobody_and_is_canceled(tmp_path: Path, uv: Callable[..., Path]) -> None:
    uv(("tiny", "1.0"), seconds=60)
    environment = environment_of(tmp_path / "environments", PINS)
    installation = environment.install(tmp_path / "x.log")
    installation.stop()
    installation._line.setblocking(True)
    result = installation.collect()
    assert result is not None
    assert result.state is StepState.CANCELED
    installation.close()
    assert not environment.is_ready()


def test_an_installer_gets_its_index_and_a_step_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlopsctl.step.worker import step_environment

    ambient = {"PIP_INDEX_URL": "x", "UV_INDEX": "x", "https_proxy": "x", "API_TOKEN": "x", "PYTHONPATH": "/x"}
    found = environments._installer_environment(ambient)
    assert {"PIP_INDEX_URL", "UV_INDEX", "https_proxy"} <= found.keys()
    assert not {"API_TOKEN", "PYTHONPATH"} & found.keys()
    assert not {"PIP_INDEX_URL", "UV_INDEX", "https_proxy"} & step_environment(ambient).keys()
