"""``kserve``: an InferenceService on Kubernetes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Cpu, Duration, Memory, refusal
from mlopsctl.servers.image import ServingImage

_TEN_MINUTES = 600.0


class KServeServer(Spec):
    """A KServe InferenceService that serves the registered model."""

    kind: Literal["kserve"] = Field(
        "kserve", title="Kind", description="An InferenceService of KServe on a Kubernetes cluster."
    )
    context: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,252}$",
        title="Context",
        description="The context of `kubectl` to apply to; the current one by default. Without any, the manifest is "
        "only written.",
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
        description="The service's name; the project's name, with the environment, by default.",
    )
    storage: str | None = Field(
        None,
        pattern=r"^(gs|s3|hdfs|webhdfs|abfs|abfss|az|https)://\S+$",
        title="Storage",
        description="The folder, as a URL that KServe reads too, that the models are put in; `serving/` below "
        "`stores.artifacts` by default.",
    )
    image: ServingImage | None = Field(
        None,
        title="Image",
        description="A container image that serves, `name@sha256:…`; KServe's runtime for MLflow by default.",
    )
    command: tuple[str, ...] | None = Field(
        None,
        title="Command",
        description="What `image` is started with; by default mlopsctl's server of the registered model. "
        "`[]` leaves it to the image.",
    )
    service_account: str | None = Field(
        None,
        pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$",
        title="Service account",
        description="The Kubernetes service account that may read the model's storage.",
    )
    min_replicas: int = Field(
        1, ge=0, title="Fewest replicas", description="The fewest replicas; 0 lets the service sleep when nobody asks."
    )
    max_replicas: int | None = Field(
        None, ge=1, title="Most replicas", description="The most replicas that autoscaling may start."
    )
    cpu: Cpu | None = Field(None, title="CPU", description="Processor cores of a replica, such as `500m` or `2`.")
    memory: Memory | None = Field(None, title="Memory", description="Memory of a replica, such as `2Gi`.")
    startup_timeout: Duration = Field(
        _TEN_MINUTES,
        gt=0,
        title="Startup timeout",
        description="How long the service may take until it is ready; `10m` by default.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """What cannot be, or would have no meaning."""
        if self.max_replicas is not None and self.max_replicas < self.min_replicas:
            message = f"at most {self.max_replicas} and at least {self.min_replicas} replicas cannot be"
            raise refusal("bad-replicas", message, "raise `max_replicas`", "max_replicas")
        if self.command is not None and self.image is None:
            raise refusal("missing-key", "`command` is for an image, and none is named", "add `image`", "command")
        return self

    def apart(self) -> Self:
        """The same server with a name of its own, for an environment that is made like another."""
        return self.model_copy(update={"name": None})
