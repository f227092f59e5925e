"""``drift``: look at every plane of an environment; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.drift.config import config_findings
from mlopsctl.delivery.drift.data import MOST_ROWS, data_findings
from mlopsctl.delivery.drift.finding import Drift, Finding, Plane, Standing
from mlopsctl.delivery.drift.systems import schedule_findings, serving_findings
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.errors import Problem

_Look = Callable[[Loaded, Stores], Iterator[Finding]]
_LOOKS: Mapping[Plane, _Look] = {
    Plane.CONFIG: config_findings,
    Plane.SCHEDULE: schedule_findings,
    Plane.SERVING: serving_findings,
}


def look_for_drift(loaded: Loaded, planes: Collection[Plane] = (), most_rows: int = MOST_ROWS) -> Drift:
    """What drifted on these planes, all of them by default. A plane that cannot be read is said to be unread.

    Args:
        most_rows: how many rows of a dataset are read at most.

    Raises:
        Problem: when the stores cannot be opened.
    """
    looks: Mapping[Plane, _Look] = {**_LOOKS, Plane.DATA: partial(data_findings, most_rows=most_rows)}
    wanted = [plane for plane in Plane if not planes or plane in planes]
    with open_stores(loaded) as stores:
        found = [one for plane in wanted for one in _looked(plane, looks[plane], loaded, stores)]
    return Drift(loaded.project.name, loaded.environment, tuple(found))


def _looked(plane: Plane, look: _Look, loaded: Loaded, stores: Stores) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(look(loaded, stores))
    except Problem as problem:
        found.append(Finding(plane, plane.value, Standing.UNREAD, "to be read", str(problem)))
    return found
