"""Schedules of Vertex AI: how ours are told from others, what one says, and what has to be changed in it.

A schedule carries the whole job that it starts. How it was left is remembered as two digests: of what was asked for,
and of the job that Vertex AI gave back, so that what the service fills in by itself is no change by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json, digest, digest_json
from mlopsctl.orchestrators.contract import Schedule, Wanted
from mlopsctl.orchestrators.specs.vertex import Vertex
from mlopsctl.orchestrators.vertex.jobs import LONGEST_NAME, as_label, head, is_ours, job, shortened

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import Schedule as Message

NAME = "mlopsctl-schedule"

_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
# What Vertex AI writes into a job by itself.
_THEIRS = frozenset(
    {"name", "state", "createTime", "startTime", "endTime", "updateTime", "jobDetail", "error", "templateMetadata"}
)
_CANNOT_BE_UNSET = (
    "serviceAccount", "network", "reservedIpRanges", "encryptionSpec", "pscInterfaceConfig", "templateUri",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A schedule of ours as it stands there.

    Attributes:
        id: its resource name.
        name: our name for it.
        content: the digest of the job that it starts and of everything else that :class:`Schedule` does not say.
        message: itself.
    """

    id: str
    name: str
    content: str
    message: Message

    @property
    def paused(self) -> bool:
        """Whether it starts nothing."""
        return str(self.message.state.name) != "ACTIVE"

    @property
    def completed(self) -> bool:
        """Whether it starts nothing any more; such a schedule takes no update."""
        return str(self.message.state.name) == "COMPLETED"

    @property
    def max_concurrent(self) -> int:
        """How many of its runs may overlap."""
        return int(self.message.max_concurrent_active_run_count or self.message.max_concurrent_run_count)

    def times(self, as_written: str = "") -> tuple[str, str]:
        """Cron fields and time zone; in the words of the project, where these mean the same."""
        zoned = _ZONE.fullmatch(self.message.cron)
        zone, cron = (zoned[1], zoned[2]) if zoned else ("UTC", self.message.cron)
        return (as_written if as_written and five_fields(as_written) == cron else cron), zone


def message(settings: Vertex, wanted: Wanted, schedule: Schedule) -> Message:
    """The schedule as it should stand there."""
    from google.cloud.aiplatform_v1 import CreatePipelineJobRequest
    from google.cloud.aiplatform_v1 import Schedule as Message

    starts = job(settings, wanted, {})
    starts.labels[NAME] = as_label(schedule.name)
    parent = f"projects/{settings.project}/locations/{settings.location}"
    return Message(
        display_name=display_name(wanted, schedule.name),
        cron=times(schedule),
        # The first limits how many are started at once, the second how many go on at once.
        max_concurrent_run_count=schedule.max_concurrent,
        max_concurrent_active_run_count=schedule.max_concurrent,
        create_pipeline_job_request=CreatePipelineJobRequest(parent=parent, pipeline_job=starts),
    )


def wish(settings: Vertex, wanted: Wanted, schedule: Schedule) -> str:
    """The digest of what a schedule should start, which is known without reading the compiled pipeline."""
    about = head(settings, wanted, wanted.parameters)
    parts: dict[str, Json] = {"job": about, "name": schedule.name, "bundle": wanted.bundle.digest}
    return digest_json("mlopsctl/vertex-wish/v1", parts)


def times(schedule: Schedule) -> str:
    """When it runs, in Vertex AI's words."""
    return f"TZ={schedule.timezone} {five_fields(schedule.cron)}"


def display_name(wanted: Wanted, schedule: str) -> str:
    """What people see; it begins like all schedules of the pipeline."""
    return shortened(f"{prefix(wanted)}{schedule}", LONGEST_NAME)


def prefix(wanted: Wanted) -> str:
    """How the display names of the pipeline's schedules begin."""
    return f"mlopsctl/{wanted.name[:60]}/"


def ours(found: Message, wanted: Wanted, names: Mapping[str, str]) -> Found | None:
    """A schedule of ours, by its labels or because it was left here; ``None`` for anybody else's.

    Args:
        names: of schedules that were left, by resource name.
    """
    labels = found.create_pipeline_job_request.pipeline_job.labels
    by_label = {as_label(schedule.name): schedule.name for schedule in wanted.schedules}
    name = names.get(found.name)
    if name is None and is_ours(labels, wanted) and NAME in labels:
        name = by_label.get(labels[NAME], labels[NAME])
    return None if name is None else Found(found.name, name, content(found), found)


def content(found: Message) -> str:
    """The digest of the job that a schedule starts, and of everything else that our own word for one does not say."""
    starts, goes_on = int(found.max_concurrent_run_count), int(found.max_concurrent_active_run_count)
    parts: dict[str, Json] = {
        "job": _job(found),
        "extras": _extras(found),
        "displayName": found.display_name,
        "limits": [] if starts == goes_on else [starts, goes_on],
    }
    return digest("mlopsctl/vertex-schedule/v1", json.dumps(parts, sort_keys=True).encode())


def changes(found: Found, wanted: Wanted, schedule: Schedule, *, job_differs: bool) -> tuple[str, ...]:
    """The fields that differ from what is asked, as a field mask names them."""
    there = found.message
    pairs = {
        "display_name": there.display_name != display_name(wanted, schedule.name),
        "cron": there.cron != times(schedule),
        "max_concurrent_run_count": there.max_concurrent_run_count != schedule.max_concurrent,
        "max_concurrent_active_run_count": there.max_concurrent_active_run_count != schedule.max_concurrent,
        "create_pipeline_job_request": job_differs,
    }
    return tuple(name for name, differs in pairs.items() if differs)


def must_be_made_anew(found: Found, settings: Vertex, wanted: Wanted) -> bool:
    """Whether no update leads there: a field that is set cannot be unset."""
    has, wants = _job(found.message), head(settings, wanted, {})
    unset = any(has.get(name) and not wants.get(name) for name in _CANNOT_BE_UNSET)
    return unset or bool(_extras(found.message))


def five_fields(cron: str) -> str:
    """A schedule without nicknames, which Vertex AI does not know."""
    return _NICKNAMES.get(cron, cron)


def _job(found: Message) -> dict[str, Json]:
    from google.protobuf import json_format

    read = json_format.MessageToDict(type(found).pb(found).create_pipeline_job_request.pipeline_job)
    labels = {key: text for key, text in read.get("labels", {}).items() if not key.startswith("vertex-ai-pipelines-")}
    return {**{name: value for name, value in read.items() if name not in _THEIRS}, "labels": labels}


def _extras(found: Message) -> dict[str, Json]:
    """What is set beside what we set."""
    extras: dict[str, Json] = {}
    if found.allow_queueing:
        extras["allowQueueing"] = True
    if found.max_run_count:
        extras["maxRunCount"] = int(found.max_run_count)
    if found.end_time:
        extras["endTime"] = str(found.end_time)
    return extras
