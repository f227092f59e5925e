"""From a source to checked, transformed rows: ingest, statistics, schema, validate, transform."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlopsctl import evidence
from mlopsctl.checks.data_schema import SCHEMA_FILE, DataSchema
from mlopsctl.components.spec import Notes, Work, load
from mlopsctl.evidence import ANOMALIES_FILE, Anomalies, Verdict
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import ColumnType
from mlopsctl.tables.rows import position
from mlopsctl.tables.statistics import STATISTICS_FILE, Statistics

CLASSES = ["adelie", "gentoo"]


class Steps:
    """Runs components in one project folder, each output in a folder of its own."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self._count = 0

    def run(self, name: str, inputs: dict[str, Path], **parameters: Any) -> tuple[Path, Notes]:
        component = load(name)
        (output,) = component.SPEC.outputs
        self._count += 1
        folder = self.project / f"output-{self._count}"
        folder.mkdir()
        # As the runtime does: parameters come from JSON.
        read = component.SPEC.parameters.model_validate(json.loads(json.dumps(parameters)))
        notes = component.run(Work(project=self.project, inputs=inputs, outputs={output: folder}), read)
        return folder, notes

    def ingest(self, **parameters: Any) -> Path:
        settings = {
            "dataset": "d",
            "source": {"kind": "csv", "uri": "rows.csv"},
            "label": "y",
            "task": "classification",
        }
        return self.run("ingest", {}, **{**settings, **parameters})[0]

    def checked(self, examples: Path, checks: list[dict[str, Any]], **schema: Any) -> Anomalies:
        statistics, _ = self.run("statistics", {"examples": examples}, dataset="d")
        found, _ = self.run("schema", {"statistics": statistics}, dataset="d", **schema)
        inputs = {"examples": examples, "statistics": statistics, "schema": found}
        anomalies, _ = self.run("validate", inputs, dataset="d", checks=checks)
        return evidence.read(Anomalies, anomalies, ANOMALIES_FILE)


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path)


@pytest.fixture
def frame(tmp_path: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "n": rng.integers(0, 50, 300),
            "x": rng.normal(size=300).round(6),
            "t": rng.choice(["a", "b", "it's"], 300),
            "y": rng.choice(CLASSES, 300),
        }
    )
    rows.to_csv(tmp_path / "rows.csv", index=False)
    return rows


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_every_row_is_in_exactly_one_split_where_its_bytes_place_it(steps: Steps, frame: pd.DataFrame) -> None:
    examples = steps.ingest()
    parts = {split: pd.read_parquet(files.split_file(examples, split)) for split in files.SPLITS}
    assert sum(map(len, parts.values())) == 300
    for split, (low, high) in {"train": (0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.01)}.items():
        positions = [position(row) for row in parts[split].to_dict("records")]
        assert all(low * 2**64 <= place < high * 2**64 for place in positions)
        kept = frame[[position(row) in set(positions) for row in frame.to_dict("records")]]
        pd.testing.assert_frame_equal(parts[split], kept.reset_index(drop=True))
    stated = files.read(examples)
    assert dict(stated.splits) == {**{name: len(part) for name, part in parts.items()}, "unused": 0}
    assert stated.features == ("n", "x", "t")


def test_the_same_source_gives_the_same_bytes(steps: Steps, frame: pd.DataFrame) -> None:
    assert _digests(steps.ingest()) == _digests(steps.ingest())


def test_a_row_keeps_its_split_when_others_come_and_go(steps: Steps, frame: pd.DataFrame, tmp_path: Path) -> None:
    before = pd.read_parquet(files.split_file(steps.ingest(), "test"))
    frame.iloc[::-1].iloc[:290].to_csv(tmp_path / "rows.csv", index=False)
    after = pd.read_parquet(files.split_file(steps.ingest(), "test"))
    assert set(map(tuple, after.to_numpy())) <= set(map(tuple, before.to_numpy()))


