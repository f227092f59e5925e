"""The environments that an image brings along are those that steps look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.step import shipped
from mlopsctl.step.environments import Environment, environment_of
from mlopsctl.step.install import CannotInstall
from mlopsctl.step.shipped import main, ship


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Environment]:
    found: list[Environment] = []
    monkeypatch.setattr(shipped, "build", found.append)
    return found


def test_each_file_becomes_the_environment_that_a_step_with_these_pins_looks_for(
    tmp_path: Path, built: list[Environment]
) -> None:
    pins = tmp_path / "pins"
    pins.mkdir()
    (pins / "2.txt").write_text("a==1 --hash=sha256:00\nb==2\n")
    (pins / "1.txt").write_text("c==3\n")
    folder = tmp_path / "project" / ".mlops" / "environments"
    assert ship(pins, folder) == 2
    assert built == [environment_of(folder, ("c==3",)), environment_of(folder, ("a==1 --hash=sha256:00", "b==2"))]
    assert built[1].requirements.read_text() == "a==1 --hash=sha256:00\nb==2\n"


def test_without_pins_nothing_is_built(tmp_path: Path, built: list[Environment]) -> None:
    assert ship(tmp_path / "nothing", tmp_path / "environments") == 0
    assert built == []
    assert not (tmp_path / "environments").exists()


def test_what_cannot_be_installed_ends_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(environment: Environment) -> None:
        raise CannotInstall("no such package", "correct it")

    monkeypatch.setattr(shipped, "build", refuse)
    (tmp_path / "1.txt").write_text("a==1\n")
    monkeypatch.setattr("sys.argv", ["shipped", str(tmp_path), str(tmp_path / "there")])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == "no such package\nhint: correct it"
