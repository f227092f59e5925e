"""``tensorflow``: a training function that returns a Keras model."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.frameworks.target import FunctionTarget, Output


class TensorFlowTarget(FunctionTarget):
    """A ``keras.Model`` that a function of the project returns."""

    not_yet: ClassVar[str] = "training with kind: tensorflow"

    kind: Literal["tensorflow"] = Field(default="tensorflow", title="Kind", description="A Keras model.")
    output: Output = Field(
        default="probability", title="Output", description="What the model answers with: logits, probability or label."
    )

    def packages(self) -> tuple[str, ...]:
        """See :meth:`TargetBase.packages`."""
        return ("keras", "numpy", "pandas", "tensorflow")