def test_csv_parquet_and_a_function_give_the_same_rows(steps: Steps, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "origin_of_rows.py").write_text(
        "import pandas as pd\n"
        "def frame(rows: int):\n    return pd.read_csv(__file__.replace('origin_of_rows.py', 'rows.csv')).head(rows)\n"
        "def path():\n    return 'rows.parquet'\n"
    )
    sources = [
        {"kind": "csv", "uri": "rows.csv"},
        {"kind": "parquet", "uri": "rows.parquet"},
        {"kind": "python", "entrypoint": "origin_of_rows:frame", "params": {"rows": 300}},
        {"kind": "python", "entrypoint": "origin_of_rows:path"},
    ]
    found = [_digests(steps.ingest(source=source)) for source in sources]
    assert [one["train.parquet"] for one in found] == [found[0]["train.parquet"]] * 4
    assert [one["examples.json"] for one in found] == [found[0]["examples.json"]] * 4


def test_the_filter_comes_first_and_the_projection_last(steps: Steps, frame: pd.DataFrame) -> None:
    examples = steps.ingest(filter="n >= 10 AND t <> 'it''s'", columns=["x"])
    source = pd.read_parquet(examples / files.SOURCE_FILE)
    kept = frame[(frame.n >= 10) & (frame.t != "it's")].reset_index(drop=True)
    pd.testing.assert_frame_equal(source, kept)
    train = pd.read_parquet(files.split_file(examples, "train"))
    assert list(train.columns) == ["x", "y"]
    stated = files.read(examples)
    assert stated.rows == len(kept)
    assert [column.name for column in stated.source_columns] == ["n", "x", "t", "y"]


def test_rows_beyond_the_fractions_are_unused_and_counted(steps: Steps, frame: pd.DataFrame) -> None:
    stated = files.read(steps.ingest(split={"kind": "hash", "train": 0.4, "validation": 0.1, "test": 0.1}))
    assert stated.splits["unused"] == 300 - sum(stated.splits[name] for name in files.SPLITS) > 60


def test_types_of_parquet_are_brought_to_few(steps: Steps, tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "small": np.arange(200, dtype="int8") % 5,
            "half": np.arange(200, dtype="float32"),
            "kind": pd.Categorical(["a", "b"] * 100),
            "when": pd.date_range("2020-01-01", periods=200, tz="UTC"),
            "list": [[1, 2]] * 200,
            "y": [True, False] * 100,
        }
    )
    rows.to_parquet(tmp_path / "rows.parquet")
    source = {"kind": "parquet", "uri": "rows.parquet"}
    with pytest.raises(StepProblem, match="'list'"):
        steps.ingest(source=source)
    stated = files.read(steps.ingest(source=source, columns=["small", "half", "kind", "when"]))
    assert [column.type.value for column in stated.columns] == ["int", "float", "string", "timestamp", "bool"]
    assert stated.source_columns[4].type is ColumnType.OTHER
    steps.checked(steps.ingest(source=source, columns=["small"]), [{"name": "s", "kind": "schema"}])


@pytest.mark.parametrize(
    ("change", "id", "words"),
    [
        ({"source": {"kind": "csv", "uri": "row.csv"}}, "missing-data", "row.csv"),
        ({"label": "yy"}, "unknown-column", "'yy'"),
        ({"columns": ["n", "tt"]}, "unknown-column", "'tt'"),
        ({"columns": ["y"]}, "no-features", "no column is left"),
        ({"filter": "n > 1000"}, "empty-data", "no row is left"),
        ({"filter": "m > 1"}, "bad-filter", "m"),
        ({"filter": "y = 'adelie'"}, "one-class", "one class only, 'adelie'"),
        ({"positive": "Gentoo"}, "unknown-class", "no class of the label"),
        ({"positive": " gentoo"}, "unknown-class", "no class of the label"),
        ({"task": "regression"}, "wrong-type", "predicts numbers"),
        ({"split": {"kind": "hash", "train": 0.9, "validation": 0.1, "test": 0}}, "empty-split", "the split test"),
        ({"split": {"kind": "group", "column": "t"}}, "empty-split", "'t' names 3 groups"),
        ({"source": {"kind": "python", "entrypoint": "no_such_module:rows"}}, "function-failed", "no_such_module"),
    ],
)
def test_what_is_wrong_with_a_dataset_is_a_clear_problem(
    steps: Steps, frame: pd.DataFrame, change: dict[str, Any], id: str, words: str
) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        steps.ingest(**change)
    assert [d.id for d in caught.value.diagnostics] == [id]
    assert caught.value.diagnostics[0].hint


