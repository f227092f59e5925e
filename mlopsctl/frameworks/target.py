"""What every training target shares: parameters, tuning, and the packages and code it stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from mlopsctl.frameworks.source import reachable_files
from mlopsctl.frameworks.tune import Tune, conditions
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Entrypoint, refusal

Output = Literal["logits", "probability", "label"]

Words = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class TargetBase(Spec):
    """One model to train."""

    params: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="Parameters",
        description="Given to the estimator or the training function by name.",
    )
    tune: Tune | None = Field(
        default=None, title="Tuning", description="Search for better parameters before the final fit."
    )
    requirements: Annotated[tuple[str, ...], Field(strict=False)] | str | None = Field(
        default=None,
        title="Requirements",
        description="Python packages of this target's step: a list, or the path of a requirements file.",
    )

    @model_validator(mode="after")
    def _conditions_are_about_parameters(self) -> Self:
        """A search's condition names a parameter that is searched, or one of ``params``."""
        for name, dimension in self.tune.space.items() if self.tune is not None else ():
            for other in conditions(dimension):
                if self.tune is not None and other not in self.tune.space and other not in self.params:
                    message = f"{name!r} is searched under a condition on {other!r}, which is no parameter here"
                    raise refusal("condition-unknown", message, "name one of `space` or `params`", "tune")
        return self

    def code(self, project: Path) -> tuple[str, ...]:
        """The files of the project that it runs, relative to the project's folder, sorted; read, never imported."""
        return ()

    def packages(self) -> tuple[str, ...]:
        """The installed distributions whose versions can change what it trains."""
        return ()


class FunctionTarget(TargetBase):
    """A target trained by the user's own function ``fit(train, validation, label, *, seed, **params)``."""

    entrypoint: Entrypoint = Field(
        title="Entrypoint", description="The training function, as package.module:function, found from the project."
    )

    def code(self, project: Path) -> tuple[str, ...]:
        """See :meth:`TargetBase.code`: the module and what it imports inside the project."""
        return reachable_files(project, self.entrypoint.partition(":")[0])
