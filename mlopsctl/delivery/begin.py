"""A new run: its id, which sorts by time, what is known of it before its first step, and its record."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlopsctl import __version__
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.driver import StepDriver
from mlopsctl.delivery.git import read_git
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import RunRecord


@contextmanager
def recording(stores: Stores, record: RunRecord, driver: StepDriver) -> Iterator[None]:
    """Record the run around the ``with`` block that runs its steps; what interrupts it leaves it canceled.

    Whoever gets to its end says how the run ended.
    """
    stores.metadata.begin_run(record)
    try:
        yield
    except BaseException:
        driver.close()
        stores.metadata.finish_run(record.id, "canceled", None, now_ms())
        raise
    driver.close()


def new_run(
    loaded: Loaded,
    environment: str,
    pipeline_digest: str,
    plan_digest: str,
    parameters: Mapping[str, Json],
    cause: str = "",
) -> RunRecord:
    """A run that begins now, from the commit that is checked out; ``cause`` is what started it besides a person."""
    started = now_ms()
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
        cause=cause,
    )
