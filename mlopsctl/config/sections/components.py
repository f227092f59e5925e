"""The ``components`` section: steps of the user's own."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, JsonValue

from mlopsctl.config.sections.text import Requirements, Text
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Cpu, Duration, Entrypoint, Memory, Name
from mlopsctl.pipeline.ir import ArtifactType

_PLACEHOLDERS = "`{inputs.NAME}`, `{outputs.NAME}` and `{parameters.NAME}` stand for paths and values"

OutputType: TypeAlias = Literal[
    "Examples", "Statistics", "Schema", "Anomalies", "TransformGraph", "HyperParameters", "Model", "Evaluation",
    "Predictions", "Metrics", "File",
]  # fmt: skip


class PythonRun(Spec):
    """A Python function of the project: ``def run(examples: Path, cleaned: Path, *, min_rows: int) -> None``."""

    kind: Literal["python"] = Field(title="Kind", description="Call a Python function of the project.")
    entrypoint: Entrypoint = Field(title="Entrypoint", description="The function, as `module:function`.")


class CommandRun(Spec):
    """A command on the machine of the step, in any language."""

    kind: Literal["command"] = Field(title="Kind", description="Run a command, in any language.")
    command: tuple[Text, ...] = Field(
        min_length=1, title="Command", description=f"The command and its arguments, no shell; {_PLACEHOLDERS}."
    )


class ContainerRun(Spec):
    """A command in a container image."""

    kind: Literal["container"] = Field(title="Kind", description="Run a command in a container image.")
    image: Text = Field(title="Image", description="The container image, by digest (`name@sha256:…`).")
    command: tuple[Text, ...] = Field(
        (), title="Command", description=f"The command and its arguments, the image's own by default; {_PLACEHOLDERS}."
    )


Run: TypeAlias = Annotated[PythonRun | CommandRun | ContainerRun, Field(discriminator="kind")]


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

    not_yet: ClassVar[str] = "components of your own"

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
