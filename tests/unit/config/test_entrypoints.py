"""The user's functions as ``validate`` sees them: by their text, never by running them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.config.load import check_project

PROJECT = """version: 1
name: penguins
data:
  penguins: {source: SOURCE, label: species}
training:
  task: classification
  targets:
    own: {kind: python, entrypoint: "code:fit"TARGET}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.6}
    - {name: better, kind: change, metric: accuracy, against: trivial, min: 0.05}
FEATURES
components:
  mine:
    run: {kind: python, entrypoint: "code:run"}
COMPONENT
"""

CODE = "raise RuntimeError('nobody imports this')\n"
FIT = "def fit(train, validation, label, *, seed, **params): ...\n"


def told(folder: Path, code: str, **parts: str) -> list[str]:
    """The messages of a project with this code; the parts of its text that are not given are empty or harmless."""
    given = {"SOURCE": "{kind: csv, uri: x.csv}", "TARGET": "", "COMPONENT": "", "FEATURES": "", **parts}
    text = PROJECT
    for name, part in given.items():
        text = text.replace(name, part)
    (folder / "mlops.yaml").write_text(text)
    (folder / "code.py").write_text(CODE + code)
    found, _ = check_project(folder)
    return [one.message for one in found]


RUN = "def run(): ...\n"


def test_nothing_is_imported_and_nothing_is_wrong(tmp_path: Path) -> None:
    assert told(tmp_path, FIT + RUN) == []


@pytest.mark.parametrize(
    "signature",
    [
        "raw_data, out, *, rows", "raw_data: Path, out: 'Path', rows: int = 1", "rows, out, raw_data",
        "*, rows, **more", "out, /, raw_data, rows", "**more", "raw_data, out, rows, extra=None",
        "raw_data, out, rows: int | None", "raw_data, out, rows: Literal[1, 3]", "raw_data, out, rows: 'SomethingElse'",
    ],
)  # fmt: skip
def test_a_component_is_called_by_names(signature: str, tmp_path: Path) -> None:
    component = "    inputs: {raw-data: penguins}\n    outputs: {out: File}\n    parameters: {rows: 3}"
    assert told(tmp_path, f"{FIT}def run({signature}): ...\n", COMPONENT=component) == []


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("out, *, rows", "run() has no parameter 'raw_data'"),
        ("raw_data, out, more, *, rows", "run() needs 'more', and nothing gives it"),
        ("raw_data, out, rows: str", "'rows' is the number 3, and run() takes str"),
        ("raw_data: int, out, rows", "'raw_data' is given as a pathlib.Path, and run() takes int"),
        ("raw_data, out: str, rows", "'out' is given as a pathlib.Path, and run() takes str"),
        ("raw_data, out, rows, more: int = 'x'", "the default of 'more' is text 'x', and run() says int"),
    ],
)
def test_what_does_not_fit_is_told(signature: str, message: str, tmp_path: Path) -> None:
    component = "    inputs: {raw-data: penguins}\n    outputs: {out: File}\n    parameters: {rows: 3}"
    assert told(tmp_path, f"{FIT}def run({signature}): ...\n", COMPONENT=component) == [message]


def test_a_secret_is_text(tmp_path: Path) -> None:
    component = "    parameters: {token: {secret: API_TOKEN}}"
    assert told(tmp_path, f"{FIT}def run(token: str): ...\n", COMPONENT=component) == []
    wrong = told(tmp_path, f"{FIT}def run(token: int): ...\n", COMPONENT=component)
    assert wrong == ["'token' is text '', and run() takes int"]


def test_a_word_of_python_cannot_be_a_parameter(tmp_path: Path) -> None:
    component = "    parameters: {from: 1}"
    assert told(tmp_path, FIT + RUN, COMPONENT=component) == ["run() has no parameter 'from'"]


TUNED = ", params: {a: 1}, tune: {method: grid, metric: accuracy, space: {b: [1, 2]}}"


def test_what_is_searched_is_given_to_the_training_function_too(tmp_path: Path) -> None:
    code = "def fit(train, validation, label, *, seed, a, b): ...\n" + RUN
    assert told(tmp_path, code, TARGET=TUNED) == []
    without = "def fit(train, validation, label, *, seed, a): ...\n" + RUN
    assert told(tmp_path, without, TARGET=TUNED) == ["fit() has no parameter 'b'"]


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ("def fit(rows, held_out, target, seed): ...", ""),
        ("def fit(*args, **kwargs): ...", ""),
        ("fit = object()", ""),
        ("def fit(train, validation, label): ...", "fit() does not take 'seed'"),
        ("def fit(train, *, seed): ...", "fit() is called with train, validation and label, and takes fewer"),
        ("def other(): ...", "code.py has no function fit"),
    ],
)
def test_a_training_function_is_called_with_three_things_and_a_seed(fit: str, message: str, tmp_path: Path) -> None:
    assert told(tmp_path, f"{fit}\n{RUN}") == ([message] if message else [])


def test_sources_and_features_are_looked_at_as_well(tmp_path: Path) -> None:
    source = '{kind: python, entrypoint: "code:rows", params: {day: 3}}'
    features = 'features:\n  - {kind: python, entrypoint: "code:scaler", columns: [a]}'
    code = FIT + RUN + "def rows(*, days): ...\n"
    assert told(tmp_path, code, SOURCE=source, FEATURES=features) == [
        "rows() has no parameter 'day'",
        "code.py has no function scaler",
    ]


def test_a_file_that_is_not_python_is_named_with_its_line(tmp_path: Path) -> None:
    assert told(tmp_path, "def fit(:\n")[0].startswith("code.py is not Python: ")
    found, sources = check_project(tmp_path)
    assert [span.line for span, _ in found[0].related] == [2]
    assert any(name.endswith("code.py") for name in sources)
