"""The user's own components, called as the step runtime calls them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsctl import evidence
from mlopsctl.components import own
from mlopsctl.components.own import OwnParameters
from mlopsctl.components.spec import Notes, Work
from mlopsctl.evidence import Anomalies, CheckResult, Verdict
from mlopsctl.ground.errors import StepProblem


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def do(
    project: Path,
    run: dict[str, Any] | str,
    *,
    inputs: dict[str, str] | None = None,
    outputs: dict[str, str] | None = None,
    **parameters: Any,
) -> tuple[Notes, Path]:
    """Run a component, given as its ``run`` or as the text of a Python function; its notes, and its outputs."""
    if isinstance(run, str):
        (project / "steps.py").write_text(f"from pathlib import Path\n{run}")
        run = {"kind": "python", "entrypoint": "steps:run"}
    outputs = {"out": "File"} if outputs is None else outputs
    folders: dict[str, dict[str, Path]] = {"in": {}, "out": {}}
    for side, names in (("in", inputs or {}), ("out", outputs)):
        for name in names:
            folders[side][name] = project / side / name
            folders[side][name].mkdir(parents=True, exist_ok=True)
    work = Work(project=project, inputs=folders["in"], outputs=folders["out"])
    given = {"run": run, "parameters": parameters, "inputs": inputs or {}, "outputs": outputs}
    notes = own.run(work, OwnParameters.model_validate(given))
    return notes, project / "out"


# Python


def test_a_function_gets_paths_and_typed_values_by_name(project: Path) -> None:
    (project / "in" / "raw-data").mkdir(parents=True)
    (project / "in" / "raw-data" / "x.txt").write_text("hello")
    does = "(out / 'y').write_text((raw_data / 'x.txt').read_text() * times)"
    code = f"def run(out, *, raw_data: Path, times):\n    {does}\n"
    notes, out = do(project, code, inputs={"raw-data": "File"}, times=2)
    assert (out / "out" / "y").read_text() == "hellohello"
    assert notes.line == "out 1 file"


def test_positional_only_parameters_are_given_too(project: Path) -> None:
    _, out = do(project, "def run(times, out, /):\n    (out / 'y').write_text(str(times))\n", times=3)
    assert (out / "out" / "y").read_text() == "3"


def test_an_output_may_be_replaced_by_one_file(project: Path) -> None:
    _, out = do(project, "def run(out):\n    out.rmdir()\n    out.write_text('x')\n")
    assert (out / "out" / "out").read_text() == "x"


def test_an_output_that_is_opened_as_a_file_is_explained(project: Path) -> None:
    with pytest.raises(StepProblem, match="the output 'out' is a folder") as caught:
        do(project, "def run(out):\n    open(out, 'w')\n")
    assert 'out / "data.csv"' in caught.value.diagnostics[0].hint


def test_another_folder_that_is_opened_stays_the_users_error(project: Path) -> None:
    with pytest.raises(IsADirectoryError):
        do(project, "def run(out):\n    open('/', 'w')\n")


def test_an_error_of_the_function_is_its_own(project: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        do(project, "def run(out):\n    1 / 0\n")


def test_an_async_function_is_refused(project: Path) -> None:
    with pytest.raises(StepProblem, match="async"):
        do(project, "async def run(out):\n    pass\n")


def test_a_missing_function_is_named(project: Path) -> None:
    with pytest.raises(StepProblem, match="the module steps has no function run"):
        do(project, "run = 3\n")


# Commands


def command(*words: str) -> dict[str, Any]:
    return {"kind": "command", "command": list(words)}


def test_a_command_gets_paths_and_values(project: Path) -> None:
    code = "import sys, pathlib; pathlib.Path(sys.argv[1], 'y').write_text(sys.argv[2] + sys.argv[3])"
    words = command(sys.executable, "-c", code, "{outputs.out}", "{parameters.text}", "{parameters.list}")
    _, out = do(project, words, text="a; b", list=[1, "x"])
    assert (out / "out" / "y").read_text() == 'a; b[1,"x"]'


def test_a_failing_command_shows_its_last_words(project: Path) -> None:
    with pytest.raises(StepProblem, match=r"the command sh exited with code 3: no such column"):
        do(project, command("sh", "-c", "echo noise; echo no such column >&2; exit 3"), outputs={})


def test_a_command_that_takes_a_folder_for_a_file_is_helped(project: Path) -> None:
    with pytest.raises(StepProblem) as caught:
        do(project, command("sh", "-c", "echo x > {outputs.out}"))
    assert "{outputs.page}/page.html" in caught.value.diagnostics[0].hint


# What is left


def parquet(folder: Path, **splits: str) -> str:
    """The text of a function that writes Parquet files, one a split, each from a query."""
    lines = [
        f"    duckdb.sql({query!r}).write_parquet(str(out / {split + '.parquet'!r}))" for split, query in splits.items()
    ]
    return "\n".join(["import duckdb", "def run(out, **more):", *lines, ""])


ROWS = "SELECT range AS a, range * 2.0 AS b FROM range(4)"


def test_examples_are_completed_from_those_that_were_read(project: Path) -> None:
    from mlopsctl.tables import examples
    from mlopsctl.tables.columns import Column, ColumnType

    columns = (Column("a", ColumnType.INT), Column("b", ColumnType.FLOAT), Column("c", ColumnType.STRING))
    (project / "in" / "rows").mkdir(parents=True)
    like = examples.Examples("numbers", "b", None, columns, columns, {"train": 9}, 9)
    examples.write(like, project / "in" / "rows")
    code = parquet(project, train=ROWS, validation=ROWS, test=ROWS)
    notes, out = do(project, code, inputs={"rows": "Examples"}, outputs={"out": "Examples"})
    assert notes.line == "out 12 rows"
    described = examples.read(out / "out")
    assert (described.dataset, described.label, described.rows) == ("numbers", "b", 12)
    assert [(column.name, column.type.value) for column in described.columns] == [("a", "int"), ("b", "float")]
    assert (out / "out" / "source.parquet").is_file()


def test_examples_of_nothing_known_are_columns(project: Path) -> None:
    code = parquet(project, train=ROWS, validation=ROWS, test=ROWS)
    assert do(project, code, outputs={"out": "Examples"})[0].line == "out 2 columns"


@pytest.mark.parametrize(
    ("splits", "told"),
    [
        ({"train": ROWS}, "it has no file validation.parquet"),
        ({"train": ROWS, "validation": ROWS, "test": "SELECT 1 AS z"}, "the columns of test.parquet are not those"),
    ],
)
def test_examples_that_cannot_be_read_are_refused(splits: dict[str, str], told: str, project: Path) -> None:
    with pytest.raises(StepProblem, match=f"output 'out' is no Examples: {told}"):
        do(project, parquet(project, **splits), outputs={"out": "Examples"})


def test_what_is_no_parquet_file_is_refused(project: Path) -> None:
    names = ("train.parquet", "validation.parquet", "test.parquet")
    code = f"def run(out):\n    for name in {names!r}:\n        (out / name).write_text('x')\n"
    with pytest.raises(StepProblem, match=r"train.parquet is no Parquet file"):
        do(project, code, outputs={"out": "Examples"})


def writes(file: str, content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return f"def run(out):\n    (out / {file!r}).write_text({text!r})\n"


@pytest.mark.parametrize(
    ("kind", "file", "content", "told"),
    [
        ("Metrics", "metrics.json", {"accuracy": 0.5, "rows": 10}, ""),
        ("Metrics", "metrics.json", '{"accuracy": NaN}', "no finite number"),
        ("Metrics", "metrics.json", {"accuracy": "high"}, "no finite number"),
        ("Metrics", "metrics.json", {"accuracy": True}, "no finite number"),
        ("Metrics", "metrics.json", [1], "no JSON object"),
        ("Metrics", "metrics.json", "{", "is not JSON"),
        ("Metrics", "other.json", {}, "it has no file metrics.json"),
        ("Model", "model.json", {"task": "regression", "label": "x", "classes": [], "features": []}, ""),
        ("Model", "model.json", {"task": "regression"}, "model.json has no 'label'"),
        ("Anomalies", "anomalies.json", {"dataset": "x"}, ""),
        ("Evaluation", "evaluation.json", {"model": 1}, ""),
        ("Statistics", "statistics.json", {"columns": {}}, None),
        ("HyperParameters", "hyperparameters.json", {"C": 1}, None),
        ("Predictions", "predictions.parquet", "x", "no Parquet file"),
        ("File", "anything", "", None),
    ],
)
def test_an_output_is_what_its_type_says(
    kind: str, file: str, content: object, told: str | None, project: Path
) -> None:
    code = writes(file, content)
    # Where no reason is given, it is one of pydantic's words.
    good = told is None or (told == "" and kind in ("Metrics", "Model"))
    if good:
        do(project, code, outputs={"out": kind})
        return
    with pytest.raises(StepProblem, match=f"output 'out' is no {kind}: .*{told}"):
        do(project, code, outputs={"out": kind})


def test_anomalies_say_their_verdict(project: Path) -> None:
    found = Anomalies("x", (CheckResult("mine", "own", Verdict.FAIL, "too few"),))
    evidence.write(found, project, evidence.ANOMALIES_FILE)
    text = (project / evidence.ANOMALIES_FILE).read_text()
    notes, _ = do(project, writes(evidence.ANOMALIES_FILE, text), outputs={"out": "Anomalies"})
    assert notes.line == "out 1 checks: fail"
