"""The pipeline: an immutable graph of typed steps, the one intermediate representation.

Every orchestrator compiles this value, the plan compares it, the step runtime executes its steps.
Positions in ``mlops.yaml`` are carried beside it (``Lowered.spans``), never in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlopsctl.ground.digest import Json, digest_json

WHEN = "when"
"""What the ``when`` of a step is called among its bindings."""


class ArtifactType(StrEnum):
    """The types of what steps leave; two ends of a wire must have the same type."""

    EXAMPLES = "Examples"
    STATISTICS = "Statistics"
    SCHEMA = "Schema"
    ANOMALIES = "Anomalies"
    TRANSFORM_GRAPH = "TransformGraph"
    HYPERPARAMETERS = "HyperParameters"
    MODEL = "Model"
    EVALUATION = "Evaluation"
    BLESSING = "Blessing"
    INFRA_BLESSING = "InfraBlessing"
    PUSHED_MODEL = "PushedModel"
    PREDICTIONS = "Predictions"
    METRICS = "Metrics"
    FILE = "File"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One output of one step, written ``step.output``."""

    step: str
    output: str

    def __str__(self) -> str:
        return f"{self.step}.{self.output}"


@dataclass(frozen=True, slots=True)
class Input:
    """A wired input: which outputs it reads, of which type.

    ``optional`` lets the step run when the producer was skipped. ``guard`` makes it a verdict that must be
    *pass*: where it is not, the step is skipped and never called.
    """

    ref: Ref
    type: ArtifactType
    optional: bool = False
    guard: bool = False


class Rule(StrEnum):
    """What must have become of the steps before a step, so that it runs; all of them have ended by then."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ONE_SUCCESS = "one_success"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"

    @property
    def outlives_failures(self) -> bool:
        """Whether a step with this rule may run although a step before it failed."""
        return self in (Rule.ALL_FAILED, Rule.ALL_DONE, Rule.ONE_SUCCESS)


@dataclass(frozen=True, slots=True)
class Decision:
    """A branch: the step runs where the one file of that output says this value, and is skipped where it does not."""

    ref: Ref
    equals: str | bool | int | float


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failed attempt is repeated, and the pause in seconds before each repetition."""

    attempts: int = 0
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What a step asks of the machine: cores, bytes of memory, accelerators by name. ``None``: no wish."""

    cpu: float | None = None
    memory: int | None = None
    accelerators: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A component placed in a pipeline.

    Attributes:
        id: the same on every orchestrator, in the plan, the metadata and on GitHub; at most 63 characters.
        component: the standard component's name (a module of ``mlopsctl.components``).
        component_version: raised when the component's results change for the same inputs.
        inputs: by input name; an input that takes several artifacts has names like ``models.forest``.
        outputs: by output name.
        parameters: JSON, after interpolation; read by the component's own parameters model.
        bindings: which run-time parameter feeds which parameter (dotted path), or ``when``, for orchestrators that
            pass them: the parameter's name, or text that holds some (``day-${parameters.day}``).
        sources: data outside the store that the step reads: URIs by the dotted path of the parameter that holds
            them. In the key the digest of the data takes the URI's place, so moving a file changes nothing.
        code: files of user code, relative to the project's folder, whose normalised text stands in the key.
        packages: distributions whose installed versions stand in the key.
        state_inputs: what is read once when the plan is made (``champion``), outside the key.
        seed: the project's seed, for a step that draws random numbers; ``None`` for one that does not.
        requirements: the packages of its own environment, ``name==version`` each, sorted; none: those beside mlopsctl.
        image: the container image that it runs in, by digest; empty: no container. In the key it takes the place of
            the versions of packages.
        when: false: the step is skipped, and so is what reads it; outside the key.
        retry, timeout (seconds), resources: how it runs; outside the key.
        after: ids of steps that end before it starts, although it reads nothing of them.
        rule: what must have become of the steps before it; outside the key, like ``after``.
        decision: the branch that the step is; outside the key.
        reuse: false: it never takes an earlier result.
        pool, priority: where the orchestrator has such a thing; empty and ``None``: the orchestrator's own.
    """

    id: str
    component: str
    component_version: int
    inputs: Mapping[str, Input]
    outputs: Mapping[str, ArtifactType]
    parameters: Mapping[str, Json]
    bindings: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    code: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    state_inputs: tuple[str, ...] = ()
    seed: int | None = None
    requirements: tuple[str, ...] = ()
    image: str = ""
    when: bool = True
    retry: Retry = Retry()
    timeout: float | None = None
    resources: Resources = Resources()
    after: tuple[str, ...] = ()
    rule: Rule = Rule.ALL_SUCCESS
    decision: Decision | None = None
    reuse: bool = True
    pool: str = ""
    priority: int | None = None

    @property
    def condition(self) -> str:
        """The run-time parameter that decides whether the step runs; empty where none does."""
        return self.bindings.get(WHEN, "")

    @property
    def upstream(self) -> tuple[str, ...]:
        """The ids of the steps before it, which it reads or only comes after, sorted, each once."""
        decided = {self.decision.ref.step} if self.decision is not None else set()
        return tuple(sorted({wired.ref.step for wired in self.inputs.values()} | decided | set(self.after)))

    @property
    def reads(self) -> tuple[Ref, ...]:
        """The outputs that it reads, and the one that decides whether it runs."""
        decided = (self.decision.ref,) if self.decision is not None else ()
        return (*(wired.ref for wired in self.inputs.values()), *decided)

    @property
    def is_ordered(self) -> bool:
        """Whether more than the data that it reads decides when it runs, and whether."""
        return bool(self.after) or self.rule is not Rule.ALL_SUCCESS or self.decision is not None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A project's steps in one topological order (declared order where the graph leaves a choice)."""

    name: str
    steps: tuple[Step, ...]

    def step(self, id: str) -> Step:
        """The step of that id.

        Raises:
            KeyError: when there is none.
        """
        for step in self.steps:
            if step.id == id:
                return step
        raise KeyError(id)

    @property
    def outlives_failures(self) -> bool:
        """Whether some step may run although a step before it failed."""
        return any(step.rule.outlives_failures for step in self.steps)

    @property
    def digest(self) -> str:
        """What the pipeline computes: ids, components, wiring and parameters; not how it runs."""
        return digest_json("mlopsctl/pipeline/v1", {"name": self.name, "steps": [_step_json(s) for s in self.steps]})


def _step_json(step: Step) -> Json:
    return {
        "id": step.id,
        "component": step.component,
        "component_version": step.component_version,
        "inputs": {
            name: {"ref": str(wired.ref), "optional": wired.optional, "guard": wired.guard}
            for name, wired in step.inputs.items()
        },
        "outputs": {name: kind.value for name, kind in step.outputs.items()},
        "parameters": step.parameters,
        "sources": step.sources,
        "code": step.code,
        "packages": step.packages,
        "seed": step.seed,
        **({"requirements": step.requirements} if step.requirements else {}),
        **({"image": step.image} if step.image else {}),
        **({} if step.when else {"when": False}),
        **_order_json(step),
    }


def _order_json(step: Step) -> dict[str, Json]:
    """What of a step's order is not as it is by default."""
    decision = step.decision
    return {
        **({"after": step.after} if step.after else {}),
        **({"rule": step.rule.value} if step.rule is not Rule.ALL_SUCCESS else {}),
        **({"decision": {"ref": str(decision.ref), "equals": decision.equals}} if decision is not None else {}),
        **({} if step.reuse else {"reuse": False}),
    }
