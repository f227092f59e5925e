"""``pytorch``: a training function that returns a PyTorch module."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.frameworks.target import FunctionTarget, Output


class PyTorchTarget(FunctionTarget):
    """A ``torch.nn.Module`` that a function of the project returns."""

    not_yet: ClassVar[str] = "training with kind: pytorch"

    kind: Literal["pytorch"] = Field(default="pytorch", title="Kind", description="A PyTorch module.")
    output: Output = Field(
        default="logits", title="Output", description="What the module answers with: logits, probability or label."
    )

    def packages(self) -> tuple[str, ...]:
        """See :meth:`TargetBase.packages`."""
        return ("numpy", "pandas", "torch")
