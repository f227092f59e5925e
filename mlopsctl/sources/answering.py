"""The child that asks a database: a question on stdin, an answer on stdout."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from mlopsctl.ground.errors import Problem
from mlopsctl.ground.redact import redact
from mlopsctl.sources.sql import Sql


def main() -> None:
    """The child: a question on stdin, an answer on stdout. Whatever is said passes the redactor."""
    question = json.load(sys.stdin)
    source = Sql.model_validate(question["source"])
    try:
        with tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
            answer = {"digest": source.fingerprint_here(Path(question["project"]), Path(folder))}
    except Problem as problem:
        told = problem.diagnostics[0]
        answer = {"id": told.id, "message": redact(told.message), "hint": redact(told.hint)}
    sys.stdout.write(json.dumps(answer))
