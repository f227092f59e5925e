"""The schedule trigger: run at given times."""

from typing import Literal

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Cron, TimeZone


class ScheduleTrigger(Spec):
    """Runs the pipeline at the times of a cron expression."""

    kind: Literal["schedule"] = Field(title="Kind", description="Run at the times of a cron expression.")
    cron: Cron = Field(
        title="Times", description="Five cron fields (minute hour day month weekday), or a word such as `@weekly`."
    )
    timezone: TimeZone = Field("UTC", title="Time zone", description="The IANA time zone of `cron`; UTC by default.")
