"""Looks at the newest rows, recorded in the release state, and whether enough of the last ones drifted.

A drift trigger of the project says how many of how many (``times``, ``of``); without one, one look is enough. Only
looks at rows of the champion that is released now count, and the same rows looked at twice are one look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.drift.finding import Drift, Plane, Standing
from mlopsctl.delivery.environment import writing
from mlopsctl.delivery.stores import open_stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json
from mlopsctl.metadata.records import Intent
from mlopsctl.triggers import DriftTrigger

LOOK = "drift-look"
"""The kind of the intents that are looks."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One check in one look: the digest of the rows that it judged, and what it said of them."""

    dataset: str
    check: str
    rows: str
    drifted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Look:
    """All checks at one moment (``at``, milliseconds since the epoch), against the rows of ``model``."""

    at: int
    model: str
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a dataset drifted often enough, in a sentence; ``look`` is the newest in which it did."""

    dataset: str
    due: bool
    reason: str
    look: Look


def record_look(loaded: Loaded, found: Drift) -> tuple[Look, ...]:
    """Record what was seen of the newest rows; every look since the released model took over, newest first.

    What could not be read is no look, and one that says the same as the last one of the same rows is recorded once.

    Raises:
        Locked: when somebody else writes the environment's state.
    """
    with open_stores(loaded) as stores, writing(loaded, stores) as lease:
        release = stores.state.read(loaded.project.name, loaded.environment).release
        if release is None:
            return ()
        happened = stores.state.happened(loaded.project.name, loaded.environment, LOOK)
        before = [look for intent in happened if (look := _read(intent)).model == release.model][::-1]
        now = Look(now_ms(), release.model, tuple(_seen(found)))
        if not now.seen or (before and before[0].seen == now.seen):
            return tuple(before)
        key = f"{LOOK}-{lease.token}"
        stores.state.intend(lease, key, LOOK, _written(now))
        stores.state.complete(lease, key, None)
        return (now, *before)


def decide(loaded: Loaded, looks: Sequence[Look]) -> tuple[Decision, ...]:
    """Whether each dataset that drifted in the newest look drifted often enough, by the triggers of the project."""
    if not looks:
        return ()
    drifted = dict.fromkeys(one.dataset for one in looks[0].seen if one.drifted)
    return tuple(_decided(loaded, dataset, looks) for dataset in drifted)


def _decided(loaded: Loaded, dataset: str, looks: Sequence[Look]) -> Decision:
    """The first trigger that is due; else the first one that watches the dataset."""
    asked = [one for one in loaded.project.triggers if isinstance(one, DriftTrigger) and one.dataset == dataset]
    rules = [(one.check, one.times, one.of) for one in asked] or [(None, 1, 1)]
    decided = [_counted(dataset, looks, *rule) for rule in rules]
    return next((one for one in decided if one.due), decided[0])


def _counted(dataset: str, looks: Sequence[Look], check: str | None, times: int, of: int) -> Decision:
    last = list(_of_other_rows(dataset, check, looks))[:of]
    failed = [look for look in last if any(one.drifted for one in _watched(dataset, check, look))]
    what = dataset if check is None else f"{dataset} {check}"
    among = "the only look" if len(last) == 1 else f"{len(failed)} of the last {len(last)} looks"
    told = f"{what} drifted in {among}, and {times} of {of} are asked for"
    if (times, of) == (1, 1):
        told = f"{what} drifted in the last look, and one is enough"
    return Decision(dataset, len(failed) >= times, told, failed[0] if failed else looks[0])


def _of_other_rows(dataset: str, check: str | None, looks: Sequence[Look]) -> Iterator[Look]:
    """The looks in which the checks saw other rows than in the look before, newest first."""
    for at, look in enumerate(looks):
        rows = {one.rows for one in _watched(dataset, check, look)}
        before = next((found for one in looks[at + 1 :] if (found := list(_watched(dataset, check, one)))), [])
        if rows and rows != {one.rows for one in before}:
            yield look


def _watched(dataset: str, check: str | None, look: Look) -> Iterator[Seen]:
    yield from (one for one in look.seen if one.dataset == dataset and check in (None, one.check))


def _seen(found: Drift) -> Iterator[Seen]:
    for one in found.findings:
        if one.plane is Plane.DATA and one.judged is not None and one.standing is not Standing.UNREAD:
            judged = one.judged
            yield Seen(judged.dataset, judged.check, judged.rows, one.standing is Standing.DRIFTED, one.found)


def _written(look: Look) -> Json:
    seen: list[Json] = [
        {"dataset": one.dataset, "check": one.check, "rows": one.rows, "drifted": one.drifted, "reason": one.reason}
        for one in look.seen
    ]
    return {"at": look.at, "model": look.model, "seen": seen}


def _read(intent: Intent) -> Look:
    """A look as it was recorded."""
    payload = intent.payload if isinstance(intent.payload, Mapping) else {}
    seen, at = payload.get("seen"), payload.get("at")
    return Look(
        at=at if isinstance(at, int) else 0,
        model=str(payload.get("model", "")),
        seen=tuple(_one(value) for value in seen if isinstance(value, Mapping))
        if isinstance(seen, list | tuple)
        else (),
    )


def _one(value: Mapping[str, Json]) -> Seen:
    dataset, check, rows, reason = (str(value.get(name, "")) for name in ("dataset", "check", "rows", "reason"))
    return Seen(dataset, check, rows, value.get("drifted") is True, reason)