@pytest.mark.parametrize(
    ("label", "task", "id"),
    [
        (["a", None, "b"] * 50, "classification", "missing-label"),
        ([1.0, float("nan"), 2.0] * 50, "regression", "missing-label"),
        ([1.0, float("inf"), 2.0] * 50, "regression", "missing-label"),
        ([0, 0, 0] * 50, "classification", "one-class"),
        (list(range(1500)), "classification", "too-many-classes"),
    ],
)
def test_a_label_that_cannot_be_learned_is_a_clear_problem(
    steps: Steps, tmp_path: Path, label: list[Any], task: str, id: str
) -> None:
    pd.DataFrame({"n": range(len(label)), "y": label}).to_csv(tmp_path / "rows.csv", index=False, na_rep="")
    if label[1] != label[1]:
        (tmp_path / "rows.csv").write_text((tmp_path / "rows.csv").read_text().replace(",\n", ",nan\n"))
    with pytest.raises(StepProblem) as caught:
        steps.ingest(task=task)
    assert [d.id for d in caught.value.diagnostics] == [id]
    assert caught.value.diagnostics[0].hint


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def rows():\n    return 3\n", "returned int"),
        ("def rows():\n    raise RuntimeError('the service is down')\n", "RuntimeError: the service is down"),
        ("def other():\n    return 3\n", "no function rows"),
        (
            "import pandas as pd\ndef rows():\n    return pd.DataFrame({'a': [1, 'x', b'y'], 'y': [1, 2, 3]})\n",
            "no table",
        ),
        (
            "import pandas as pd\ndef rows():\n    return pd.DataFrame([[1, 2]], columns=['a', 'a'])\n",
            "'a' stands twice",
        ),
    ],
)
def test_a_function_that_does_not_give_rows_is_a_clear_problem(
    steps: Steps, tmp_path: Path, body: str, words: str, request: pytest.FixtureRequest
) -> None:
    module = f"rows_of_case_{abs(hash(request.node.name))}"
    (tmp_path / f"{module}.py").write_text(body)
    with pytest.raises(StepProblem, match=words):
        steps.ingest(source={"kind": "python", "entrypoint": f"{module}:rows"})


def test_hostile_names_and_values_pass_through_unharmed(steps: Steps, tmp_path: Path) -> None:
    names = ['a"b', "it's", "x; DROP TABLE y; --", "line\nbreak", "naïve 🐧", "select", "source.y", "place"]
    values = ['say "hi"', "'; DROP TABLE t; --", "two\nlines", "", "\\N", "null", "$1", "{x}"]
    rows = pd.DataFrame(
        {name: [f"{value}{n % 7}" for n in range(120)] for name, value in zip(names, values, strict=True)}
    )
    rows["y"] = [n % 2 for n in range(120)]
    rows["number"] = range(120)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    examples = steps.ingest()
    source = pd.read_parquet(examples / files.SOURCE_FILE)
    for name in names:
        assert source[name].astype(str).tolist() == rows[name].tolist()
    assert steps.checked(examples, [{"name": "n", "kind": "row_count", "min": 1}]).verdict is Verdict.PASS
    graph, _ = steps.run("transform", {"examples": examples}, features=[])
    train = pd.read_parquet(files.split_file(examples, "train"))
    transformed = pickle.loads((graph / "transform.pkl").read_bytes()).transform(train)
    assert len(transformed) == len(train)


