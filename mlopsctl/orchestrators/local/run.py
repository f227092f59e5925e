"""Running a pipeline on this machine: start what is ready, wait, record, tell the followers, until nothing is left.

One thread, one loop. Each attempt runs in processes of its own below a warm worker (:mod:`mlopsctl.step.zygote`); this
process only decides. The caller's :class:`Driver` knows the cache and keeps the records, its :class:`Observer` shows.
"""

from __future__ import annotations

import heapq
import selectors
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import Diagnostic, Interrupted, StepProblem
from mlopsctl.ground.interrupts import Interrupts
from mlopsctl.ground.secrets import look_up
from mlopsctl.orchestrators.local.contract import Driver, Observer, Settings
from mlopsctl.orchestrators.local.schedule import Schedule
from mlopsctl.orchestrators.local.staging import Staging
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.environments import Environment, Installation, environment_of
from mlopsctl.step.task import StepResult, StepState, StepTask
from mlopsctl.step.wire import Request
from mlopsctl.step.worker import Call, Worker

WORKER_LOG = "worker.log"

__all__ = ["WORKER_LOG", "Driver", "Observer", "Settings", "run_pipeline"]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt that runs, or waits for its environment."""

    step: Step
    task: StepTask
    number: int
    log: Path
    started_ms: int
    begun: float


@dataclass(frozen=True, slots=True, order=True)
class _Again:
    """A failed step's next attempt, due at a moment of the monotonic clock."""

    due: float
    order: int
    step: Step = field(compare=False)
    task: StepTask = field(compare=False)
    number: int = field(compare=False)


def run_pipeline(
    pipeline: Pipeline,
    driver: Driver,
    observer: Observer,
    *,
    workspace: Path,
    logs: Path,
    settings: Settings | None = None,
) -> Mapping[str, StepResult]:
    """Run every step of the pipeline that can run; the result of each step, by id, in no particular order.

    Each attempt has a private folder below ``workspace/<run>`` and its output in ``logs/<step>.<attempt>.log``. A step
    with packages of its own runs in an environment below ``environments`` beside the workspace, built when needed.
    A step starts when all steps before it have ended. One whose ``when`` is false is *skipped*; else its trigger rule
    decides (:func:`mlopsctl.step.order.stopped`): by default a step after a failed one is *upstream_failed*, and one
    after a skipped one *skipped* as well, unless what it reads of that is optional.
    Steps that never started because of ``keep_going=False`` are *canceled*; these alone are not told to the driver.

    In the main thread, SIGINT, SIGTERM and SIGHUP stop the run in order; a second one kills at once. With
    ``in_process`` steps run here, one by one; timeouts and the fixed environment of steps do not apply then.

    Raises:
        Interrupted: after everything was stopped and the running steps were recorded as canceled.
    """
    settings = settings or Settings()
    with (
        Staging(workspace) as staging,
        Interrupts(active=not settings.in_process) as interrupts,
        Worker(logs / WORKER_LOG) as worker,
    ):
        environments = workspace.with_name("environments")
        return _Run(pipeline, driver, observer, logs, environments, settings, staging, interrupts, worker).results()


