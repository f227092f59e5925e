"""The user's own components as steps: their code, their packages, and when they run."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.lowering.commands import command_files
from mlopsctl.lowering.lower import Lowered, lower
from mlopsctl.lowering.placing import place
from mlopsctl.lowering.requirements import with_requirements
from mlopsctl.pipeline.ir import Resources, Retry
from mlopsctl.step.key import Surroundings, code_digests, key_material, package_versions, step_key

PROJECT = """version: 1
name: own
parameters: {rows: 2, publish: true}
data:
  numbers: {source: {kind: csv, uri: numbers.csv}}
components:
"""


def lowered(folder: Path, components: str, **overrides: object) -> Lowered:
    (folder / "mlops.yaml").write_text(PROJECT + components)
    return lower(load_project(folder, None, overrides))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "clean.py").write_text(
        "import json\nimport pandas as pd\nfrom steps.helper import x\nimport sklearn.linear_model\n"
        "def run(examples, cleaned, *, min_rows=1): ...\n"
    )
    (tmp_path / "steps" / "helper.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text("x = 1\n")
    return tmp_path


CLEAN = """
  clean:
    run: {kind: python, entrypoint: "steps.clean:run"}
    inputs: {examples: numbers}
    outputs: {cleaned: Examples}
    parameters: {min_rows: "${parameters.rows}"}
"""


def test_the_key_holds_the_code_that_is_reached_and_the_packages_it_imports(folder: Path) -> None:
    step = lowered(folder, CLEAN).pipeline.step("clean")
    assert step.code == ("steps/clean.py", "steps/helper.py")
    assert step.packages == ("pandas", "sklearn")
    versions = package_versions(lowered(folder, CLEAN).pipeline)
    assert versions["pandas"][0].isdigit()
    assert versions["sklearn"].startswith("scikit-learn ")


def test_changed_code_and_parameters_change_the_key_and_a_comment_in_the_project_does_not(folder: Path) -> None:
    def key(text: str = CLEAN, **overrides: object) -> str:
        step = lowered(folder, text, **overrides).pipeline.step("clean")
        packages = {"pandas": "1", "sklearn": "1", "python": "cpython-3.11.2"}
        around = Surroundings(code=code_digests(folder, step.code), packages=packages)
        return step_key(key_material(step, {"examples": "sha256:1"}, around))

    before = key()
    assert key(CLEAN + "    description: more\n    timeout: 3s\n    when: false\n    retry: {attempts: 1}\n") == before
    assert key(rows=3) != before
    assert key(CLEAN + "    requirements: [pandas==2.2.0]\n") != before
    (folder / "steps" / "helper.py").write_text("x = 2\n")
    assert key() != before


def test_how_it_runs_is_carried(folder: Path) -> None:
    more = "    retry: {attempts: 2, delay: 30s}\n    timeout: 15m\n    resources: {cpu: 500m, memory: 512Mi}\n"
    step = lowered(folder, CLEAN + more).pipeline.step("clean")
    assert (step.retry, step.timeout, step.resources) == (Retry(2, 30.0), 900.0, Resources(0.5, 512 << 20))
    assert step.when


def test_a_step_that_is_left_out_is_told_with_all_that_reads_it(folder: Path) -> None:
    text = CLEAN + (
        '    when: "${parameters.publish}"\n'
        "  page: {run: {kind: command, command: [cp, '{inputs.a}/x', '{outputs.b}/x']}, inputs: {a: clean.cleaned}, "
        "outputs: {b: File}}\n"
        "  last: {run: {kind: command, command: [ls, '{inputs.a}']}, inputs: {a: page.b}}\n"
    )
    assert lowered(folder, text).notes == ()
    told = lowered(folder, text, publish=False)
    assert not told.pipeline.step("clean").when
    assert told.notes == ("clean is skipped, its `when` is false; with it page, last",)
    assert told.pipeline.digest != lowered(folder, text).pipeline.digest


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["Rscript", "train.R", "{inputs.a}"], ["train.R"]),
        (["./train.R"], ["train.R"]),
        (["sh", "--script=train.R"], ["train.R"]),
        (["python", "steps/clean.py"], ["steps/clean.py"]),
        (["python", "tools/report.py"], ["tools/helper.py", "tools/report.py"]),
        (["python", "-m", "steps.clean"], ["steps/clean.py", "steps/helper.py"]),
        (["ls", "steps", "missing.txt", "-x", "/etc/passwd", "../x", ""], []),
        (["python", "broken.py"], ["broken.py"]),
    ],
)
def test_the_files_that_a_command_names_decide_what_it_does(words: list[str], files: list[str], folder: Path) -> None:
    (folder / "train.R").write_text("1")
    (folder / "broken.py").write_text("def (")
    (folder / "tools").mkdir()
    (folder / "tools" / "report.py").write_text("import helper\n")
    (folder / "tools" / "helper.py").write_text("x = 1\n")
    assert list(command_files(folder, words)) == files


TRAINED = """version: 1
name: own
requirements: [numpy==2.0.0]
data:
  numbers: {source: {kind: csv, uri: numbers.csv}, label: b}
