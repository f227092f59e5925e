"""``kserve``: an InferenceService on Kubernetes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Cpu, Memory


class KServeServer(Spec):
    """A KServe InferenceService that serves the registered model."""

    not_yet: ClassVar[str] = "serving on KServe is not executed yet"

    kind: Literal["kserve"] = Field(
        "kserve", title="Kind", description="An InferenceService of KServe on a Kubernetes cluster."
    )
    namespace: str = Field(
        "default",
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        title="Namespace",
        description="The Kubernetes namespace of the service.",
    )
    name: str | None = Field(
        None,
        pattern=r"^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$",
        title="Name",
        description="The service's name; the project's name by default.",
    )
    service_account: str | None = Field(
        None,
        min_length=1,
        title="Service account",
        description="The Kubernetes service account that may read the model's storage.",
    )
    min_replicas: int = Field(
        1, ge=0, title="Fewest replicas", description="The fewest replicas; 0 lets the service sleep when nobody asks."
    )
    max_replicas: int | None = Field(
        None, ge=1, title="Most replicas", description="The most replicas that autoscaling may start."
    )
    canary: int | None = Field(
        None,
        ge=0,
        le=100,
        title="Canary traffic",
        description="The share of traffic in percent, as KServe counts it, that a new model gets first.",
    )
    cpu: Cpu | None = Field(None, title="CPU", description="Processor cores of a replica, such as `500m` or `2`.")
    memory: Memory | None = Field(None, title="Memory", description="Memory of a replica, such as `2Gi`.")
