"""Asking a database when a plan is made: in a child that gets the one secret it needs, and leaves with the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.secrets import FILE_SUFFIX

_PASSED_ON = (
    "PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
)  # fmt: skip
# The child runs the very code that started it; `-P` keeps the current folder out.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from mlopsctl.sources.answering import main; main()"


def fingerprint_elsewhere(source: Json, secret: str, project: Path) -> str:
    """The digest of a database's answer, found in a child process; see :mod:`mlopsctl.sources.answering`.

    Args:
        source: the source as data.
        secret: the name of the one secret that the child gets; empty for none.

    Raises:
        StepProblem: see there.
    """
    names = (secret, f"{secret}{FILE_SUFFIX}") if secret else ()
    besides = {name: os.environ[name] for name in names if name in os.environ}
    return str(answer_elsewhere({"source": source, "project": str(project)}, besides)["digest"])


def answer_elsewhere(question: Mapping[str, Json], besides: Mapping[str, str]) -> Mapping[str, Json]:
    """The answer of a child process to a question; ``besides`` are environment variables that it gets of its own.

    Raises:
        StepProblem: what the child met, or that it ended without an answer.
    """
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment = {**passed, **besides, "TZ": "UTC", "PYTHONUTF8": "1"}
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-P", "-c", _START, root], input=json.dumps(question), env=environment, capture_output=True,
        text=True, cwd="/", check=False,
    )  # fmt: skip
    try:
        answer = json.loads(done.stdout)
    except ValueError as why:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        message = f"asking the database ended with code {done.returncode}: {last}"
        raise StepProblem.because(
            "no-database", message, hint="run again; the database's own log may say more"
        ) from why
    if "digest" in answer:
        found: Mapping[str, Json] = answer
        return found
    raise StepProblem.because(str(answer["id"]), str(answer["message"]), hint=str(answer["hint"]))
