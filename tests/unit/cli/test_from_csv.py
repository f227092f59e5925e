"""`init --from-csv`: a look at any CSV file, and a project that fits it or a clear reason why not."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from mlopsctl.cli.init import init_from_csv
from mlopsctl.config.load import load_project
from mlopsctl.ground.errors import Problem, StepProblem, UsageProblem

Draft: TypeAlias = Callable[..., tuple[dict[str, Any], str]]
ROWS = 200


@pytest.fixture(autouse=True)
def _schema(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The schema is generated from the models, which is not what is tested here."""
    made = tmp_path_factory.mktemp("schema") / "mlops.schema.json"
    made.write_text("{}")
    monkeypatch.setattr("mlopsctl.ground.resources.schema", lambda name="mlops.schema.json": made)


def write(file: Path, columns: dict[str, Sequence[object]], delimiter: str = ",") -> None:
    """A CSV file of columns of equal length."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """A project for columns of values: as data, valid, and as text."""

    def drafting(
        label: str, rows: int = ROWS, delimiter: str = ",", **columns: Sequence[object]
    ) -> tuple[dict[str, Any], str]:
        write(tmp_path / "rows.csv", {"n": [i % 7 for i in range(rows)], **columns}, delimiter)
        init_from_csv(tmp_path, tmp_path / "rows.csv", label, "p")
        text = (tmp_path / "mlops.yaml").read_text(encoding="utf-8")
        load_project(tmp_path / "mlops.yaml", "default")
        return yaml.safe_load(text), text

    return drafting


def _half(first: object, second: object, rows: int = ROWS) -> list[object]:
    return [first if i % 2 else second for i in range(rows)]


@pytest.mark.parametrize(
    ("values", "task", "positive"),
    [
        (_half("yes", "no"), "classification", "yes"),
        (_half("true", "false"), "classification", True),
        (_half(1, 0), "classification", 1),
        (_half("1.0", "0.0"), "classification", 1),
        (["a"] * 120 + ["b"] * 80, "classification", "b"),
        ([" >50K"] * 60 + [" <=50K"] * 140, "classification", " >50K"),
        ([f"c{i % 5}" for i in range(ROWS)], "classification", None),
        ([i % 10 for i in range(ROWS)], "classification", None),
        ([i % 11 for i in range(ROWS)], "regression", None),
        ([i * 0.37 for i in range(ROWS)], "regression", None),
        ([i % 2 + 0.5 for i in range(ROWS)], "regression", None),
    ],
)
def test_the_task_follows_from_the_label(draft: Draft, values: Sequence[object], task: str, positive: object) -> None:
    project, _ = draft("y", y=values)
    assert project["training"]["task"] == task
    assert project["data"]["p"].get("positive") == positive
    assert isinstance(project["data"]["p"].get("positive"), bool) == isinstance(positive, bool)
    assert len(project["training"]["targets"]) == 2


def test_what_the_rows_say_stands_in_the_project_with_its_reason(draft: Draft) -> None:
    project, text = draft(
        "y",
        y=_half("yes", "no"),
        customer_id=[f"k{i * 7}" for i in range(ROWS)],
        number=range(1, ROWS + 1),
        joined=[f"2020-{1 + i // 20:02d}-{1 + i % 20:02d}" for i in range(ROWS)],
        city=[f"city {i % 70}" for i in range(ROWS)],
        note=[f"text {i}" for i in range(ROWS)],
        same=["x"] * ROWS,
        nothing=[""] * ROWS,
        hollow=["1", *[""] * (ROWS - 1)],
        twin=_half("yes", "no"),
        spend=[i * 0.5 if i % 10 else "" for i in range(ROWS)],
        far=[i if i else "inf" for i in range(ROWS)],
        color=[["red", "blue", ""][i % 3] for i in range(ROWS)],
    )
    dropped = {column for f in project["features"] if f["kind"] == "drop" for column in f["columns"]}
    assert dropped == {
        "customer_id", "number", "joined", "city", "note", "same", "nothing", "hollow", "twin", "far",
    }  # fmt: skip
    for column, why in (
        ("customer_id", "looks like an id"),
        ("number", "looks like an id"),
        ("joined", "a moment"),
        ("city", "70 different values"),
        ("note", "an id, or free text"),
        ("same", "the same in every row"),
        ("nothing", "no value at all"),
        ("hollow", "empty in 199 of 200 rows"),
        ("twin", "would be told the answer"),
        ("far", "infinite in 1 rows"),
    ):
        (line,) = (line for line in text.splitlines() if f"drop, columns: [{column}]" in line)
        assert why in line
    others = [feature for feature in project["features"] if feature["kind"] != "drop"]
    assert others == [
        {"kind": "impute", "strategy": "median", "columns": ["spend"]},
        {"kind": "standardize", "columns": ["spend"]},
    ]
    checks = {check.get("column", "rows"): check for check in project["data"]["p"]["checks"]}
    assert set(checks) == {"rows", "spend", "color"}
    assert checks["rows"]["min"] == ROWS // 2
    assert 0.1 < checks["spend"]["max"] < 0.25
    assert '    # split: {kind: time, column: joined, validation: "2020-08-20", test: "2020-09-20"}' in text


@pytest.mark.parametrize(
    ("values", "metric", "floor"),
    [
        (_half("a", "b"), "accuracy", 0.55),
        (["a"] * 150 + ["b"] * 50, "accuracy", 0.78),
        (["a"] * 190 + ["b"] * 10, "roc_auc", 0.55),
        (["a"] * 180 + ["b"] * 10 + ["c"] * 10, "macro_f1", 0.39),
    ],
)
def test_the_floor_lies_above_what_a_constant_answer_reaches(
    draft: Draft, values: Sequence[object], metric: str, floor: float
) -> None:
    project, text = draft("y", y=values)
    gates = {gate["name"]: gate for gate in project["evaluation"]["gates"]}
    assert gates["floor"] == {"name": "floor", "kind": "threshold", "metric": metric, "min": floor}
    assert gates["beats-trivial"]["against"] == "trivial"
    assert gates["beats-trivial"]["min"] > 0
    assert project["evaluation"]["metrics"][0] == project["training"]["select"]["metric"] == metric
    share = max(values.count(value) for value in values) / ROWS
    assert f"always saying a is right in {share:.3f} of all rows" in text


def test_a_regression_must_beat_the_standard_deviation(draft: Draft) -> None:
    project, text = draft("y", y=[100 * (i % 2) + i * 0.001 for i in range(ROWS)])
    gates = {gate["name"]: gate for gate in project["evaluation"]["gates"]}
    assert gates["floor"]["metric"] == "r2"
    assert gates["beats-trivial"] == {
        "name": "beats-trivial", "kind": "change", "metric": "rmse", "against": "trivial", "max": -0.5,
    }  # fmt: skip
    assert "rmse about 50, the label's standard deviation" in text


def test_a_file_as_a_spreadsheet_writes_it_is_read(draft: Draft) -> None:
    project, _ = draft("y", delimiter=";", y=_half("a", "b"), x=[i if i % 9 else "NA" for i in range(ROWS)])
    assert project["data"]["p"]["source"] == {"kind": "csv", "uri": "rows.csv", "delimiter": ";", "nulls": ["", "NA"]}


def test_rows_without_a_label_are_filtered(draft: Draft) -> None:
    project, text = draft('the "y"', **{'the "y"': [i * 0.5 if i % 8 else "" for i in range(ROWS)]})
    assert project["data"]["p"]["filter"] == '"the ""y""" IS NOT NULL AND isfinite("the ""y""")'
    assert "25 rows have no label" in text


