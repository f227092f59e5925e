"""The ``promotion`` section of an environment: how models come into it."""

from typing import Literal

from pydantic import Field

from mlopsctl.config.sections.signature import Signature
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name


class Promotion(Spec):
    """How models come into an environment."""

    source: Name | None = Field(
        None, alias="from", title="From", description="The environment whose released model moves up into this one."
    )
    mode: Literal["auto", "approval", "manual"] = Field(
        "approval",
        title="Mode",
        description="`auto`: `apply` follows the lock at once. `approval`: once `approve` was given for that very "
        "plan. `manual`: the same, and nothing but a person's `promote` proposes a model.",
    )
    after_successful_runs: int = Field(
        0,
        ge=0,
        title="After successful runs",
        description="How many clean runs of the released pipeline in a row `from` must show first.",
    )
    strategy: Literal["model", "code"] = Field(
        "model",
        title="Strategy",
        description="`model`: the same model moves up. `code`: the pipeline trains here again.",
    )
    signature: Signature | None = Field(
        None,
        title="Signature",
        description="How the evidence of a promotion is signed; without it, it is bound by digests only.",
    )
    prevent_destroy: bool = Field(
        False,
        title="Prevent destroy",
        description="Whether `destroy`, `retire` and a change of server are refused while something serves here.",
    )
    allow_override: bool = Field(
        False,
        title="Allow override",
        description="Whether `apply --override GATE --reason TEXT` may break a gate here.",
    )

    @property
    def follows_lock(self) -> bool:
        """Whether the environment follows a lock file: the same model moves up, and nothing is trained here."""
        return self.source is not None and self.strategy == "model"

    @property
    def asks(self) -> bool:
        """Whether somebody must approve before a model of the lock is released."""
        return self.follows_lock and self.mode != "auto"

    @property
    def guards_gates(self) -> bool:
        """Whether weaker gates need an approval: where the mode is written out."""
        return "mode" in self.model_fields_set
