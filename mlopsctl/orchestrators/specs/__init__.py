"""The settings of every orchestrator, as users write them; importing them imports no engine. One file a kind."""

from typing import Annotated, TypeAlias

from pydantic import Field

from mlopsctl.orchestrators.specs.airflow import Airflow
from mlopsctl.orchestrators.specs.kfp import Kubeflow
from mlopsctl.orchestrators.specs.local import Local
from mlopsctl.orchestrators.specs.vertex import Vertex

Orchestrator: TypeAlias = Annotated[Local | Kubeflow | Vertex | Airflow, Field(discriminator="kind")]

__all__ = ["Airflow", "Kubeflow", "Local", "Orchestrator", "Vertex"]
