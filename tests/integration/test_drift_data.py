"""The plane of data reads every source that a run reads: a database with its secret, a function, and files."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli import Done, call
from tests.integration.test_flowers import write_data

PROJECT = """\
version: 1
name: flowers
data:
  flowers:
    source: {kind: csv, uri: flowers.csv}
    label: kind
    checks: [{name: lengths, kind: drift, column: length, metric: jensen_shannon, max: 0.2, on_missing: warn}]
  sales:
    source: {kind: sql, url: {secret: SALES_URL}, query: SELECT amount FROM sales}
    checks: [{name: amounts, kind: drift, column: amount, metric: jensen_shannon, max: 0.2, on_missing: warn}]
  visits:
    source: {kind: python, entrypoint: "visits:rows"}
    checks: [{name: seconds, kind: drift, column: seconds, metric: jensen_shannon, max: 0.2, on_missing: warn}]
training:
  data: flowers
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 6}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
"""
FUNCTION = """\
import os
from pathlib import Path

import pandas


def rows():
    assert "SALES_URL" not in os.environ, "a secret of another source"
    seconds = [float(line) for line in Path(__file__).with_name("seconds.txt").read_text().split()]
    return pandas.DataFrame({"seconds": seconds})
"""

pytestmark = pytest.mark.timeout(1200)


def sold(folder: Path, around: float, rows: int = 300) -> None:
    draw = random.Random(3)
    with sqlite3.connect(folder / "sales.db") as connection:
        connection.execute("DROP TABLE IF EXISTS sales")
        connection.execute("CREATE TABLE sales (amount REAL)")
        connection.executemany("INSERT INTO sales VALUES (?)", [(draw.gauss(around, 1),) for _ in range(rows)])
    connection.close()


def visited(folder: Path, around: float) -> None:
    draw = random.Random(4)
    (folder / "seconds.txt").write_text("\n".join(f"{draw.gauss(around, 2):.3f}" for _ in range(300)), "utf-8")


def look(folder: Path, *arguments: str) -> Done:
    return call(folder, "drift", "--plane", "data", "-o", "json", *arguments, timeout=600)


def standing(done: Done) -> dict[str, Any]:
    return {one["what"]: one["standing"] for one in done.json["findings"]}


def told(done: Done, what: str) -> str:
    return next(str(one["found"]) for one in done.json["findings"] if one["what"] == what)


@pytest.mark.soak
def test_rows_of_a_database_and_of_a_function_drift_like_those_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "flowers"
    folder.mkdir()
    write_data(folder)
    sold(folder, 10)
    visited(folder, 60)
    (folder / "visits.py").write_text(FUNCTION, encoding="utf-8")
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.setenv("SALES_URL", f"sqlite:///{folder}/sales.db")
    done = call(folder, "apply", timeout=900)
    assert done.code == 0, done

    assert (found := look(folder)).code == 0, found
    same = {"flowers lengths": "same", "sales amounts": "same", "visits seconds": "same"}
    assert standing(found) == same

    sold(folder, 40)
    assert (found := look(folder)).code == 5, found
    assert standing(found) == {**same, "sales amounts": "drifted"}
    visited(folder, 600)
    assert (found := look(folder)).code == 5, found
    assert standing(found) == {**same, "sales amounts": "drifted", "visits seconds": "drifted"}
    assert "more than 0.2" in told(found, "visits seconds")

    found = look(folder, "--most-rows", "200")
    assert found.code == 1, found
    assert set(standing(found).values()) == {"unread"}
    for name in ("flowers", "sales", "visits"):
        assert "more than 200 rows" in told(found, name)
        assert "--most-rows" in told(found, name)

    monkeypatch.delenv("SALES_URL")
    (folder / "seconds.txt").unlink()
    found = look(folder)
    assert found.code == 1, found
    assert standing(found) == {"flowers lengths": "same", "sales": "unread", "visits": "unread"}
    assert "SALES_URL" in told(found, "sales")
    assert "? data" in call(folder, "drift", "--plane", "data", timeout=600).out
    assert not list((folder / ".mlops" / "staging").glob("*")), "a look leaves nothing behind"
