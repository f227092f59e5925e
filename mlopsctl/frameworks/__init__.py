"""Frameworks: how one model is trained. One file a kind; the packed model is the same for all of them."""

from typing import Annotated

from pydantic import Field

from mlopsctl.frameworks.container import CommandTarget, ContainerTarget
from mlopsctl.frameworks.python import PythonTarget
from mlopsctl.frameworks.pytorch import PyTorchTarget
from mlopsctl.frameworks.sklearn import SklearnTarget
from mlopsctl.frameworks.tensorflow import TensorFlowTarget
from mlopsctl.frameworks.xgboost import XGBoostTarget

Target = Annotated[
    SklearnTarget | XGBoostTarget | PythonTarget | PyTorchTarget | TensorFlowTarget | CommandTarget | ContainerTarget,
    Field(discriminator="kind"),
]

__all__ = [
    "CommandTarget",
    "ContainerTarget",
    "PyTorchTarget",
    "PythonTarget",
    "SklearnTarget",
    "Target",
    "TensorFlowTarget",
    "XGBoostTarget",
]
