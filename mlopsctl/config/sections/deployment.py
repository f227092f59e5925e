"""The ``deployment`` section: where a released model is served, and what it must show before."""

from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration, Fraction
from mlopsctl.servers import Server


class Preflight(Spec):
    """The model is started in a real server and asked, before anything is released."""

    samples: int = Field(
        10, ge=1, le=100_000, title="Samples", description="How many rows are sent to the server; 10 by default."
    )
    latency_p95_ms: float | None = Field(
        None,
        gt=0,
        title="Latency (p95, ms)",
        description="The 95th percentile of the answers' milliseconds may be at most this.",
    )
    tolerance: float = Field(
        1e-6,
        ge=0,
        title="Tolerance",
        description="How far an answer may differ from the prediction in process; 0.000001 by default.",
    )
    timeout: Duration | None = Field(
        None, title="Timeout", description="How long the server may take to start, such as `2m`."
    )


class Rollout(Spec):
    """How traffic moves to a new model."""

    not_yet: ClassVar[str] = "rollouts in steps"

    strategy: Literal["replace", "blue_green", "canary"] = Field(
        "replace", title="Strategy", description="`replace` at once, `blue_green` side by side, or `canary` in steps."
    )
    steps: tuple[Fraction, ...] = Field(
        (),
        title="Steps",
        description="For `canary`: the new model's growing shares of traffic, such as `[0.1, 0.5, 1.0]`.",
    )
    pause: Duration | None = Field(None, title="Pause", description="The time between two steps, such as `10m`.")

    @field_validator("steps")
    @classmethod
    def _growing(cls, steps: tuple[float, ...]) -> tuple[float, ...]:
        if any(after <= before for before, after in pairwise(steps)):
            raise ValueError("the steps of a rollout must grow")
        return steps


class Deployment(Spec):
    """Where a released model is served. Without it the model is registered and not served."""

    server: Server = Field(title="Server", description="What serves the model, by `kind`.")
    preflight: Preflight = Field(
        default_factory=Preflight.model_construct,
        title="Preflight",
        description="What the model must show in a real server before it is released.",
    )
    rollout: Rollout | None = Field(
        None, title="Rollout", description="How traffic moves to a new model; at once by default."
    )