class _Run:
    def __init__(
        self,
        pipeline: Pipeline,
        driver: Driver,
        observer: Observer,
        logs: Path,
        environments: Path,
        settings: Settings,
        staging: Staging,
        interrupts: Interrupts,
        worker: Worker,
    ) -> None:
        self._schedule = Schedule(pipeline)
        self._driver = driver
        self._observer = observer
        self._logs = logs
        self._environments = environments
        self._settings = settings
        self._staging = staging
        self._interrupts = interrupts
        self._worker = worker
        self._running: dict[Call | Installation, _Attempt] = {}
        self._again: list[_Again] = []
        self._obeyed = 0
        self._given_up = ""

    def results(self) -> Mapping[str, StepResult]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._interrupts, selectors.EVENT_READ)
            while True:
                self._obey()
                self._start(selector)
                if not self._running and not self._again:
                    break
                self._wait(selector)
        if self._interrupts.count:
            raise Interrupted(
                Diagnostic("interrupted", "the run was interrupted", hint="the next apply goes on where this one ended")
            )
        return self._schedule.results

    # Starting

    def _start(self, selector: selectors.BaseSelector) -> None:
        """Start what is ready while there is room; what needs no process ends on the spot."""
        while not self._interrupts.count and len(self._running) < self._room():
            if again := self._due():
                self._launch(again.step, again.task, again.number, selector)
            elif step := self._schedule.next():
                self._settle_or_launch(step, selector)
            else:
                return

    def _room(self) -> int:
        return 1 if self._settings.in_process else max(1, self._settings.jobs)

    def _due(self) -> _Again | None:
        is_due = self._again and self._again[0].due <= time.monotonic()
        return heapq.heappop(self._again) if is_due else None

    def _settle_or_launch(self, step: Step, selector: selectors.BaseSelector) -> None:
        now = now_ms()
        result = self._schedule.inherited(step) or self._not_started() or self._prepared(step)
        if isinstance(result, StepTask):
            self._launch(step, result, 1, selector)
            return
        if result.state is not StepState.CANCELED:
            self._driver.finished(step, 1, now, now_ms(), result, None)
        self._conclude(step, result, 0.0)

    def _not_started(self) -> StepResult | None:
        if not self._given_up:
            return None
        return StepResult(StepState.CANCELED, problem=f"not started, because {self._given_up} failed")

    def _prepared(self, step: Step) -> StepTask | StepResult:
        try:
            prepared = self._driver.prepare(step, self._schedule.upstream(step))
            if isinstance(prepared, StepTask):
                look_up(prepared.parameters)  # a secret that is not set is told before anything starts
            return prepared
        except StepProblem as problem:
            hints = (found.hint for found in problem.diagnostics if found.hint)
            return StepResult(StepState.FAILED, problem=str(problem), hint=next(hints, ""))

    def _launch(self, step: Step, task: StepTask, number: int, selector: selectors.BaseSelector) -> None:
        folder = self._staging.make(task.run_id, step.id, number)
        log = self._logs / f"{step.id}.{number}.log"
        environment = environment_of(self._environments, step.requirements) if step.requirements else None
        python = str(environment.python) if environment is not None else ""
        task = replace(task, staging=str(folder), resources=step.resources, python=python)
        attempt = _Attempt(step, task, number, log, now_ms(), time.monotonic())
        self._driver.started(step, number, log)
        self._observer.started(step, number)
        if self._settings.in_process:
            self._run_here(attempt)
        elif environment is not None and not environment.is_ready():
            self._follow(environment.install(self._log_of(environment)), attempt, selector)
        else:
            self._submit(attempt, selector)

    def _submit(self, attempt: _Attempt, selector: selectors.BaseSelector) -> None:
        task, settings = attempt.task, self._settings
        secrets = look_up(task.parameters)
        request = Request(task, attempt.log, attempt.step.timeout, settings.grace, settings.max_log, secrets)
        self._follow(self._worker.submit(request), attempt, selector)

    def _follow(self, call: Call | Installation, attempt: _Attempt, selector: selectors.BaseSelector) -> None:
        selector.register(call, selectors.EVENT_READ)
        self._running[call] = attempt

    def _log_of(self, environment: Environment) -> Path:
        return self._logs / f"environment-{environment.folder.name}.log"

    def _run_here(self, attempt: _Attempt) -> None:
        from mlopsctl.step.execute import execute

        if attempt.task.python:
            self._ended(attempt, _NOT_HERE)
            return
        attempt.log.parent.mkdir(parents=True, exist_ok=True)
        attempt.log.write_text("The step ran in the process of mlopsctl; its output went to the terminal.\n")
        try:
            result = execute(attempt.task)
        except KeyboardInterrupt:
            self._interrupts.count += 1
            result = _CANCELED
        self._ended(attempt, result)

    # Waiting

    def _wait(self, selector: selectors.BaseSelector) -> None:
        # Without room, only an end or an interrupt changes anything.
        timed = self._again and len(self._running) < self._room()
        pause = max(0.0, self._again[0].due - time.monotonic()) if timed else None
        for key, _ in selector.select(pause):
            if key.fileobj is self._interrupts:
                self._interrupts.drain()
            elif isinstance(key.fileobj, Call | Installation):
                self._hear(key.fileobj, selector)

    def _hear(self, call: Call | Installation, selector: selectors.BaseSelector) -> None:
        result = call.collect()
        if result is None:
            return
        selector.unregister(call)
        call.close()
        attempt = self._running.pop(call)
        if isinstance(call, Installation) and result.state is StepState.SUCCESS:
            self._submit(attempt, selector)
        else:
            self._ended(attempt, result)

    def _obey(self) -> None:
        """Stop in order at the first request, at once at the second."""
        if self._interrupts.count == self._obeyed:
            return
        self._obeyed = self._interrupts.count
        self._again.clear()
        for call in self._running:
            call.stop()

    # Ending

    def _ended(self, attempt: _Attempt, result: StepResult) -> None:
        """Record an attempt's end; then try again, or let the step have this result."""
        step, number = attempt.step, attempt.number
        self._staging.remove(Path(attempt.task.staging))
        self._driver.finished(step, number, attempt.started_ms, now_ms(), result, attempt.log)
        repeat = result.state is StepState.FAILED and number <= step.retry.attempts and not self._interrupts.count
        if repeat:
            due = time.monotonic() + step.retry.delay
            heapq.heappush(self._again, _Again(due, len(self._again), step, attempt.task, number + 1))
            self._observer.retrying(step, number, result)
        else:
            self._conclude(step, result, time.monotonic() - attempt.begun)

    def _conclude(self, step: Step, result: StepResult, seconds: float) -> None:
        if result.state is StepState.FAILED and not self._settings.keep_going:
            self._given_up = self._given_up or step.id
        self._schedule.finish(step, result)
        self._observer.finished(step, result, seconds)


_NOT_HERE = StepResult(
    StepState.FAILED,
    problem="the step has packages of its own, and cannot run in the process of mlopsctl",
    hint="run without --in-process",
)
_CANCELED = StepResult(StepState.CANCELED, problem="the step was stopped before its end")
