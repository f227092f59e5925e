"""``python``: a training function of the user's own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.frameworks.target import FunctionTarget, Output


class PythonTarget(FunctionTarget):
    """A model that a function of the project returns; it must be picklable and have ``predict``, or be callable."""

    kind: Literal["python"] = Field(default="python", title="Kind", description="A training function in Python.")
    output: Output | None = Field(
        default=None,
        title="Output",
        description="What the model answers with: logits, probability or label; default: predict_proba where it has "
        "one, else label.",
    )

    def packages(self) -> tuple[str, ...]:
        """See :meth:`TargetBase.packages`."""
        return ("numpy", "pandas", "scikit-learn", "scipy")
