"""Asking a database when a plan is made: in a child that gets the one secret it needs, and leaves with the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.secrets import FILE_SUFFIX

if TYPE_CHECKING:
    from mlopsctl.sources.sql import Sql

_PASSED_ON = (
    "PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
)  # fmt: skip
# The child runs the very code that started it; `-P` keeps the current folder out.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from mlopsctl.sources.asking import main; main()"


def fingerprint_elsewhere(source: Sql, project: Path) -> str:
    """:meth:`Sql.fingerprint_here`, in a child process.

    Raises:
        StepProblem: see there.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
        "TZ": "UTC",
        "PYTHONUTF8": "1",
    }
    if not isinstance(source.url, str):
        names = (source.url.secret, f"{source.url.secret}{FILE_SUFFIX}")
        environment |= {name: os.environ[name] for name in names if name in os.environ}
    root = str(Path(__file__).resolve().parents[2])
    question = json.dumps({"source": source.model_dump(mode="json"), "project": str(project)})
    done = subprocess.run(
        [sys.executable, "-P", "-c", _START, root], input=question, env=environment, capture_output=True, text=True,
        cwd="/", check=False,
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
        return str(answer["digest"])
    raise StepProblem.because(str(answer["id"]), str(answer["message"]), hint=str(answer["hint"]))


def main() -> None:
    """The child: a question on stdin, an answer on stdout. Whatever is said passes the redactor."""
    from mlopsctl.ground.redact import redact
    from mlopsctl.sources.sql import Sql

    question = json.load(sys.stdin)
    source = Sql.model_validate(question["source"])
    try:
        with tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
            answer = {"digest": source.fingerprint_here(Path(question["project"]), Path(folder))}
    except Problem as problem:
        told = problem.diagnostics[0]
        answer = {"id": told.id, "message": redact(told.message), "hint": redact(told.hint)}
    sys.stdout.write(json.dumps(answer))
