"""``vertex``: an endpoint of Vertex AI."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration, refusal
from mlopsctl.servers.image import ServingImage

_HALF_AN_HOUR = 1800.0


class VertexServer(Spec):
    """A Vertex AI endpoint that serves the registered model."""

    kind: Literal["vertex"] = Field("vertex", title="Kind", description="An online endpoint of Vertex AI.")
    project: str = Field(min_length=1, title="Project", description="The Google Cloud project's id.")
    location: str = Field(
        pattern=r"^[a-z]+(-[a-z0-9]+)+$", title="Location", description="The region, such as `europe-west1`."
    )
    api_endpoint: str | None = Field(
        None,
        pattern=r"^(https://[a-z0-9-]+(\.[a-z0-9-]+)*\.googleapis\.com|http://(localhost|127\.0\.0\.1)(:\d{1,5})?)$",
        title="API endpoint",
        description="Another address of the API than the region's public one, below `googleapis.com` (credentials are "
        "sent nowhere else) or on this machine.",
    )
    endpoint: str | None = Field(
        None, min_length=1, title="Endpoint", description="The endpoint's display name; the project's name by default."
    )
    image: ServingImage | None = Field(
        None,
        title="Image",
        description="The container image that serves, `name@sha256:…`; the image of the steps by default.",
    )
    command: tuple[str, ...] | None = Field(
        None,
        title="Command",
        description="What the image is started with; by default mlopsctl's server of the registered model. "
        "`[]` leaves it to the image.",
    )
    port: int = Field(8080, ge=1, le=65_535, title="Port", description="Where the container listens; 8080 by default.")
    predict_route: str = Field(
        "/invocations", pattern=r"^/\S*$", title="Predict route", description="The path that answers predictions."
    )
    health_route: str = Field(
        "/ping", pattern=r"^/\S*$", title="Health route", description="The path that says the container is well."
    )
    storage: str | None = Field(
        None,
        pattern=r"^gs://[a-z0-9][a-z0-9._-]{1,221}[a-z0-9](/[A-Za-z0-9._/-]*)?$",
        title="Storage",
        description="The `gs://` folder that the models are put in for the endpoint; `serving/` below "
        "`stores.artifacts` by default.",
    )
    machine_type: str = Field(
        "n1-standard-2", min_length=1, title="Machine type", description="The machines that serve."
    )
    accelerator_type: str | None = Field(
        None,
        pattern=r"^[A-Z][A-Z0-9_]+$",
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
    startup_timeout: Duration = Field(
        _HALF_AN_HOUR,
        gt=0,
        title="Startup timeout",
        description="How long a model may take until it is deployed; `30m` by default.",
    )
    keep_previous: bool = Field(
        True,
        title="Keep the previous model",
        description="Leave the model before deployed without traffic, so that a rollback takes seconds. "
        "Its machines cost; `false` removes it.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """What Vertex AI would refuse when the model is deployed."""
        if self.max_replicas < self.min_replicas:
            message = f"at most {self.max_replicas} and at least {self.min_replicas} replicas cannot be"
            raise refusal("bad-replicas", message, "raise `max_replicas`", "max_replicas")
        if (self.accelerator_type is None) != (self.accelerator_count == 0):
            missing = "accelerator_count" if self.accelerator_type is not None else "accelerator_type"
            raise refusal("missing-key", f"accelerators need `{missing}`", "set both, or none", missing)
        return self

    def apart(self) -> Self:
        """The same server with an endpoint of its own, for an environment that is made like another."""
        return self.model_copy(update={"endpoint": None})
