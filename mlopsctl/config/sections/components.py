"""The ``components`` section: steps of the user's own."""

from typing import Literal, TypeAlias

from pydantic import Field, JsonValue

from mlopsctl.components.own_kinds import CommandRun, ContainerRun, PythonRun, Run
from mlopsctl.config.sections.text import Requirements, Text
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Cpu, Duration, Memory, Name
from mlopsctl.pipeline.ir import ArtifactType

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
    when: bool = Field(
        True, title="When", description="Run the step only when true; `${vars.x}` and `${parameters.x}` may stand here."
    )
    requirements: Requirements | None = Field(
        None, title="Requirements", description="Python packages of this step: a requirements file, or a list."
    )

    @property
    def output_types(self) -> dict[str, ArtifactType]:
        """The outputs' types as the pipeline knows them."""
        return {name: ArtifactType(kind) for name, kind in self.outputs.items()}
