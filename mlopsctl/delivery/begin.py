"""A new run: its id, which sorts by time, and everything that is known of it before its first step."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from mlopsctl import __version__
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.git import read_git
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import RunRecord


def new_run(
    loaded: Loaded, environment: str, pipeline_digest: str, plan_digest: str, parameters: Mapping[str, Json]
) -> RunRecord:
    """A run that begins now, from the commit that is checked out."""
    started = now()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(started / 1000))
    return RunRecord(
        id=f"{stamp}-{secrets.token_hex(3)}",
        project=loaded.project.name,
        environment=environment,
        pipeline_digest=pipeline_digest,
        plan_digest=plan_digest,
        started=started,
        git=read_git(loaded.folder),
        tool_version=__version__,
        parameters=dict(parameters),
    )


def now() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)
