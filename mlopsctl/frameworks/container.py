"""``command`` and ``container``: training in any language, by a program that reads and writes folders."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.frameworks.target import Output, TargetBase, Words


class CommandTarget(TargetBase):
    """A program on this machine, without a shell; ``{inputs.examples}`` and ``{outputs.model}`` stand for folders."""

    not_yet: ClassVar[str] = "training with kind: command"

    kind: Literal["command"] = Field(default="command", title="Kind", description="A program in any language.")
    command: Words = Field(
        title="Command",
        description='The program and its arguments, for example [Rscript, train.R, --in, "{inputs.examples}"].',
    )
    output: Output | None = Field(
        default=None, title="Output", description="What the model answers with: logits, probability or label."
    )


class ContainerTarget(TargetBase):
    """A program in a container image."""

    not_yet: ClassVar[str] = "training with kind: container"

    kind: Literal["container"] = Field(default="container", title="Kind", description="A program in an image.")
    image: str = Field(min_length=1, title="Image", description="The image, best by digest.")
    command: Words | None = Field(
        default=None, title="Command", description="The program and its arguments; default: the image's own."
    )
    output: Output | None = Field(
        default=None, title="Output", description="What the model answers with: logits, probability or label."
    )
