"""``xgboost``: gradient boosted trees through XGBoost's scikit-learn interface."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.frameworks.target import TargetBase
from mlopsctl.ground.scalars import DottedName


class XGBoostTarget(TargetBase):
    """An XGBoost model. With ``early_stopping_rounds`` among the parameters it watches the validation split."""

    kind: Literal["xgboost"] = Field(default="xgboost", title="Kind", description="An XGBoost model.")
    estimator: DottedName | None = Field(
        default=None,
        title="Estimator",
        description="Its dotted name; default xgboost.XGBClassifier or xgboost.XGBRegressor, by the task.",
    )

    def packages(self) -> tuple[str, ...]:
        """See :meth:`TargetBase.packages`."""
        return ("numpy", "pandas", "scikit-learn", "scipy", "xgboost", "xgboost-cpu")
