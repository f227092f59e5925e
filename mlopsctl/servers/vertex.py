"""``vertex``: an endpoint of Vertex AI."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.model import Spec


class VertexServer(Spec):
    """A Vertex AI endpoint that serves the registered model."""

    not_yet: ClassVar[str] = "serving on Vertex AI is not executed yet"

    kind: Literal["vertex"] = Field("vertex", title="Kind", description="An online endpoint of Vertex AI.")
    project: str = Field(min_length=1, title="Project", description="The Google Cloud project's id.")
    location: str = Field(
        pattern=r"^[a-z]+(-[a-z0-9]+)+$", title="Location", description="The region, such as `europe-west1`."
    )
    endpoint: str | None = Field(
        None, min_length=1, title="Endpoint", description="The endpoint's display name; the project's name by default."
    )
    machine_type: str = Field(
        "n1-standard-2", min_length=1, title="Machine type", description="The machines that serve."
    )
    accelerator_type: str | None = Field(
        None,
        min_length=1,
        title="Accelerator type",
        description="The accelerator of each machine, such as `NVIDIA_TESLA_T4`.",
    )
    accelerator_count: int = Field(
        0, ge=0, title="Accelerators", description="How many accelerators each machine has; 0 by default."
    )
    min_replicas: int = Field(1, ge=1, title="Fewest replicas", description="The fewest machines.")
    max_replicas: int = Field(
        1, ge=1, title="Most replicas", description="The most machines that autoscaling may start."
    )
    service_account: str | None = Field(
        None, min_length=1, title="Service account", description="The service account that the model runs under."
    )
