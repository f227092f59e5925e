"""What a run on this machine asks of its caller: who knows the cache and keeps the records, who shows it, and how."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlopsctl.pipeline.ir import Step
from mlopsctl.step.task import StepResult, StepTask
from mlopsctl.step.wire import MAX_LOG


class Driver(Protocol):
    """What the run asks of its caller, in the run's own thread."""

    def prepare(self, step: Step, upstream: Mapping[str, StepResult]) -> StepTask | StepResult:
        """The task of a step, its ``staging`` still empty; or its result, when it is known without running.

        Raises:
            StepProblem: when the step cannot run; it fails with this message. Any other error ends the run.
        """

    def started(self, step: Step, attempt: int, log: Path) -> None:
        """An attempt begins; attempts count from 1."""

    def finished(
        self, step: Step, attempt: int, started_ms: int, finished_ms: int, result: StepResult, log: Path | None
    ) -> None:
        """An attempt ended, or the step did without one. Called once for each, before anybody is told."""


class Observer(Protocol):
    """Who shows the run to a person."""

    def started(self, step: Step, attempt: int) -> None:
        """An attempt begins."""

    def retrying(self, step: Step, attempt: int, result: StepResult) -> None:
        """An attempt failed, and another will follow after the step's delay."""

    def finished(self, step: Step, result: StepResult, seconds: float) -> None:
        """The step has its result; ``seconds`` count its last attempt."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run.

    Attributes:
        jobs: attempts at a time.
        in_process: in this process, for a debugger.
        keep_going: after a failure, run what does not need the failed step.
        grace: seconds from TERM to KILL.
        max_log: bytes of an attempt's log that are kept before only its end is.
    """

    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    in_process: bool = False
    keep_going: bool = True
    grace: float = 5.0
    max_log: int = MAX_LOG
