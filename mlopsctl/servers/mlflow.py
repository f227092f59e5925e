"""``mlflow``: MLflow's scoring server as a background process on this machine."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration


class MLflowServer(Spec):
    """MLflow's scoring server on the loopback address; it outlives the command that starts it."""

    kind: Literal["mlflow"] = Field("mlflow", title="Kind", description="MLflow's scoring server on this machine.")
    port: int = Field(
        0,
        ge=0,
        le=65_535,
        title="Port",
        description="The port on 127.0.0.1. 0, the default, takes a free one at the first start and keeps it.",
    )
    startup_timeout: Duration = Field(
        120.0,
        gt=0,
        title="Startup timeout",
        description="How long a new server may take until it answers, such as `90s`; `2m` by default. "
        "The old one serves until then.",
    )

    def apart(self) -> Self:
        """The same server with a free port of its own, for an environment that is made like another."""
        return self.model_copy(update={"port": 0})
