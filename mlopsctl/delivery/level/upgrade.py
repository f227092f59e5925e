"""Write what a project lacks for a level: into mlops.yaml, where comments stay, and as new files beside it.

What only people and runs can bring (a commit, a released model) is left to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from mlopsctl.config.document import Document, read_document
from mlopsctl.config.edit import Edit, Editor, edited
from mlopsctl.config.load import FILE, Loaded, inspect_project, load_project
from mlopsctl.delivery.ci.scaffold import compare_files, make_files, write_made
from mlopsctl.delivery.level.first_tests import first_tests
from mlopsctl.delivery.level.read import read_evidence
from mlopsctl.gates import Change
from mlopsctl.ground.errors import InvalidProject, Severity, StepProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.levels import Evidence, judge
from mlopsctl.lints.bounds import bound_of

_CI = "github_actions"


def upgraded(place: Path, environment: str | None, level: int) -> tuple[str, ...]:
    """Write what is missing for a level, as far as it can be written; what was done and why, a sentence each.

    Raises:
        InvalidProject: when the project is not valid.
        StepProblem: when it would no longer be valid: nothing of that change is kept then.
    """
    file = place / FILE if place.is_dir() else place
    return upgraded_by(file, read_evidence(place, environment), level)


def upgraded_by(file: Path, evidence: Evidence, level: int) -> tuple[str, ...]:
    """The same by evidence that was read already, perhaps of another checkout than the one of ``file``."""
    done: list[str] = []
    if evidence.problems:
        raise InvalidProject([one for one in inspect_project(file)[0] if one.severity is Severity.ERROR])
    missing = {one.criterion.id for one in judge(evidence).missing(level)}
    agreed = bool(evidence.project.ci) and not compare_files(make_files(file))
    for id, write in _PROJECT.items():
        if id in missing:
            done += _written(file, write, evidence)
    if evidence.project.level < level:
        done += _written(file, _level(level), evidence)
    if level == 2 and "tests" in missing:
        done += _tests(file, evidence)
    if agreed or (level == 2 and missing & {"ci", "tests", "pipeline-delivery"}):
        done += _ci_files(file)
    return tuple(done)


_Write = Callable[[Document, Evidence], tuple[str, str] | None]


def _written(file: Path, write: _Write, evidence: Evidence) -> Iterator[str]:
    """One change of the project file: the text after it and why, or nothing where it is there already."""
    before = file.read_bytes()
    made = write(read_document(file, str(file)), evidence)
    if made is None:
        return
    text, why = made
    mode = file.stat().st_mode & 0o777
    write_atomic(file, text.encode(), mode=mode)
    wrong = [one.message for one in inspect_project(file)[0] if one.severity is Severity.ERROR]
    if wrong:
        write_atomic(file, before, mode=mode)
        raise StepProblem.because(
            "not-upgraded", f"{why}: the project would no longer be valid: {wrong[0]}", hint="make this change by hand"
        )
    yield f"{file}: {why}"


def _trigger(document: Document, evidence: Evidence) -> tuple[str, str] | None:
    if evidence.project.triggers:
        return None
    item = '{kind: schedule, cron: "0 3 * * 1"}'
    return _changed(document, Editor(document).appended(("triggers",), item)), f"trigger: runs start weekly: {item}"


def _data_gate(document: Document, evidence: Evidence) -> tuple[str, str] | None:
    project = evidence.project
    if project.training is None or any(
        check.severity == "error" for dataset in project.data.values() for check in dataset.checks
    ):
        return None
    rows = evidence.evaluation.rows if evidence.evaluation is not None else 1
    item = f"{{name: enough-rows, kind: row_count, min: {max(1, rows)}}}"
    path = ("data", project.training_data, "checks")
    return _changed(document, Editor(document).appended(path, item)), f"data-gate: bad data stops a run: {item}"


def _model_gate(document: Document, evidence: Evidence) -> tuple[str, str] | None:
    project = evidence.project
    if project.training is None or project.evaluation.gates:
        return None
    metric = project.select_metric
    bound = bound_of(project, metric, "apart")
    item = f"{{name: beats-trivial, kind: change, metric: {metric}, against: trivial, {bound}}}"
    edit = Editor(document).appended(("evaluation", "gates"), item)
    return _changed(document, edit), f"model-gate: a model must prove something: {item}"


def _baseline(document: Document, evidence: Evidence) -> tuple[str, str] | None:
    project = evidence.project
    if project.training is None or any(
        isinstance(gate, Change) and gate.against == "champion" for gate in project.evaluation.gates
    ):
        return None
    metric = project.evaluation.gates[0].metric if project.evaluation.gates else project.select_metric
    item = f"{{name: not-worse, kind: change, metric: {metric}, against: champion, {bound_of(project, metric, '0')}}}"
    edit = Editor(document).appended(("evaluation", "gates"), item)
    return _changed(document, edit), f"baseline: no worse model takes the champion's place: {item}"


def _slices(document: Document, evidence: Evidence) -> tuple[str, str] | None:
    """The label of a classification has few values, so each class is a segment; elsewhere only a person can say."""
    project = evidence.project
    training = project.training
    if training is None or training.task != "classification" or project.evaluation.slices:
        return None
    label = project.data[project.training_data].label
    if label is None or not label.isidentifier():
        return None
    edit = Editor(document).appended(("evaluation", "slices"), label)
    return _changed(document, edit), f"slices: the model is measured on each class, too: {label}"


def _ci(document: Document, evidence: Evidence) -> tuple[str, str] | None:
    if evidence.project.ci:
        return None
    item = f"{{kind: {_CI}}}"
    return _changed(document, Editor(document).appended(("ci",), item)), f"ci: pull requests are verified: {item}"


_ENVIRONMENTS = """
dev: {}
staging:
  promotion: {from: dev, mode: approval}
