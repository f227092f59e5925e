"""How a component of the user's own is executed, as users write it under ``run``."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Entrypoint, refusal

_PLACEHOLDERS = "`{inputs.NAME}`, `{outputs.NAME}` and `{parameters.NAME}` stand for paths and values"
_BY_DIGEST = re.compile(r"(\S+@)?sha256:[0-9a-f]+", re.ASCII)


def _pinned(image: str) -> str:
    """An image by what it is: a tag may name another image tomorrow, and nobody would run the step again."""
    if not _BY_DIGEST.fullmatch(image):
        raise refusal(
            "image-tag",
            f"the image {image[:80]!r} is not named by its digest",
            "write NAME@sha256:…, as `docker image inspect --format '{{index .RepoDigests 0}}' NAME` prints it, or "
            "the id of an image of this machine: sha256:…",
        )
    return image


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


class ContainerRun(Spec):
    """A command in a container image."""

    kind: Literal["container"] = Field(title="Kind", description="Run a command in a container image.")
    image: Annotated[Word, AfterValidator(_pinned)] = Field(
        title="Image", description="The container image, by digest (`name@sha256:…`)."
    )
    command: Annotated[tuple[Word, ...], Field(strict=False)] = Field(
        (), title="Command", description=f"The command and its arguments, the image's own by default; {_PLACEHOLDERS}."
    )
    network: bool = Field(
        False, title="Network", description="Whether the container may reach the network; not by default."
    )


Run: TypeAlias = Annotated[PythonRun | CommandRun | ContainerRun, Field(discriminator="kind")]
