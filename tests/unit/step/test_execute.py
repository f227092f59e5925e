from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.evidence import Anomalies, CheckResult, Verdict
from mlopsctl.ground.errors import Diagnostic, StepProblem
from mlopsctl.ground.redact import forget_secrets, register_secret
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.execute import execute
from mlopsctl.step.task import StepResult, StepState, StepTask, TaskInput

Run = Callable[[Work, "TinyParameters"], Notes]


class TinyParameters(Parameters):
    rows: int = 1


@pytest.fixture
def task(tmp_path: Path) -> StepTask:
    for name in ("project", "staging"):
        (tmp_path / name).mkdir()
    return StepTask(
        run_id="run-1",
        step="tiny",
        component="tiny.component",
        environment="dev",
        project=str(tmp_path / "project"),
        artifacts=str(tmp_path / "store"),
        staging=str(tmp_path / "staging"),
        parameters={},
        inputs={},
        outputs={"model": ArtifactType.MODEL},
        tracking="sqlite:///x",
        seed=3,
    )


@pytest.fixture
def component(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Make a function the ``run`` of the component ``tiny.component``."""

    def install(run: Run) -> None:
        module = ModuleType("tiny.component")
        module.SPEC = ComponentSpec("tiny", 1, {}, {}, TinyParameters)  # type: ignore[attr-defined]
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "tiny", ModuleType("tiny"))
        monkeypatch.setitem(sys.modules, "tiny.component", module)

    return install


def _store(task: StepTask, name: str, content: str) -> str:
    folder = Path(task.project).parent / f"made-{name}"
    folder.mkdir()
    (folder / name).write_text(content)
    return ArtifactStore(task.artifacts).put(folder)


def _write(work: Work, parameters: TinyParameters) -> Notes:
    (work.outputs["model"] / "rows").write_text("x" * parameters.rows)
    return Notes({"rows": parameters.rows}, line=f"{parameters.rows} rows")


def test_a_component_gets_its_parameters_inputs_and_state(task: StepTask, component: Callable[[Run], None]) -> None:
    seen: list[Work] = []

    def run(work: Work, parameters: TinyParameters) -> Notes:
        seen.append(work)
        assert (work.inputs["models.forest"] / "a").read_text() == "input"
        assert (work.state["champion"] / "b").read_text() == "champion"
        assert list(work.outputs["model"].iterdir()) == []
        return _write(work, parameters)

    component(run)
    digest = _store(task, "a", "input")
    task = replace(
        task,
        parameters={"rows": 2},
        inputs={"models.forest": TaskInput(digest, ArtifactType.MODEL)},
        state={"champion": _store(task, "b", "champion")},
    )
    result = execute(task)
    assert result.state is StepState.SUCCESS, result.problem
    assert (result.notes, result.line) == ({"rows": 2}, "2 rows")
    assert ArtifactStore(task.artifacts).read(result.outputs["model"], "rows") == b"xx"
    assert result.seconds > 0
    (work,) = seen
    assert (work.environment, work.tracking, work.run_id, work.seed) == ("dev", "sqlite:///x", "run-1", 3)


def test_parameters_that_do_not_fit_fail_the_step(task: StepTask, component: Callable[[Run], None]) -> None:
    component(_write)
    result = execute(replace(task, parameters={"rows": "many", "size": 1}))
    assert result.state is StepState.FAILED
    assert "rows: Input should be a valid integer" in result.problem
    assert "size: Extra inputs are not permitted" in result.problem


def test_nothing_is_fetched_or_called_when_a_guard_refuses(task: StepTask, component: Callable[[Run], None]) -> None:
    def run(work: Work, parameters: TinyParameters) -> Notes:
        raise AssertionError("called")

    component(run)
    folder = Path(task.project).parent / "anomalies"
    folder.mkdir()
    checks = (CheckResult("enough", "row_count", Verdict.FAIL, "1 row < 10"),)
    evidence.write(Anomalies("rows", checks), folder, evidence.ANOMALIES_FILE)
    guard = TaskInput(ArtifactStore(task.artifacts).put(folder), ArtifactType.ANOMALIES, guard=True)
    missing = TaskInput("sha256:" + "0" * 64, ArtifactType.EXAMPLES)
    result = execute(replace(task, inputs={"examples": missing, "anomalies": guard}))
    assert (result.state, result.problem) == (StepState.SKIPPED, "check enough failed: 1 row < 10")


def test_a_missing_input_fails_the_step(task: StepTask, component: Callable[[Run], None]) -> None:
    component(_write)
    missing = TaskInput("sha256:" + "0" * 64, ArtifactType.EXAMPLES)
    result = execute(replace(task, inputs={"examples": missing}))
    assert result.state is StepState.FAILED
    assert "is not in the store" in result.problem
    assert result.hint


def test_an_unknown_component_fails_the_step(task: StepTask) -> None:
    assert execute(replace(task, component="train-tune")).problem == "there is no component 'train-tune'"


def _problem(work: Work, parameters: TinyParameters) -> Notes:
    raise StepProblem([Diagnostic("a", "first"), Diagnostic("b", "second", hint="do this")])


def _forgets_output(work: Work, parameters: TinyParameters) -> Notes:
    return Notes()


def _nan(work: Work, parameters: TinyParameters) -> Notes:
    _write(work, parameters)
    return Notes({"loss": float("nan")})


def _large(work: Work, parameters: TinyParameters) -> Notes:
    _write(work, parameters)
    return Notes({"text": "x" * (2 << 20)})


def _exits(work: Work, parameters: TinyParameters) -> Notes:
    _write(work, parameters)
    sys.exit(0)


@pytest.mark.parametrize(
    ("run", "problem", "hint"),
    [
        (_problem, "first; second", "do this"),
        (_forgets_output, "step exited 0 without its output 'model'", "write at least one file"),
        (_nan, "the step's notes are not JSON", ""),
        (_large, "the step's notes take 2,097,", ""),
        (_exits, "the step's code called sys.exit(0)", "return instead"),
    ],
)
def test_a_failure_publishes_nothing_and_logs_its_traceback(
    run: Run,
    problem: str,
    hint: str,
    task: StepTask,
    component: Callable[[Run], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    component(run)
    result = execute(task)
    assert result.state is StepState.FAILED
    assert result.problem.startswith(problem)
    assert hint in result.hint
    assert result.outputs == {}
    assert "Traceback" in capsys.readouterr().err
    assert not Path(task.artifacts).exists()


def test_an_interrupt_from_the_keyboard_comes_out(task: StepTask, component: Callable[[Run], None]) -> None:
    def run(work: Work, parameters: TinyParameters) -> Notes:
        raise KeyboardInterrupt

    component(run)
    with pytest.raises(KeyboardInterrupt):
        execute(task)


def test_a_secret_in_a_message_is_masked(task: StepTask, component: Callable[[Run], None]) -> None:
    def run(work: Work, parameters: TinyParameters) -> Notes:
        register_secret("hunter2-long")
        raise ValueError("cannot log in with hunter2-long")

    component(run)
    try:
        result: StepResult = execute(task)
    finally:
        forget_secrets()
    assert result.problem == "ValueError: cannot log in with ***"
