"""``sklearn``: any installed estimator with scikit-learn's interface, by its dotted name."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.frameworks.target import TargetBase
from mlopsctl.ground.scalars import DottedName


class SklearnTarget(TargetBase):
    """An estimator with scikit-learn's ``fit`` and ``predict``."""

    kind: Literal["sklearn"] = Field(default="sklearn", title="Kind", description="A scikit-learn estimator.")
    estimator: DottedName = Field(
        title="Estimator", description="Its dotted name, for example sklearn.linear_model.LogisticRegression."
    )

    def packages(self) -> tuple[str, ...]:
        """See :meth:`TargetBase.packages`."""
        return ("numpy", "pandas", "scikit-learn", "scipy")
