"""The child that asks a database: a question on stdin, an answer on stdout."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.redact import redact
from mlopsctl.sources.bigquery import BigQuery
from mlopsctl.sources.sql import Sql
from mlopsctl.tables.bigquery import Fingerprinted


def main() -> None:
    """The child: a question on stdin, an answer on stdout. Whatever is said passes the redactor."""
    question = json.load(sys.stdin)
    try:
        answer = _of_bigquery(question) if question["source"]["kind"] == "bigquery" else _of_sql(question)
    except Problem as problem:
        told = problem.diagnostics[0]
        answer = {"id": told.id, "message": redact(told.message), "hint": redact(told.hint)}
    sys.stdout.write(json.dumps(answer))


def _of_sql(question: Mapping[str, Json]) -> dict[str, str]:
    source = Sql.model_validate(question["source"])
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
        return {"digest": source.fingerprint_here(Path(str(question["project"])), Path(folder))}


def _of_bigquery(question: Mapping[str, Json]) -> dict[str, str]:
    source = BigQuery.model_validate(question["source"])
    split: Fingerprinted | None = TypeAdapter(Fingerprinted | None).validate_python(question["split"])
    asked = source.asked_here(split)
    return {"digest": asked.digest, "cost": asked.cost}
