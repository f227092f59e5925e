"""``filter`` at a glance: refused at its line by ``validate``, before there is any data."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.ground.errors import InvalidProject
from tests.unit.tables.test_filter import HOSTILE

# What only a look at the data's engine can tell.
_LATER = {
    "current_setting('temp_directory') <> ''", "nextval('s') > 0", "txid_current() > 0", "n > $1", "n > ?", "* = 1",
    "EXISTS (FROM '/etc/passwd')", "EXISTS (FROM 'https://example.com/x.parquet')",
}  # fmt: skip


def _load(folder: Path, condition: str) -> None:
    lines = ["version: 1", "name: p", "data:", "  rows:", "    source: {kind: csv, uri: rows.csv}", "    filter: |-"]
    text = "\n".join([*lines, *(f"      {line}" for line in condition.split("\n"))])
    (folder / "mlops.yaml").write_text(text + "\n")
    load_project(folder / "mlops.yaml", "default")


@pytest.mark.parametrize("condition", [condition for condition in HOSTILE if condition not in _LATER])
def test_a_hostile_filter_is_refused_where_it_stands(tmp_path: Path, condition: str) -> None:
    with pytest.raises(InvalidProject) as caught:
        _load(tmp_path, condition)
    (found,) = caught.value.diagnostics
    assert found.id == "bad-filter"
    assert found.span is not None
    assert found.span.line >= 6


@pytest.mark.parametrize(
    "condition",
    [
        "trip_miles > 0 AND fare BETWEEN 3.25 AND 1000",
        'load > 5 OR "set" = 1',
        "text = 'it''s; SELECT 1 (' -- only these)",
        "name /* a ; comment ( */ LIKE '%(%'",
        "extract(year FROM day) = 2020 AND a IS DISTINCT FROM b",
        "lower(query) = 'x' AND \"glob (\" > 1",
        "größe > 1",
        "copy = 1",
    ],
)
def test_a_plain_condition_is_no_matter(tmp_path: Path, condition: str) -> None:
    _load(tmp_path, condition)
