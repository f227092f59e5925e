"""What every training target shares: parameters, tuning, and the packages and code it stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from mlopsctl.frameworks.source import reachable_files
from mlopsctl.frameworks.tune import Tune
from mlopsctl.ground.model import NotYet, Spec
from mlopsctl.ground.scalars import Entrypoint

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
    requirements: Annotated[
        Annotated[tuple[str, ...], Field(strict=False)] | str | None, NotYet("an environment for one target")
    ] = Field(
        default=None,
        title="Requirements",
        description="Python packages of this target's step: a list, or the path of a requirements file.",
    )

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
