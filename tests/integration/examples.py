"""What the tests of the examples share: calling the tool, and what of an outcome is the same on every machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]


def copied(example: Path, to: Path) -> Path:
    """A copy of an example without what running it there left behind."""
    return Path(shutil.copytree(example, to, ignore=shutil.ignore_patterns(".mlops", "__pycache__")))


def mlopsctl(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("mlopsctl")), "-C", str(project), *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False, cwd=project.parent
    )


def stable(outcome: dict[str, Any]) -> dict[str, Any]:
    """The parts of an outcome that are the same on every machine: states and verdicts, no times, ids or digests."""
    return {
        "exit_code": outcome["exit_code"],
        "verdict": outcome["verdict"],
        "steps": {name: step["state"] for name, step in sorted(outcome["steps"].items())},
        "checks": {check["name"]: check["verdict"] for check in outcome["checks"]},
        "gates": {gate["name"]: [gate["verdict"], gate["decides"]] for gate in outcome["gates"]},
        "version": outcome["champion"]["version"],
    }


def golden(file: Path, found: str) -> str:
    """The expected text of a file, which ``UPDATE_EXPECTED`` writes anew."""
    if os.environ.get("UPDATE_EXPECTED"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    return file.read_text(encoding="utf-8")
