"""``ingest`` as a step: splits, sources, and what it says of the rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest

from mlopsctl.components.spec import Notes, Work, load
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables import examples as files

Ingest: TypeAlias = Callable[..., tuple[Path, Notes]]
DAYS = pd.date_range("2020-01-01", periods=300, freq="D").strftime("%Y-%m-%d")


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    """Run the step in the test's folder; its output folder and notes."""
    component = load("ingest")

    def running(project: Path = tmp_path, **parameters: Any) -> tuple[Path, Notes]:
        folder = tmp_path / f"output-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        given = {"dataset": "d", "source": {"kind": "csv", "uri": "rows.csv"}, "label": "y", "task": "regression"}
        read = component.SPEC.parameters.model_validate(json.loads(json.dumps({**given, **parameters})))
        return folder, component.run(Work(project=project, inputs={}, outputs={"examples": folder}), read)

    return running


@pytest.fixture
def frame(tmp_path: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "id": range(300),
            "day": DAYS,
            "fold": rng.choice(["train", "validation", "test", "holdout"], 300),
            "who": rng.integers(0, 60, 300),
            "y": rng.normal(size=300).round(3),
        }
    )
    rows.to_csv(tmp_path / "rows.csv", index=False)
    return rows


SPLITS: list[dict[str, Any]] = [
    {"kind": "hash"},
    {"kind": "farm_fingerprint", "buckets": 10, "train": "0-6", "validation": 7, "test": 8},
    {"kind": "farm_fingerprint", "column": "who", "buckets": 10, "train": "0-6", "validation": 7, "test": 8},
    {"kind": "time", "column": "day", "validation": "2020-07-01", "test": "2020-09-01", "end": "2020-10-01"},
    {"kind": "time", "column": "id", "validation": 200, "test": 250},
    {"kind": "group", "column": "who", "train": 0.5, "validation": 0.2, "test": 0.2},
    {"kind": "column", "column": "fold"},
]


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: f"{split['kind']}-{split.get('column', 'row')}")
def test_splits_are_disjoint_counted_and_the_same_each_time(
    ingest: Ingest, frame: pd.DataFrame, split: dict[str, Any]
) -> None:
    folder, notes = ingest(split=split)
    parts = {name: pd.read_parquet(files.split_file(folder, name)) for name in files.SPLITS}
    ids = [int(row) for part in parts.values() for row in part["id"]]
    assert len(ids) == len(set(ids))
    written = json.loads((folder / files.EXAMPLES_FILE).read_text())
    counts = {name: len(part) for name, part in parts.items()}
    assert written["splits"] == {**counts, "unused": 300 - len(ids)}
    assert written["shares"] == {name: pytest.approx(n / 300, abs=1e-6) for name, n in written["splits"].items()}
    assert notes.values["shares"] == written["shares"]
    assert f"{counts['train']} train ({counts['train'] / 300:.1%})" in notes.line
    assert ("unused" in notes.line) == (len(ids) < 300)
    for part in parts.values():
        expected = frame[frame["id"].isin(part["id"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, expected)
    again, _ = ingest(split=split)
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == {f.name: f.read_bytes() for f in again.iterdir()}


def test_what_a_split_says_of_rows_stands_in_the_line_the_notes_and_the_artifact(
    ingest: Ingest, frame: pd.DataFrame
) -> None:
    folder, notes = ingest(split={"kind": "column", "column": "fold"})
    held = int((frame["fold"] == "holdout").sum())
    remark = f"{held} rows with another value in 'fold': 'holdout' ({held})"
    assert notes.line.endswith(f"; {remark}")
    assert notes.values["remarks"] == [remark]
    assert files.read(folder).remarks == (remark,)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (
            {"kind": "time", "column": "day", "validation": "2030-01-01", "test": "2031-01-01"},
            "validation and the split test got none of the 300 rows .*'day' runs from 2020-01-01 to 2020-10-26",
        ),
        ({"kind": "time", "column": "id", "validation": -5, "test": -1}, "the split train and the split validation"),
        ({"kind": "column", "column": "fold", "train": "Train"}, "'fold' holds .*'train' "),
        ({"kind": "column", "column": "who"}, "'who' holds"),
        ({"kind": "group", "column": "g"}, "`split` names the column 'g'"),
        ({"kind": "farm_fingerprint", "column": "z", "buckets": 2, "train": 0, "validation": 1, "test": 2}, "buckets"),
    ],
)
def test_a_split_that_leaves_one_empty_says_what_the_column_holds(
    ingest: Ingest, frame: pd.DataFrame, split: dict[str, Any], words: str
) -> None:
    with pytest.raises((StepProblem, ValueError), match=words):
        ingest(split=split)


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        (["1"] * 298 + ["n/a", "-"], "2 of 300 values are no numbers, such as '-'"),
        (["1.5"] * 299 + ["12 000"], "1 of 300 values are no numbers, such as '12 000'"),
        (["7", ""] * 149 + ["7", "x"], "1 of 151 values are no numbers, such as 'x'"),
        (["007"] * 100 + ["12"] * 200, "100 of 300 values are no numbers, such as '007'"),
        (["12345678901234567890"] * 300, "numbers that do not fit 64 bits"),
        (["1"] * 299 + ["\x1b[31m" + "x" * 200], r"such as '\x1b[31mxxx"),
        (["a"] * 200 + ["1"] * 100, ""),
        (["1"] * 300, ""),
        ([""] * 300, ""),
        (["true"] * 300, ""),
    ],
)
def test_text_among_numbers_is_told(
    ingest: Ingest, frame: pd.DataFrame, tmp_path: Path, values: list[str], remark: str
) -> None:
    frame.assign(x=values).to_csv(tmp_path / "rows.csv", index=False)
    folder, notes = ingest(split={"kind": "time", "column": "id", "validation": 200, "test": 250})
    assert ("column 'x' is text: " in notes.line) == bool(remark)
    assert remark in notes.line
    assert list(files.read(folder).remarks) == notes.values.get("remarks", [])
    assert "\x1b" not in notes.line