def test_statistics_tell_of_the_source_and_of_every_split(steps: Steps, frame: pd.DataFrame) -> None:
    examples = steps.ingest(columns=["n"])
    folder, notes = steps.run("statistics", {"examples": examples}, dataset="d")
    found = evidence.read(Statistics, folder, STATISTICS_FILE)
    assert list(found.tables) == ["source", *files.SPLITS]
    assert [column.name for column in found.tables["source"].columns] == ["n", "x", "t", "y"]
    assert [column.name for column in found.tables["test"].columns] == ["n", "y"]
    assert notes.values["rows"] == 300


def test_a_project_without_checks_passes(steps: Steps, frame: pd.DataFrame) -> None:
    anomalies = steps.checked(steps.ingest(), [])
    assert anomalies.checks == ()
    assert anomalies.verdict is Verdict.PASS


def test_checks_judge_the_rows_after_the_filter_and_warnings_do_not_stop(steps: Steps, frame: pd.DataFrame) -> None:
    examples = steps.ingest(filter="n < 25")
    few: dict[str, Any] = {"name": "few", "kind": "row_count", "max": 200}
    many: dict[str, Any] = {"name": "many", "kind": "row_count", "min": 290}
    assert steps.checked(examples, [few]).verdict is Verdict.PASS
    assert steps.checked(examples, [few, many]).verdict is Verdict.FAIL
    assert steps.checked(examples, [few, {**many, "severity": "warn"}]).verdict is Verdict.PASS


def test_a_reviewed_schema_is_compared_with_every_row_of_the_source(steps: Steps, frame: pd.DataFrame) -> None:
    columns: dict[str, Any] = {
        "n": {"type": "int", "max": 40},
        "x": {"type": "float"},
        "t": {"type": "string", "domain": ["a", "b"]},
        "y": {"type": "string", "domain": CLASSES},
    }
    anomalies = steps.checked(steps.ingest(), [{"name": "s", "kind": "schema"}], reviewed={"columns": columns})
    found = {anomaly.column: anomaly.rows for anomaly in anomalies.checks[0].anomalies}
    assert found == {"n": int((frame.n > 40).sum()), "t": int((frame.t == "it's").sum())}
    assert anomalies.verdict is Verdict.FAIL


def test_without_a_schema_file_the_train_split_says_what_is_expected(steps: Steps, frame: pd.DataFrame) -> None:
    examples = steps.ingest()
    statistics, _ = steps.run("statistics", {"examples": examples}, dataset="d")
    folder, _ = steps.run("schema", {"statistics": statistics}, dataset="d")
    schema = evidence.read(DataSchema, folder, SCHEMA_FILE)
    assert schema.origin == "train"
    assert schema.columns[2].domain == ("a", "b", "it's")
    assert steps.checked(examples, [{"name": "s", "kind": "schema"}]).verdict is Verdict.PASS


def test_the_transform_is_fitted_on_the_train_split_only(steps: Steps, frame: pd.DataFrame) -> None:
    examples = steps.ingest()
    folder, notes = steps.run("transform", {"examples": examples}, features=[{"kind": "passthrough", "columns": ["n"]}])
    transformer = pickle.loads((folder / "transform.pkl").read_bytes())
    train = pd.read_parquet(files.split_file(examples, "train"))
    answer = transformer.transform(train)
    assert answer["x"].mean() == pytest.approx(0, abs=1e-12)
    assert answer["n"].tolist() == train["n"].astype(float).tolist()
    described = json.loads((folder / "transform.json").read_text())
    assert [output["name"] for output in described["outputs"]] == list(answer.columns)
    assert [entry["name"] for entry in described["inputs"]] == ["n", "x", "t"]
    assert notes.values["outputs"] == 5


def test_two_transforms_of_the_same_rows_are_the_same_bytes(steps: Steps, frame: pd.DataFrame) -> None:
    examples = steps.ingest()
    assert _digests(steps.run("transform", {"examples": examples})[0]) == _digests(
        steps.run("transform", {"examples": examples})[0]
    )


@pytest.mark.parametrize("name", ["ingest", "statistics", "schema", "validate", "transform"])
def test_a_component_says_what_it_is(name: str) -> None:
    spec = load(name).SPEC
    assert spec.name == name
    assert spec.outputs
    assert isinstance(load(name).run, Callable)
