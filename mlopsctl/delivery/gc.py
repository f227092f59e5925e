"""Garbage collection: artifacts that no kept run, release or pin needs any more are removed.

It first writes down what goes, so that no plan counts on it, and then removes it; a kill in between leaves artifacts
that the next collection removes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from mlopsctl.artifacts import upkeep
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.exclusive import exclusively
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.metadata import keeping

KEEP = 10


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, or would be.

    Attributes:
        artifacts: digests. ``bytes`` count their manifests and the objects that nobody else needs.
        kept: how many artifacts stay.
        strangers: artifacts in the store that this project's records do not know; they stay, for they may belong to
            another project.
    """

    artifacts: tuple[str, ...]
    objects: int
    bytes: int
    kept: int
    strangers: int
    dry: bool


def collect(loaded: Loaded, keep: int, *, dry: bool = False, strangers: bool = False) -> Collected:
    """Remove what only older runs need.

    Args:
        keep: how many of the newest runs of each environment keep their artifacts.
        dry: only say what would go.
        strangers: remove also what no record here names and is older than a day.

    Raises:
        Locked: when a command changes one of the environments now.
    """
    with open_stores(loaded) as stores:
        if dry:
            return _collect(stores, keep, dry=True, strangers=strangers)
        with exclusively(loaded, stores, "mlopsctl gc"):
            return _collect(stores, keep, dry=False, strangers=strangers)


def _collect(stores: Stores, keep: int, *, dry: bool, strangers: bool) -> Collected:
    begun = time.time()
    stored = upkeep.stored(stores.artifacts)
    known = keeping.known(stores.metadata)
    needed = keeping.needed(stores.metadata, keep)
    recorded = keeping.recorded(stores.metadata)
    unknown = {digest for digest in stored if digest not in recorded}
    old = {digest for digest in unknown if stored[digest] < begun - upkeep.YOUNG_SECONDS}
    doomed = {digest for digest in stored if digest in recorded and digest not in needed}
    doomed |= old - needed if strangers else set()
    if not dry:
        # Known and gone is noted as well: nobody has to look for it again.
        keeping.forget(stores.metadata, (doomed & known) | (known - needed - stored.keys()))
    removed = upkeep.remove(stores.artifacts, doomed, begun, dry=dry)
    return Collected(
        artifacts=removed.artifacts,
        objects=removed.objects,
        bytes=removed.bytes,
        kept=len(stored) - len(removed.artifacts),
        strangers=len(unknown - doomed),
        dry=dry,
    )


def pin(loaded: Loaded, run: str, reason: str) -> None:
    """Keep a run's artifacts whatever its age."""
    with open_stores(loaded) as stores:
        keeping.pin(stores.metadata, run, reason)


def unpin(loaded: Loaded, run: str) -> None:
    """Let a run's artifacts go when their time comes."""
    with open_stores(loaded) as stores:
        keeping.unpin(stores.metadata, run)


def pins(loaded: Loaded) -> dict[str, str]:
    """The pinned runs, with why."""
    with open_stores(loaded) as stores:
        return dict(keeping.pins(stores.metadata))
