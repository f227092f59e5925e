"""The ``promotion`` section of an environment: how models come into it."""

from typing import Annotated, Literal

from pydantic import Field

from mlopsctl.ground.model import NotYet, Spec
from mlopsctl.ground.scalars import Name


class Promotion(Spec):
    """How models come into an environment."""

    source: Annotated[
        Name | None,
        NotYet("promotion between environments; `apply` trains and releases here", blocking=False),
    ] = Field(
        None, alias="from", title="From", description="The environment whose released model moves up into this one."
    )
    mode: Literal["auto", "approval", "manual"] = Field(
        "approval",
        title="Mode",
        description="`auto`: at once. `approval`: after somebody approved. `manual`: only by command.",
    )
    after_successful_runs: int = Field(
        0, ge=0, title="After successful runs", description="How many clean runs in a row `from` must show first."
    )
    strategy: Literal["model", "code"] = Field(
        "model",
        title="Strategy",
        description="`model`: the same model moves up. `code`: the pipeline trains here again.",
    )
    allow_override: bool = Field(
        False,
        title="Allow override",
        description="Whether `apply --override GATE --reason TEXT` may break a gate here.",
    )
