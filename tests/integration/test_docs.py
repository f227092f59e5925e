"""The commands in the pages do what the pages say: every `console` block is run, each page in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.examples import CHECKOUT, copied

PAGES = [CHECKOUT / "README.md", *sorted(CHECKOUT.glob("docs/*.md")), *sorted(CHECKOUT.glob("examples/*/README.md"))]
_BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]*) -->\n)?```console\n(?P<body>.*?)```", re.DOTALL)
_CODE = re.compile(r"^\(exit code (\d+)\)$")


@dataclass(frozen=True)
class Command:
    """One line after ``$``, the exit code that the page promises, and the example that its block starts in."""

    line: str
    code: int
    start: str


def commands(page: Path) -> list[Command]:
    found: list[Command] = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        note = block["note"] or ""
        if note == "not run":
            continue
        start = note.removeprefix("in: ") if note.startswith("in: ") else ""
        for line in block["body"].splitlines():
            if line.startswith("$ "):
                found.append(Command(line.removeprefix("$ "), 0, start))
                start = ""
            elif code := _CODE.match(line):
                found[-1] = Command(found[-1].line, int(code[1]), found[-1].start)
    return found


WITH_COMMANDS = [page for page in PAGES if commands(page)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=[f"{page.parent.name}-{page.name}" for page in WITH_COMMANDS])
def test_the_commands_of_a_page_end_as_it_says(page: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    here = tmp_path
    try:
        for command in commands(page):
            if command.start:
                here = copied(CHECKOUT / command.start, tmp_path / Path(command.start).name)
            here = run(command, here, environment)
    finally:
        for project in {path.parent for path in tmp_path.rglob("mlops.yaml")}:
            if (project / ".mlops").is_dir():
                quiet(["mlopsctl", "-C", str(project), "destroy", "--yes"], environment)


def run(command: Command, here: Path, environment: dict[str, str]) -> Path:
    """Run one command in a shell and return the folder that the next one starts in."""
    script = f"{command.line}\ncode=$?\npwd > {here}/.where\nexit $code\n"
    ended = subprocess.run(
        ["bash", "-c", script], cwd=here, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    shown = f"$ {command.line}\n{ended.stdout}{ended.stderr}"
    assert ended.returncode == command.code, f"ended with {ended.returncode}, not {command.code}:\n{shown}"
    where = here / ".where"
    after = Path(where.read_text().strip())
    where.unlink()
    return after


def quiet(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def test_the_readme_has_a_tour() -> None:
    lines = [command.line for command in commands(CHECKOUT / "README.md")]
    assert "mlopsctl apply --yes" in lines
    assert len(lines) >= 8
