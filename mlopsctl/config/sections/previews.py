"""The ``previews`` section: short-lived environments in which pull requests are tried."""

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration, Name

WEEK = 7 * 24 * 3600.0


class Previews(Spec):
    """Environments ``pr-<number>``: one for each pull request that asks for it, made like another environment.

    A preview has names of its own, starts nothing by itself, and is judged against that environment's champion.
    """

    of: Name = Field(title="Of", description="The environment that a preview is made like, such as `dev`.")
    ttl: Duration = Field(
        WEEK,
        gt=0,
        title="Time to live",
        description="How long a preview stays after its last run, such as `3d`; `7d` by default. "
        "`mlopsctl preview remove --expired` removes what is older.",
    )
