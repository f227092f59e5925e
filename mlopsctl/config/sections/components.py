"""The ``components`` section: steps of the user's own."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue

from mlopsctl.components.own_kinds import CommandRun, ContainerRun, PythonRun, Run
from mlopsctl.config.sections.text import Requirements, Text
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Cpu, Duration, Memory, Name
from mlopsctl.pipeline.ir import ArtifactType, Rule

__all__ = ["CommandRun", "ContainerRun", "OwnComponent", "PythonRun", "Run"]

OutputType: TypeAlias = Literal[
    "Examples", "Statistics", "Schema", "Anomalies", "TransformGraph", "HyperParameters", "Model", "Evaluation",
    "Predictions", "Metrics", "File",
]  # fmt: skip


class ComponentResources(Spec):
    """What a step asks of the machine."""

    cpu: Cpu | None = Field(None, title="CPU", description="Cores, such as `2`, `0.5` or `500m`.")
    memory: Memory | None = Field(None, title="Memory", description="Memory, such as `512Mi` or `4Gi`.")
    accelerators: dict[Text, int] = Field(
        {}, title="Accelerators", description="How many of each accelerator, by its name: `{nvidia-tesla-t4: 1}`."
    )


class ComponentRetry(Spec):
    """How often a failed attempt is repeated."""

    attempts: int = Field(ge=0, le=100, title="Attempts", description="How often a failed attempt is repeated.")
    delay: Duration | None = Field(None, title="Delay", description="The pause before each repetition, such as `30s`.")


TriggerRule: TypeAlias = Literal[
    "all_success", "all_failed", "all_done", "one_success", "none_failed", "none_failed_min_one_success"
]


class ComponentDecision(Spec):
    """A branch that is taken on what a step wrote."""

    reads: Text = Field(
        title="Reads", description="The output that decides, as `step.output`: of type `File`, with one file in it."
    )
    equals: str | bool | int | float = Field(
        title="Equals", description="What that file must say, without the white space around it."
    )


class OwnComponent(Spec):
    """A step of the user's own; its name is the step's id."""

    run: Run = Field(title="Run", description="What is executed: a Python function, a command or a container.")
    description: str = Field("", title="Description", description="What the step does, for people.")
    inputs: dict[Name, Text] = Field(
        {},
        title="Inputs",
        description="By input name, what is read: a dataset's name, or `step.output` such as `select.model`.",
    )
    outputs: dict[Name, OutputType] = Field(
        {}, title="Outputs", description="By output name, the type of what is left, such as `Examples` or `File`."
    )
    parameters: dict[Name, JsonValue] = Field(
        {}, title="Parameters", description="Values handed to the step, by name; `${parameters.x}` may stand here."
    )
    resources: ComponentResources | None = Field(
        None, title="Resources", description="What the step asks of the machine."
    )
    retry: ComponentRetry | None = Field(
        None, title="Retry", description="How often a failed attempt is repeated; never by default."
    )
    timeout: Duration | None = Field(
        None, title="Timeout", description="The longest an attempt may take, such as `15m`."
    )
    when: bool | ComponentDecision = Field(
        True,
        title="When",
        description="Run the step only when true; `${vars.x}` and `${parameters.x}` may stand here. Or "
        "`{reads: step.output, equals: value}`: only when that step wrote this value.",
    )
    after: Annotated[tuple[Name, ...], Field(strict=False)] = Field(
        (), title="After", description="Steps that end before this one starts, although it reads nothing of them."
    )
    trigger_rule: TriggerRule = Field(
        "all_success",
        title="Trigger rule",
        description="What must have become of the steps before it, in Airflow's words. With any rule but `all_success` "
        "what it reads may be missing.",
    )
    reuse: bool = Field(True, title="Reuse", description="With `false` the step never takes an earlier result.")
    pool: Text | None = Field(None, title="Pool", description="The pool of Airflow that the step takes its slots from.")
    priority: int | None = Field(
        None,
        ge=-(2**31),
        lt=2**31,
        title="Priority",
        description="Of steps that could start, the highest goes first: on this machine and on Airflow.",
    )
    requirements: Requirements | None = Field(
        None, title="Requirements", description="Python packages of this step: a requirements file, or a list."
    )

    @property
    def output_types(self) -> dict[str, ArtifactType]:
        """The outputs' types as the pipeline knows them."""
        return {name: ArtifactType(kind) for name, kind in self.outputs.items()}

    @property
    def rule(self) -> Rule:
        """The trigger rule as the pipeline knows it."""
        return Rule(self.trigger_rule)