prod:
  promotion: {from: staging, mode: manual, after_successful_runs: 3}"""


def _promotion(document: Document, evidence: Evidence) -> tuple[str, str] | None:
    if "environments" in document.data:
        return None
    edit = Editor(document).keyed((), "environments", _ENVIRONMENTS)
    why = "promotion: dev is applied by itself, staging upon approval, prod by hand after three good runs"
    return _changed(document, edit), why


def _level(level: int) -> _Write:
    def write(document: Document, evidence: Evidence) -> tuple[str, str] | None:
        editor = Editor(document)
        there = ("level",) in document.marks
        edit = editor.replaced(("level",), str(level)) if there else editor.keyed((), "level", str(level))
        return _changed(document, edit), f"level: {level} is what the project must prove from now on"

    return write


_PROJECT: dict[str, _Write] = {
    "trigger": _trigger,
    "data-gate": _data_gate,
    "model-gate": _model_gate,
    "baseline": _baseline,
    "slices": _slices,
    "promotion": _promotion,
    "ci": _ci,
}


def _changed(document: Document, edit: Edit) -> str:
    return edited(document.sources[0].text, [edit])


def _tests(file: Path, evidence: Evidence) -> Iterator[str]:
    folder = file.parent / "tests"
    there = {kind for kind, found in evidence.tests.items() if found}
    for name, text in first_tests(_first(file), there).items():
        target = folder / name
        if target.exists():
            continue
        folder.mkdir(exist_ok=True)
        write_atomic(target, text.encode())
        yield f"{target}: tests: the first of its kind; write more beside it"


def _ci_files(file: Path) -> Iterator[str]:
    """Last, since they are made of what the project says by now, and look whether there are tests."""
    if _first(file).project.ci:
        for path in write_made(make_files(file)):
            yield f"{path}: ci: made by `ci init`"


def _first(file: Path) -> Loaded:
    return load_project(file, inspect_project(file)[2][0].environment)