training:
  task: regression
  targets:
    one: {kind: sklearn, estimator: sklearn.linear_model.Ridge, requirements: [humanize==4.9.0]}
    two: {kind: sklearn, estimator: sklearn.linear_model.Lasso}
components:
  clean: {run: {kind: command, command: [ls]}, requirements: requirements.txt}
"""


def test_requirements_go_to_the_steps_they_are_meant_for(folder: Path) -> None:
    (folder / "requirements.txt").write_text("Jinja2==3.1.4  # pages\n")
    (folder / "mlops.yaml").write_text(TRAINED)
    steps = {step.id: step.requirements for step in lower(load_project(folder)).pipeline.steps}
    assert steps["ingest-numbers"] == ("numpy==2.0.0",)
    assert steps["train-one"] == ("humanize==4.9.0",)
    assert steps["train-two"] == ("numpy==2.0.0",)
    assert steps["select"] == steps["push"] == ("humanize==4.9.0", "numpy==2.0.0")
    assert steps["clean"] == ("jinja2==3.1.4",)


def test_a_pin_takes_the_place_of_the_version_beside_mlopsctl_in_the_key(folder: Path) -> None:
    (folder / "requirements.txt").write_text("Jinja2==3.1.4\n")
    (folder / "mlops.yaml").write_text(TRAINED)
    step = lower(load_project(folder)).pipeline.step("train-two")
    around = Surroundings(packages=dict.fromkeys([*step.packages, "python"], "9"))
    material = key_material(step, {}, around)
    assert "numpy" in step.packages
    assert "numpy" not in material["packages"]  # type: ignore[operator]
    assert material["requirements"] == {"numpy": "numpy==2.0.0"}


def test_steps_that_are_placed_later_stand_on_the_pins_of_the_targets_too(folder: Path) -> None:
    (folder / "requirements.txt").write_text("Jinja2==3.1.4\n")
    (folder / "mlops.yaml").write_text(TRAINED)
    placed = [place("infer", "infer", {}, {}), place("adopt", "select", {}, {})]
    for step in with_requirements(load_project(folder), placed):
        assert step.requirements == ("humanize==4.9.0", "numpy==2.0.0")


def test_a_plan_says_that_the_server_does_not_stand_on_the_pins(folder: Path) -> None:
    (folder / "requirements.txt").write_text("Jinja2==3.1.4\n")
    note = "the model is served by mlopsctl's own environment, not by the project's requirements"
    gates = "evaluation: {gates: [{name: floor, kind: threshold, metric: rmse, max: 1.0}]}\n"
    served = TRAINED + gates + "deployment: {server: {kind: mlflow, port: 5001}}\n"
    pinless = served.replace(", requirements: [humanize==4.9.0]", "").replace("requirements: [numpy==2.0.0]\n", "")
    for text, told in [(TRAINED, False), (served, True), (pinless, False)]:
        (folder / "mlops.yaml").write_text(text)
        assert (note in lower(load_project(folder)).notes) is told