def test_few_rows_get_larger_shares_to_judge_on(draft: Draft) -> None:
    project, _ = draft("y", y=_half("a", "b"))
    assert project["data"]["p"]["split"] == {"kind": "hash", "train": 0.6, "validation": 0.2, "test": 0.2}


@pytest.mark.parametrize(
    "name", ["yes", "true", "a: b", "#x", "- y", '"q"', "it's", "é ü", "${vars.x}", "[a]", "123abc", "a\u202eb", "$5"]
)
def test_any_name_of_a_column_can_be_written(draft: Draft, tmp_path: Path, name: str) -> None:
    draft(name, **{name: _half("a", "b"), f"{name} id": range(ROWS)})
    project = load_project(tmp_path / "mlops.yaml", "default").project
    assert project.data["p"].label == name
    assert [feature.columns for feature in project.features] == [(f"{name} id",)]


@pytest.mark.parametrize(
    ("content", "label", "id", "words"),
    [
        ("", "y", "empty-data", "is empty"),
        ("\n\n", "y", "empty-data", "is empty|first line"),
        ("x,y\n", "y", "empty-data", "no rows"),
        ("5.1,3.5,1.4\n4.9,3.0,1.4\n", "y", "no-header", "holds values, not names"),
        ("x,label\n1,a\n", "lable", "unknown-column", "'lable'"),
        ("x,y\n" + "1,a\n" * 60, "y", "one-class", "is 'a' in every row"),
        ("x,y\n" + "1,3.5\n" * 60, "y", "one-class", "is 3.5 in every row"),
        ("x,y\n" + "1,\n" * 60, "y", "missing-label", "no value in any row"),
        ("x,y\n" + "1,nan\n" * 60, "y", "missing-label", "no value in any row"),
        ("x,y\n1,a\n2,b\n", "y", "few-rows", "2 rows"),
        ("x,y\n" + "".join(f"1,t{i}\n" for i in range(60)), "y", "too-many-classes", "60 different texts"),
        ("x,y\n" + "".join(f"1,2020-01-{1 + i % 9:02d}\n" for i in range(60)), "y", "wrong-type", "moments of time"),
        ("x,y\n1,2,3\n", "y", "bad-data", "line 2 has 3 values"),
        ('x,y\n1,"a\n', "y", "bad-data", "never closed"),
        ("x,x\n1,a\n", "x", "duplicate-column", "stands twice"),
        ("x,\n1,a\n", "x", "unnamed-column", "no name"),
        (b"x,y\n1,\xff\n" * 30, "y", "not-utf-8", "not UTF-8"),
        (b"\xff\xfex\x00,\x00y\x00", "y", "not-utf-8", "not UTF-8"),
    ],
)
def test_a_file_that_nothing_can_be_learned_from_is_a_clear_problem(
    tmp_path: Path, content: str | bytes, label: str, id: str, words: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(StepProblem, match=words) as caught:
        init_from_csv(tmp_path, tmp_path / "rows.csv", label, "p")
    assert [diagnostic.id for diagnostic in caught.value.diagnostics] == [id]
    assert caught.value.diagnostics[0].hint
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_a_label_that_is_nearly_named_gets_a_hint(tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", {"x": range(60), "churned": _half("a", "b", 60)})
    with pytest.raises(StepProblem) as caught:
        init_from_csv(tmp_path, tmp_path / "rows.csv", "churn", "p")
    assert caught.value.diagnostics[0].hint == "did you mean 'churned'?"


def test_the_path_is_relative_within_the_project_and_absolute_outside(tmp_path: Path) -> None:
    (tmp_path / "project" / "data").mkdir(parents=True)
    for file in (tmp_path / "project" / "data" / "rows.csv", tmp_path / "rows.csv"):
        write(file, {"x": range(60), "y": _half("a", "b", 60)})
        init_from_csv(tmp_path / "project", file, "y")
        text = (tmp_path / "project" / "mlops.yaml").read_text()
        inside = file.is_relative_to(tmp_path / "project")
        uri = yaml.safe_load(text)["data"]["project"]["source"]["uri"]
        assert uri == ("data/rows.csv" if inside else str(file))
        assert ("outside of this folder" in text) != inside
        for written in ("mlops.yaml", "mlops.schema.json"):
            (tmp_path / "project" / written).unlink()


def test_nothing_is_overwritten_and_a_gitignore_stays(tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", {"x": range(60), "y": _half("a", "b", 60)})
    (tmp_path / ".gitignore").write_text("mine\n")
    written = init_from_csv(tmp_path, tmp_path / "rows.csv", "y", "p")
    assert [path.name for path in written] == ["mlops.schema.json", "mlops.yaml"]
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    with pytest.raises(UsageProblem, match=r"already has mlops\.yaml"):
        init_from_csv(tmp_path, tmp_path / "rows.csv", "y", "p")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "nope.csv", "is not there"), (tmp_path, "is a folder")):
        with pytest.raises(Problem, match=words):
            init_from_csv(tmp_path / "project", path, "y", "p")
    assert list(tmp_path.iterdir()) == []
