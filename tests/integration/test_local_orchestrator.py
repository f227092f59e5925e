"""The local orchestrator with real processes: what runs, what misbehaves, and that nobody is left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mlopsctl import evidence
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.evidence import Anomalies, CheckResult, Verdict
from mlopsctl.ground.errors import ExitCode, Interrupted, StepProblem
from mlopsctl.ground.process import children
from mlopsctl.orchestrators.local.progress import NoProgress
from mlopsctl.orchestrators.local.run import Settings, run_pipeline
from mlopsctl.pipeline.ir import ArtifactType, Input, Pipeline, Ref, Resources, Retry, Step
from mlopsctl.step.task import StepResult, StepState, StepTask, TaskInput

COMPONENTS = "tests.integration.components"
DRIVE = Path(__file__).parent / "components" / "drive.py"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and a subreaper")


@dataclass
class Project:
    """A driver with nothing in its cache, and everything it was told."""

    folder: Path
    known: dict[str, StepResult | StepProblem] = field(default_factory=dict)
    records: list[tuple[str, int, StepResult]] = field(default_factory=list)
    logs: dict[str, Path] = field(default_factory=dict)
    on_start: Callable[[str], None] = lambda id: None

    def prepare(self, step: Step, upstream: Mapping[str, StepResult]) -> StepTask | StepResult:
        known = self.known.get(step.id)
        if isinstance(known, StepProblem):
            raise known
        if known is not None:
            return known
        wired = {
            name: TaskInput(upstream[one.ref.step].outputs[one.ref.output], one.type, one.guard)
            for name, one in step.inputs.items()
            if upstream[one.ref.step].outputs
        }
        return StepTask(
            run_id="run",
            step=step.id,
            component=step.component,
            environment="default",
            project=str(self.folder),
            artifacts=str(self.folder / "store"),
            staging="",
            parameters=step.parameters,
            inputs=wired,
            outputs=step.outputs,
        )

    def started(self, step: Step, attempt: int, log: Path) -> None:
        self.logs[step.id] = log
        self.on_start(step.id)

    def finished(
        self, step: Step, attempt: int, started_ms: int, finished_ms: int, result: StepResult, log: Path | None
    ) -> None:
        assert finished_ms >= started_ms > 1_600_000_000_000
        self.records.append((step.id, attempt, result))

    def run(self, *steps: Step, jobs: int = 2, **settings: int) -> Mapping[str, StepResult]:
        return run_pipeline(
            Pipeline("project", steps),
            self,
            NoProgress(),
            workspace=self.folder / "staging",
            logs=self.folder / "logs",
            settings=Settings(jobs=jobs, grace=0.5, **settings),  # type: ignore[arg-type]
        )

    def run_one(self, way: str, **changes: object) -> StepResult:
        return self.run(hostile("one", way, **changes))["one"]

    def log(self, step: str) -> str:
        return self.logs[step].read_text(errors="replace")

    def processes(self) -> list[int]:
        """All processes that were started for this project: each carries its folder in its environment."""
        mark = f"XDG_CACHE_HOME={self.folder}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    marked = mark in (entry / "environ").read_bytes().split(b"\0")
                except OSError:
                    continue
                if marked and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
        return found

    def assert_nobody_is_left(self, within: float = 0.0) -> None:
        deadline = time.monotonic() + within
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert left == []


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Project(tmp_path)


def honest(id: str, *upstream: str, optional: bool = False, **given: object) -> Step:
    return Step(
        id=id,
        component=f"{COMPONENTS}.honest",
        component_version=1,
        inputs={one: Input(Ref(one, "model"), ArtifactType.MODEL, optional=optional) for one in upstream},
        outputs={"model": ArtifactType.MODEL},
        parameters=given,  # type: ignore[arg-type]
    )


def hostile(id: str, way: str, **changes: object) -> Step:
    outputs = {"model": ArtifactType.MODEL}
    return replace(Step(id, f"{COMPONENTS}.hostile", 1, {}, outputs, {"way": way}), **changes)  # type: ignore[arg-type]


# What goes right


def test_a_step_runs_and_its_output_stands_in_the_store(project: Project) -> None:
    results = project.run(honest("first", text="hello"))
    assert results["first"].state is StepState.SUCCESS
    assert results["first"].line == "wrote hello"
    store = ArtifactStore(str(project.folder / "store"))
    assert store.read(results["first"].outputs["model"], "file.txt") == b"hello"
    assert project.log("first") == "wrote hello\n"
    assert [(id, attempt) for id, attempt, _ in project.records] == [("first", 1)]
    project.assert_nobody_is_left()


def test_nothing_of_an_attempt_is_left_but_its_log(project: Project) -> None:
    project.run(honest("first"))
    assert not (project.folder / "staging").exists()
    assert sorted(path.name for path in (project.folder / "logs").iterdir()) == ["first.1.log"]


def test_a_step_reads_what_the_step_before_it_wrote(project: Project) -> None:
    results = project.run(honest("first", text="hello"), honest("second", "first"))
    assert results["second"].notes["read"] == {"first": "hello"}


def test_independent_steps_run_at_the_same_time(project: Project) -> None:
    results = project.run(honest("left", seconds=0.6), honest("right", seconds=0.6))
    left, right = results["left"].notes, results["right"].notes
    assert max(left["begun"], right["begun"]) < min(left["ended"], right["ended"])  # type: ignore[type-var,operator]


def test_with_one_job_steps_run_one_after_the_other_in_declared_order(project: Project) -> None:
    results = project.run(honest("zebra", seconds=0.1), honest("ape", seconds=0.1), jobs=1)
    assert results["zebra"].notes["ended"] < results["ape"].notes["begun"]  # type: ignore[operator]


def test_a_step_sees_no_secret_of_its_caller(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    notes = project.run(honest("first"))["first"].notes
    assert notes["token"] == "absent"
    assert notes["hash seed"] == "0"
    assert notes["folder"] == str(project.folder)


@linux
def test_a_step_inherits_no_descriptor_of_the_worker(project: Project) -> None:
    # Three streams, the nameless file of its result, and the one that lists them.
    results = project.run(honest("first"), honest("second"), jobs=2)
    assert results["first"].notes["descriptors"] == 5
    assert results["second"].notes["descriptors"] == 5


def test_cached_steps_start_no_process(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    project.known = {"first": StepResult(StepState.CACHED, {"model": "sha256:1"})}
    project.known["second"] = project.known["first"]
    results = project.run(honest("first"), honest("second", "first"))
    assert {result.state for result in results.values()} == {StepState.CACHED}
    assert [id for id, _, _ in project.records] == ["first", "second"]


def test_a_thousand_cached_steps_take_less_than_half_a_second(project: Project) -> None:
    cached = StepResult(StepState.CACHED, {"model": "sha256:1"})
    steps = [honest("s0")] + [honest(f"s{n}", f"s{(n - 1) // 2}", f"s{n - 1}") for n in range(1, 1000)]
    project.known = {step.id: cached for step in steps}
    begun = time.process_time()
    assert len(project.run(*steps)) == 1000
    assert time.process_time() - begun < 0.5


@linux
def test_preloaded_libraries_work_in_forked_processes(project: Project) -> None:
    steps = [replace(honest(f"learn-{n}"), component=f"{COMPONENTS}.learned", parameters={}) for n in range(3)]
    results = project.run(*steps, jobs=3)
    assert {result.state for result in results.values()} == {StepState.SUCCESS}, [r.problem for r in results.values()]
    # Importing them takes a second; here they were there already.
    assert max(result.notes["import seconds"] for result in results.values()) < 0.1  # type: ignore[type-var,operator]
    assert len({result.outputs["model"] for result in results.values()}) == 1
    project.assert_nobody_is_left()


# What ends without its work done


def test_those_who_read_a_failed_step_do_not_run_and_others_do(project: Project) -> None:
    results = project.run(
        hostile("broken", "error"), honest("reader", "broken"), honest("last", "reader"), honest("other", seconds=0.3)
    )
    assert {id: result.state.value for id, result in results.items()} == {
        "broken": "failed",
        "reader": "upstream_failed",
        "last": "upstream_failed",
        "other": "success",
    }
    assert results["last"].problem == "not run, because broken failed"
    assert len(project.records) == 4


def test_without_keep_going_nothing_new_starts_after_a_failure(project: Project) -> None:
    results = project.run(
        hostile("broken", "error"), honest("other"), honest("reader", "other"), jobs=1, keep_going=False
    )
    assert results["other"].state is StepState.CANCELED
    assert results["other"].problem == "not started, because broken failed"
    assert results["reader"].state is StepState.CANCELED
    assert [id for id, _, _ in project.records] == ["broken"]


def test_a_step_whose_guard_did_not_pass_is_skipped_with_the_reason(project: Project) -> None:
    guarded = _guarded(project, Verdict.FAIL)
    results = project.run(*guarded, honest("needs", "train"), honest("may", "train", optional=True))
    assert results["train"].state is StepState.SKIPPED
    assert results["train"].problem == "check enough-rows failed: 120 rows < 10000"
    assert results["needs"].state is StepState.SKIPPED
    assert results["needs"].problem == "not run, because train was skipped"
    assert results["may"].state is StepState.SUCCESS
    assert (project.folder / "attempts").read_text() == "x", "the guarded step was called"


def test_a_step_whose_guard_passed_runs(project: Project) -> None:
    assert project.run(*_guarded(project, Verdict.PASS))["train"].state is StepState.SUCCESS


def _guarded(project: Project, verdict: Verdict) -> tuple[Step, Step]:
    folder = project.folder / "anomalies"
    folder.mkdir()
    check = CheckResult("enough-rows", "row_count", verdict, "120 rows < 10000")
    evidence.write(Anomalies("penguins", (check,)), folder, evidence.ANOMALIES_FILE)
    (folder / "file.txt").write_text("for the component, which reads this file")
    digest = ArtifactStore(str(project.folder / "store")).put(folder)
    project.known["validate"] = StepResult(StepState.SUCCESS, {"anomalies": digest})
    train = honest("train")
    guard = Input(Ref("validate", "anomalies"), ArtifactType.ANOMALIES, guard=True)
    validate = replace(honest("validate"), outputs={"anomalies": ArtifactType.ANOMALIES})
    return validate, replace(train, inputs={"anomalies": guard})


def test_a_problem_while_preparing_fails_the_step_and_not_the_run(project: Project) -> None:
    project.known["first"] = StepProblem(StepProblem.because("x", "the file is missing", hint="bring it").diagnostics)
    results = project.run(honest("first"), honest("other"))
    assert (results["first"].problem, results["first"].hint) == ("the file is missing", "bring it")
    assert results["other"].state is StepState.SUCCESS


@linux
def test_an_error_of_the_driver_ends_the_run_and_leaves_nobody(project: Project) -> None:
    def break_at_second(id: str) -> None:
        if id == "second":
            raise RuntimeError("the database is gone")

    project.on_start = break_at_second
    with pytest.raises(RuntimeError, match="the database is gone"):
        project.run(hostile("first", "ignore_term"), honest("second"))
    project.assert_nobody_is_left()
    assert not (project.folder / "staging").exists()


def test_a_failed_attempt_is_tried_again_with_a_log_of_its_own(project: Project) -> None:
    step = replace(honest("flaky", fail_first=1), retry=Retry(attempts=2, delay=0.1))
    results = project.run(step)
    assert results["flaky"].state is StepState.SUCCESS
    assert [(attempt, result.state.value) for _, attempt, result in project.records] == [(1, "failed"), (2, "success")]
    assert project.records[0][2].problem == "OSError: the network is away"
    assert sorted(path.name for path in (project.folder / "logs").iterdir()) == ["flaky.1.log", "flaky.2.log"]


def test_when_all_attempts_fail_the_step_failed(project: Project) -> None:
    step = replace(honest("flaky", fail_first=9), retry=Retry(attempts=1))
    assert project.run(step, honest("reader", "flaky"))["reader"].state is StepState.UPSTREAM_FAILED
    assert [attempt for id, attempt, _ in project.records if id == "flaky"] == [1, 2]


# What misbehaves

ANSWERS = {
    "missing_output": "step exited 0 without its output 'model'",
    "symlink": "output 'model': 'link' is a symbolic link; an artifact holds regular files only",
    "fifo": "output 'model': 'fifo' is a FIFO; an artifact holds regular files only",
    "unix_socket": "output 'model': 'socket' is a socket; an artifact holds regular files only",
    "exit_137": "the step exited with code 137, as after signal 9 (out of memory?)",
    "exit_139": "the step exited with code 139, as after signal 11 (SIGSEGV)",
    "exit_0": "the step exited 0 without a result",
    "exit_3": "the step exited with code 3",
    "sys_exit_0": "the step's code called sys.exit(0)",
    "kill_self": "the step was killed by signal 9 (out of memory?)",
    "kill_group": "the step was killed by signal 9 (out of memory?)",
    "segfault": "the step was killed by signal 11 (SIGSEGV)",
    "problem": "the file has no rows",
    "error": "KeyError: 'specis'",
    "invalid_utf8": "ValueError: bad \\udc80 text \\x1b[31m",
}


@pytest.mark.parametrize("way", ANSWERS)
def test_a_failing_step_says_what_happened(way: str, project: Project) -> None:
    result = project.run_one(way)
    assert (result.state, result.problem) == (StepState.FAILED, ANSWERS[way])
    assert result.hint
    assert result.outputs == {}
    project.assert_nobody_is_left()
    assert not (project.folder / "staging").exists()


@pytest.mark.parametrize("way", ["output_is_link", "delete_folders"])
def test_an_output_folder_that_is_gone_fails_the_step(way: str, project: Project) -> None:
    result = project.run_one(way)
    assert result.state is StepState.FAILED
    assert result.problem.startswith("output 'model'")


GOOD_ENOUGH = [
    "daemonise", "fork_and_return", "subprocess_left", "long_log", "read_stdin", "unreadable_folders", "thread_left",
    "close_streams",
]  # fmt: skip


@linux
@pytest.mark.parametrize("way", GOOD_ENOUGH)
def test_a_step_that_leaves_a_mess_succeeds_and_the_mess_goes(way: str, project: Project) -> None:
    result = project.run_one(way)
    assert result.state is StepState.SUCCESS, result.problem
    project.assert_nobody_is_left()
    assert not (project.folder / "staging").exists()


def test_a_step_reads_nothing_from_stdin(project: Project) -> None:
    result = project.run_one("read_stdin")
    assert ArtifactStore(str(project.folder / "store")).read(result.outputs["model"], "read.txt") == b"''"


def test_a_hundred_megabytes_of_output_are_in_the_log(project: Project) -> None:
    project.run_one("long_log")
    assert (64 << 20) < project.logs["one"].stat().st_size < (65 << 20)


def test_a_step_that_prints_without_end_keeps_the_beginning_and_the_end_of_its_log(project: Project) -> None:
    results = project.run(hostile("one", "long_log"), max_log=1 << 20)
    assert results["one"].state is StepState.SUCCESS
    log = project.log("one")
    assert len(log) < (1 << 20) + (1 << 17)
    assert "mlopsctl: the log is too long; " in log


@linux
def test_a_step_that_takes_more_memory_than_it_asked_for_is_ended(project: Project) -> None:
    result = project.run_one("eat_memory", resources=Resources(memory=150 << 20))
    assert result.state is StepState.FAILED
    assert result.problem.endswith("of memory, and asked for 150 MiB")
    assert "resources.memory" in result.hint
    project.assert_nobody_is_left()


def test_libraries_of_a_step_may_use_as_many_cores_as_it_asked_for(project: Project) -> None:
    results = project.run(replace(honest("one"), resources=Resources(cpu=3.5)), honest("two"))
    assert results["one"].notes["threads"] == "3"
    assert results["two"].notes["threads"] == "1"
    assert results["one"].notes["token"] == "absent"


def test_a_step_in_a_fresh_interpreter_is_like_every_other(project: Project) -> None:
    fresh = Resources(cpu=1)
    steps = [
        replace(honest("good", text="hello"), resources=fresh),
        replace(honest("reader", "good"), resources=fresh),
        hostile("broken", "error", resources=fresh),
        hostile("hanging", "ignore_term", resources=fresh, timeout=3.0),
        hostile("dead", "kill_self", resources=fresh),
    ]
    results = project.run(*steps)
    assert results["reader"].notes["read"] == {"good": "hello"}
    assert results["broken"].problem == "KeyError: 'specis'"
    assert results["hanging"].problem == "the step took longer than its timeout of 3 s"
    assert results["dead"].problem == "the step was killed by signal 9 (out of memory?)"
    project.assert_nobody_is_left()


def test_a_step_whose_when_is_false_is_skipped_with_its_readers(project: Project) -> None:
    results = project.run(
        replace(honest("left-out"), when=False), honest("reader", "left-out"), honest("may", "left-out", optional=True)
    )
    assert (results["left-out"].state, results["left-out"].problem) == (StepState.SKIPPED, "its `when` is false")
    assert results["reader"].state is StepState.SKIPPED
    assert results["may"].state is StepState.SUCCESS


def test_temporary_files_of_a_step_go_with_it(project: Project) -> None:
    assert project.run_one("temporary_files").state is StepState.SUCCESS
    assert not Path((project.folder / "temporary.txt").read_text()).parent.exists()


def test_an_error_in_the_projects_code_names_file_and_line(project: Project) -> None:
    (project.folder / "trainer.py").write_text("def fit():\n    rows = []\n    return rows[1]\n")
    result = project.run_one("users_error")
    assert result.problem == "trainer.py:3: IndexError: list index out of range"
    assert "Traceback (most recent call last)" in project.log("one")


def test_a_missing_package_is_named(project: Project) -> None:
    assert "install the package that has the module 'trainer'" in project.run_one("users_error").hint


@linux
@pytest.mark.parametrize("way", ["hang", "ignore_term", "daemonise_and_hang", "many_children"])
def test_after_its_timeout_a_step_is_ended_with_all_its_processes(way: str, project: Project) -> None:
    begun = time.monotonic()
    result = project.run_one(way, timeout=1.0)
    assert result.state is StepState.FAILED
    assert result.problem == "the step took longer than its timeout of 1 s"
    assert time.monotonic() - begun < 10
    project.assert_nobody_is_left()
    assert "timeout of 1 s" in project.log("one")


@linux
def test_a_killed_supervisor_takes_the_step_and_its_daemon_along(project: Project) -> None:
    result = project.run_one("kill_supervisor")
    assert (result.state, result.problem) == (StepState.FAILED, "the step's supervising process was killed")
    project.assert_nobody_is_left()


@linux
def test_a_killed_worker_fails_what_runs_and_a_new_one_runs_the_rest(project: Project) -> None:
    def kill_worker(id: str) -> None:
        if id == "second":
            _wait_for(project.folder / "ready.pid")
            for worker in set(children(os.getpid())) & set(project.processes()):
                os.kill(worker, signal.SIGKILL)

    project.on_start = kill_worker
    results = project.run(hostile("first", "daemonise_and_hang"), honest("second"), honest("third", seconds=0.1))
    assert results["first"].state is StepState.FAILED
    assert "worker" in results["first"].problem
    assert results["third"].state is StepState.SUCCESS
    project.assert_nobody_is_left()


def test_a_worker_that_cannot_start_is_named_with_its_last_words(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = project.folder / "broken"
    broken.mkdir()
    (broken / "pydantic.py").write_text("raise ImportError('pydantic is broken')")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    result = project.run(honest("first"))["first"]
    assert result.state is StepState.FAILED
    assert "pydantic is broken" in result.problem


def test_the_leftovers_of_a_dead_run_are_swept_and_those_of_a_live_one_are_not(project: Project) -> None:
    from mlopsctl.orchestrators.local.staging import Staging

    dead = project.folder / "staging" / "dead" / "train.1" / "inputs"
    dead.mkdir(parents=True)
    with Staging(project.folder / "staging") as other:
        live = other.make("live", "train", 1)
        project.run(honest("first"))
        assert not dead.exists()
        assert live.exists()


# What ends from outside


def _wait_for(path: Path, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.01)


def _drive(project: Project, *steps: str, grace: float = 0.5) -> subprocess.Popen[str]:
    command = [sys.executable, str(DRIVE), str(project.folder), str(grace), *steps]
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _wait_for(project.folder / "ready.pid")
    return started


def _records(project: Project) -> list[str]:
    return (project.folder / "records.txt").read_text().splitlines()


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_stops_in_order_and_records_what_ran(number: signal.Signals, project: Project) -> None:
    with _drive(project, "stubborn=ignore_term", "daemon=daemonise_and_hang") as run:
        run.send_signal(number)
        _, said = run.communicate(timeout=20)
    assert run.returncode == ExitCode.INTERRUPTED, said
    assert sorted(_records(project))[::2] == ["daemon canceled", "stubborn canceled"]
    project.assert_nobody_is_left()
    assert not (project.folder / "staging").exists()


@linux
def test_a_second_interrupt_does_not_wait_for_the_grace(project: Project) -> None:
    with _drive(project, "stubborn=ignore_term", grace=30.0) as run:
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
    assert time.monotonic() - begun < 15
    assert _records(project)[-1] == "stubborn canceled"
    project.assert_nobody_is_left()


@linux
@pytest.mark.parametrize("way", ["daemonise_and_hang", "ignore_term", "many_children"])
def test_a_killed_orchestrator_leaves_nobody(way: str, project: Project) -> None:
    with _drive(project, f"one={way}") as run:
        run.kill()
        run.communicate(timeout=20)
    project.assert_nobody_is_left(within=5.0)


@linux
def test_after_a_kill_the_next_run_sweeps_and_succeeds(project: Project) -> None:
    with _drive(project, "one=ignore_term") as run:
        run.kill()
        run.communicate(timeout=20)
    assert (project.folder / "staging" / "run").exists()
    assert project.run(honest("first"))["first"].state is StepState.SUCCESS
    assert not (project.folder / "staging").exists()


# In this process, for debuggers


def test_in_process_gives_the_same_results(project: Project) -> None:
    away = project.run(honest("first", text="hello"), honest("second", "first"))
    before, path = os.getcwd(), list(sys.path)
    here = project.run(honest("first", text="hello"), honest("second", "first"), in_process=True)
    assert {id: result.outputs for id, result in here.items()} == {id: result.outputs for id, result in away.items()}
    assert here["second"].notes["folder"] == str(project.folder)
    assert (os.getcwd(), sys.path) == (before, path)


def test_in_process_an_error_fails_the_step(project: Project) -> None:
    results = project.run(hostile("one", "error"), honest("two", "one"), in_process=True)
    assert results["one"].problem == "KeyError: 'specis'"
    assert results["two"].state is StepState.UPSTREAM_FAILED


def test_in_process_an_interrupt_cancels(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(Interrupted):
        project.run(honest("one"), honest("two"), in_process=True)
    assert [(id, result.state.value) for id, _, result in project.records] == [("one", "canceled")]
