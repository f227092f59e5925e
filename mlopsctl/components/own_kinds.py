"""How a component of the user's own is executed, as users write it under ``run``."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from mlopsctl.ground.containers import by_digest
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Entrypoint, RelativePath

_PLACEHOLDERS = "`{inputs.NAME}`, `{outputs.NAME}` and `{parameters.NAME}` stand for paths and values"

Word: TypeAlias = Annotated[str, Field(min_length=1)]


class PythonRun(Spec):
    """A Python function of the project: ``def run(examples: Path, cleaned: Path, *, min_rows: int) -> None``."""

    kind: Literal["python"] = Field(title="Kind", description="Call a Python function of the project.")
    entrypoint: Entrypoint = Field(title="Entrypoint", description="The function, as `module:function`.")


class CommandRun(Spec):
    """A command on the machine of the step, in any language."""

    kind: Literal["command"] = Field(title="Kind", description="Run a command, in any language.")
    command: Annotated[tuple[Word, ...], Field(strict=False)] = Field(
        min_length=1, title="Command", description=f"The command and its arguments, no shell; {_PLACEHOLDERS}."
    )
    files: Annotated[tuple[RelativePath, ...], Field(strict=False)] = Field(
        (),
        title="Files",
        description="Files and folders of the project that the command reads beside those that its words name: when "
        "one of them changes, the step runs again.",
    )


class ContainerRun(Spec):
    """A command in a container image."""

    kind: Literal["container"] = Field(title="Kind", description="Run a command in a container image.")
    image: Annotated[Word, AfterValidator(by_digest)] = Field(
        title="Image", description="The container image, by digest (`name@sha256:…`)."
    )
    command: Annotated[tuple[Word, ...], Field(strict=False)] = Field(
        (), title="Command", description=f"The command and its arguments, the image's own by default; {_PLACEHOLDERS}."
    )
    network: bool = Field(
        False, title="Network", description="Whether the container may reach the network; not by default."
    )


Run: TypeAlias = Annotated[PythonRun | CommandRun | ContainerRun, Field(discriminator="kind")]
