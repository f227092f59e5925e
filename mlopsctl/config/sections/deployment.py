"""The ``deployment`` section: where a released model is served, and what it must show before."""

from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration, Fraction, refusal
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

    strategy: Literal["replace", "blue_green", "canary"] = Field(
        "replace", title="Strategy", description="`replace` at once, `blue_green` side by side, or `canary` in steps."
    )
    steps: tuple[Fraction, ...] = Field(
        (),
        title="Steps",
        description="For `canary`: the new model's growing shares of traffic in whole percents, such as "
        "`[0.1, 0.5, 1.0]`; all of it comes last in any case.",
    )
    pause: Duration | None = Field(None, title="Pause", description="The time between two steps, such as `10m`.")

    @field_validator("steps")
    @classmethod
    def _growing(cls, steps: tuple[float, ...]) -> tuple[float, ...]:
        if any(after <= before for before, after in pairwise(steps)):
            raise ValueError("the steps of a rollout must grow")
        if any(round(share * 100) == 0 or abs(share * 100 - round(share * 100)) > 1e-9 for share in steps):
            raise ValueError("a step of a rollout is a whole percent above 0, such as 0.05")
        return steps

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Steps are a canary's, and a canary has steps."""
        if self.strategy == "canary" and not self.steps:
            raise refusal(
                "missing-key", "a canary needs `steps`", "write shares such as `steps: [0.1, 0.5]`", "strategy"
            )
        for name in ("steps", "pause"):
            if self.strategy != "canary" and getattr(self, name):
                message = f"`{name}` is for `strategy: canary`, and this is {self.strategy}"
                raise refusal("no-canary", message, "take it out, or write `strategy: canary`", name)
        return self

    @property
    def percents(self) -> tuple[int, ...]:
        """The growing shares of traffic in percent, the last one 100."""
        steps = tuple(round(share * 100) for share in self.steps)
        return steps if steps[-1:] == (100,) else (*steps, 100)


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

    @model_validator(mode="after")
    def _can(self) -> Self:
        """What the server cannot do."""
        if self.rollout is not None and self.rollout.strategy == "canary" and self.server.kind == "mlflow":
            raise refusal(
                "no-canary",
                "the server on this machine serves one model at a time, so it cannot do a canary",
                "write `strategy: blue_green`, which swaps without losing a request, or serve on `vertex` or `kserve`",
                "rollout",
            )
        return self
