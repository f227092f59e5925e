"""What steps cost: their time at the environment's prices. What is not known is named, and never counted as zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from mlopsctl.config.load import Loaded
from mlopsctl.config.project import Project
from mlopsctl.config.sections.prices import PerHour
from mlopsctl.ground.errors import Problem
from mlopsctl.lowering.lower import lower
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.orchestrators.portability.machines import accelerator_name
from mlopsctl.orchestrators.specs import Vertex
from mlopsctl.orchestrators.specs.vertex import Machine
from mlopsctl.orchestrators.vertex.custom_jobs import machines
from mlopsctl.pipeline.ir import Pipeline, Resources, Step
from mlopsctl.step.task import StepState

_HOUR = 3_600_000
_GIBIBYTE = 1 << 30
_TOOK_TIME = (StepState.SUCCESS, StepState.FAILED, StepState.CANCELED)


@dataclass(frozen=True, slots=True)
class Cost:
    """What some steps cost.

    Attributes:
        steps: in the currency, by step.
        unknown: steps whose price or time is not known; they stand in no sum.
    """

    currency: str
    steps: Mapping[str, float]
    unknown: tuple[str, ...] = ()

    @property
    def total(self) -> float | None:
        """The sum of what is known; ``None`` where nothing is."""
        return fsum(self.steps.values()) if self.steps else None


def cost(project: Project, pipeline: Pipeline, times: Mapping[str, int | None]) -> Cost | None:
    """What steps cost that take so many milliseconds; ``None`` where the environment has no prices.

    Args:
        pipeline: says what each step asks for.
        times: by step, in milliseconds; ``None`` where nobody knows.
    """
    if project.prices is None:
        return None
    rates = hourly(project, pipeline)
    known: dict[str, float] = {}
    for step, took in times.items():
        rate = rates.get(step)
        if rate is not None and took is not None:
            known[step] = rate * max(0, took) / _HOUR
    return Cost(project.prices.currency, known, tuple(step for step in times if step not in known))


def cost_of_run(loaded: Loaded, run: RunRecord, executions: Sequence[ExecutionRecord]) -> Cost | None:
    """What the steps of a run cost, at the prices and with the wishes that they have now where ``apply`` runs them."""
    if loaded.project.prices is None or run.environment != loaded.environment:
        return None
    try:
        pipeline = lower(loaded).pipeline
    except Problem:
        pipeline = Pipeline(loaded.project.name, ())
    return cost(loaded.project, pipeline, times_of(executions))


def times_of(executions: Sequence[ExecutionRecord]) -> Mapping[str, int]:
    """The milliseconds of each step that ran, all attempts together; steps that were reused took none."""
    found: dict[str, int] = {}
    for one in executions:
        if one.state in _TOOK_TIME:
            found[one.step] = found.get(one.step, 0) + max(0, one.finished - one.started)
    return found


def hourly(project: Project, pipeline: Pipeline) -> Mapping[str, float]:
    """What an hour of each step costs, of those whose price is known."""
    if project.prices is None:
        return {}
    per_hour, engine = project.prices.per_hour, project.orchestrator
    placed = machines(pipeline, engine) if isinstance(engine, Vertex) else {}
    every = engine.machine_type if isinstance(engine, Vertex) else None
    found: dict[str, float] = {}
    for step in pipeline.steps:
        machine = placed.get(step.id)
        if machine is None and every is not None and step.resources == Resources():
            machine = Machine(machine_type=every)
        rates = list(_of_step(per_hour, step) if machine is None else _of_machine(per_hour, machine))
        if None not in rates:
            found[step.id] = fsum(rate for rate in rates if rate is not None)
    return found


def _of_step(per_hour: PerHour, step: Step) -> Iterator[float | None]:
    """The price of each thing that a step asks for; ``None`` where the table has none."""
    asked = step.resources
    accelerators = {kind: count for kind, count in asked.accelerators.items() if count > 0}
    if asked.cpu is None and asked.memory is None and not accelerators:
        yield per_hour.step
    if asked.cpu is not None:
        yield _times(asked.cpu, per_hour.cpu)
    if asked.memory is not None:
        yield _times(asked.memory / _GIBIBYTE, per_hour.memory)
    for kind, count in accelerators.items():
        yield _times(count, _accelerator(per_hour, kind))


def _of_machine(per_hour: PerHour, machine: Machine) -> Iterator[float | None]:
    """The price of a machine by name, and of its accelerators."""
    yield (per_hour.spot_machines if machine.spot else per_hour.machines).get(machine.machine_type)
    if machine.accelerator is not None:
        yield _times(machine.accelerators, _accelerator(per_hour, machine.accelerator))


def _accelerator(per_hour: PerHour, kind: str) -> float | None:
    """By the name that the step has, or by the one that Vertex AI gives it."""
    if kind in per_hour.accelerators:
        return per_hour.accelerators[kind]
    named = {accelerator_name(name): price for name, price in per_hour.accelerators.items()}
    return named.get(accelerator_name(kind))


def _times(amount: float, price: float | None) -> float | None:
    return None if price is None else amount * price
