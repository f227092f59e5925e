"""The newest rows of a BigQuery table drift like those of a file, and are read no further than was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.bigquery", reason="google-cloud-bigquery is not installed: requirements/cloud.txt")

from mlopsctl.sources.bigquery_calls import BigQueryCalls
from tests.doubles.bigquery_emulator import INTERPRETER, MISSING, PROJECT, emulator
from tests.integration.cli import Done, call
from tests.integration.test_flowers import write_data

pytestmark = [pytest.mark.skipif(not INTERPRETER.exists(), reason=MISSING), pytest.mark.timeout(1200)]

FLOWERS = f"""\
version: 1
name: flowers
data:
  flowers:
    source: {{kind: csv, uri: flowers.csv}}
    label: kind
  sales:
    source: {{kind: bigquery, project: {PROJECT}, query: SELECT price FROM shop.sales}}
    checks: [{{name: prices, kind: drift, column: price, metric: jensen_shannon, max: 0.2, on_missing: warn}}]
training:
  data: flowers
  task: classification
  targets:
    tree: {{kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {{max_depth: 6}}}}
evaluation:
  gates: [{{name: floor, kind: threshold, metric: accuracy, min: 0.4}}]
"""


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with emulator(tmp_path_factory.mktemp("bigquery"), tmp_path_factory.mktemp("buckets")) as base:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", base)
        found = BigQueryCalls(PROJECT, None)._client
        found.create_dataset("shop", exists_ok=True)
        yield found


def sold(client: Any, more: int) -> None:
    rows = "SELECT n AS id, n / 4 + {} AS price FROM UNNEST(GENERATE_ARRAY(1, 300)) AS n"
    client.query_and_wait(f"CREATE OR REPLACE TABLE shop.sales AS {rows.format(more)}")


def look(folder: Path, *arguments: str) -> Done:
    return call(folder, "drift", "--plane", "data", "-o", "json", *arguments, timeout=300)


def test_prices_that_rose_are_drift(client: Any, tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "mlops.yaml").write_text(FLOWERS, encoding="utf-8")
    sold(client, 0)
    applied = call(tmp_path, "apply", "--yes", timeout=600)
    assert applied.code == 0, applied
    assert look(tmp_path).code == 0
    sold(client, 1000)
    found = look(tmp_path)
    assert found.code == 5, found
    (row,) = found.json["findings"]
    assert (row["what"], row["standing"]) == ("sales prices", "drifted")
    found = look(tmp_path, "--most-rows", "299")
    assert found.code == 1, found
    assert "more than 299 rows" in found.json["findings"][0]["found"]
    client.query_and_wait("DROP TABLE shop.sales")
    found = look(tmp_path)
    assert found.code == 1, found
    assert found.json["findings"][0]["standing"] == "unread"
    assert "shop.sales" in found.json["findings"][0]["found"]
