"""What the repository promises about itself: exact packages, nobody's addresses, tests that cannot reach out."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest
import pytest_socket

CHECKOUT = Path(__file__).parents[2]
LOCKED = ("bootstrap", "base", "run", "demo", "dev")


def pins(name: str) -> dict[str, set[str]]:
    """The locked versions by package; several where they differ between Pythons or systems."""
    found: dict[str, set[str]] = {}
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text()
    for package, version in re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, flags=re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def wanted(name: str) -> set[str]:
    """What a `.in` file asks for, with what the files it includes ask for."""
    names: set[str] = set()
    for line in (CHECKOUT / "requirements" / f"{name}.in").read_text().splitlines():
        if line.startswith("-r "):
            names |= wanted(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            names.add(normal(line))
    return names


def normal(requirement: str) -> str:
    return re.split(r"[<>=!;\s\[]", requirement.strip())[0].lower().replace("_", "-")


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_is_locked_with_hashes(name: str) -> None:
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text()
    blocks = re.split(r"\n(?=\S)", text)
    assert all("--hash=sha256:" in block for block in blocks if re.match(r"[a-z0-9]", block))
    assert wanted(name) <= set(pins(name)), "run `make lock`"


def test_the_lock_files_agree() -> None:
    everything = pins("dev")
    for name in LOCKED:
        for package, versions in pins(name).items():
            assert versions == everything[package], f"{package} differs between {name}.txt and dev.txt"


def test_the_locked_versions_satisfy_what_users_are_told() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["run"]]
    locked = pins("run")
    for requirement in map(Requirement, declared):
        versions = locked[requirement.name.lower()]
        assert all(requirement.specifier.contains(version) for version in versions), requirement.name
    assert {normal(requirement) for requirement in declared} == wanted("run")


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT, capture_output=True, check=True,
    )  # fmt: skip
    # Spelled in halves, so that this file is none of them.
    hosts = re.compile(rb"files\.python" + rb"hosted\.org|py" + rb"pi\.org|registry\.npm" + rb"js\.org|/work" + rb"/")
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = CHECKOUT / name
        if path.is_file() and not path.is_symlink():
            assert not hosts.search(path.read_bytes()), name


def test_there_is_one_way_to_lock() -> None:
    assert not (CHECKOUT / "uv.lock").exists()


def test_a_unit_test_cannot_open_a_network_socket() -> None:
    # The warning comes first, and warnings are errors here.
    with pytest.raises((pytest_socket.SocketBlockedError, UserWarning), match="tried to use"):
        socket.create_connection(("127.0.0.1", 9))


def test_a_unit_test_lives_in_a_home_of_its_own() -> None:
    assert "mlopsctl-tests-" in os.environ["HOME"]
    assert Path.home() == Path(os.environ["HOME"])
    assert list(Path.home().iterdir()) == []