def test_a_declared_type_needs_no_word(ingest: Ingest, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.assign(x=["1"] * 299 + ["n/a"]).to_csv(tmp_path / "rows.csv", index=False)
    source = {"kind": "csv", "uri": "rows.csv", "types": {"x": "string"}}
    assert "remarks" not in ingest(source=source)[1].values


def test_every_source_gives_the_same_rows(ingest: Ingest, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "rows.parquet")
    frame.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "rows.json", orient="records")
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        frame.iloc[::-1].to_sql("rows", connection, index=False)
    connection.close()
    sources: list[dict[str, Any]] = [
        {"kind": "csv", "uri": "rows.csv"},
        {"kind": "parquet", "uri": "rows.parquet"},
        {"kind": "json", "uri": "rows.jsonl"},
        {"kind": "json", "uri": "rows.json", "lines": False},
        {"kind": "duckdb", "query": "SELECT * FROM a WHERE id < 150 UNION ALL SELECT * FROM b WHERE id >= 150",
         "files": {"a": "rows.csv", "b": "rows.parquet"}},
        {"kind": "sql", "url": "sqlite:///rows.db", "table": "rows"},
    ]  # fmt: skip
    split = {"kind": "farm_fingerprint", "buckets": 10, "train": "0-6", "validation": 7, "test": "8-9"}
    found = [ingest(source=source, split=split)[0] for source in sources]
    for folder in found:
        pd.testing.assert_frame_equal(pd.read_parquet(folder / files.SOURCE_FILE), frame)
        for name in ("train.parquet", "test.parquet", "examples.json"):
            assert (folder / name).read_bytes() == (found[0] / name).read_bytes(), (folder, name)


def test_rows_of_a_query_are_sorted_so_that_their_order_changes_nothing(ingest: Ingest, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        pd.DataFrame({"x": [*range(99), None], "y": range(100)}).to_sql("rows", connection, index=False)
    connection.close()
    orders = [
        ingest(source={"kind": "sql", "url": "sqlite:///rows.db", "query": f"SELECT * FROM rows ORDER BY y {way}"})[0]
        for way in ("ASC", "DESC")
    ]
    first, second = ((folder / files.SOURCE_FILE).read_bytes() for folder in orders)
    assert first == second


@pytest.mark.parametrize(
    ("project", "dataset", "expected"),
    [
        ("covertype", "covertype", {"train": 7928, "validation": 1989, "test": 1992, "unused": 8091}),
        ("census", "census", {"train": 25932, "validation": 3246, "test": 3383, "unused": 0}),
    ],
)
def test_the_contract_projects_are_split_as_bigquery_splits_them(
    ingest: Ingest, contracts: Path, project: str, dataset: str, expected: dict[str, int]
) -> None:
    import yaml

    written = yaml.safe_load((contracts / "projects" / project / "mlops.yaml").read_text())["data"][dataset]
    file = written["source"]["uri"].rpartition("/")[2]
    folder, _ = ingest(
        project=contracts / "data", source={"kind": "csv", "uri": file}, split=written["split"],
        label=written["label"], positive=written.get("positive"), columns=written.get("columns", []),
        task="classification",
    )  # fmt: skip
    assert dict(files.read(folder).splits) == expected
