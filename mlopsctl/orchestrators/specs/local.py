"""``local``: the steps as processes of this machine."""

from typing import Literal

from pydantic import Field

from mlopsctl.ground.model import Spec


class Local(Spec):
    """Runs the steps on this machine, each in a process of its own."""

    kind: Literal["local"] = Field("local", title="Kind", description="Run the steps as processes on this machine.")
    jobs: int | None = Field(
        None, ge=1, le=1024, title="Jobs", description="How many steps may run side by side; one a core by default."
    )
