"""``drift``: look at every plane of an environment; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.drift.config import config_findings
from mlopsctl.delivery.drift.data import data_findings
from mlopsctl.delivery.drift.finding import Drift, Finding, Plane, Standing
from mlopsctl.delivery.drift.systems import schedule_findings, serving_findings
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.errors import Problem

_LOOKS: Mapping[Plane, Callable[[Loaded, Stores], Iterator[Finding]]] = {
    Plane.CONFIG: config_findings,
    Plane.SCHEDULE: schedule_findings,
    Plane.SERVING: serving_findings,
    Plane.DATA: data_findings,
}


def look_for_drift(loaded: Loaded, planes: Collection[Plane] = ()) -> Drift:
    """What drifted on these planes, all of them by default. A plane that cannot be read is said to be unread.

    Raises:
        Problem: when the stores cannot be opened.
    """
    with open_stores(loaded) as stores:
        found = [one for plane in Plane if not planes or plane in planes for one in _looked(plane, loaded, stores)]
    return Drift(loaded.project.name, loaded.environment, tuple(found))


def _looked(plane: Plane, loaded: Loaded, stores: Stores) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(_LOOKS[plane](loaded, stores))
    except Problem as problem:
        found.append(Finding(plane, plane.value, Standing.UNREAD, "to be read", str(problem)))
    return found
