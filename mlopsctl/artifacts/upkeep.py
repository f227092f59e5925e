"""Removing artifacts that nobody needs any more, and verifying the whole store.

An object (a file's content) belongs to every manifest that names it, so it goes with the last of them. While a folder
of this machine is looked through or cleaned, nobody can add to it; behind a URL there is no such lock, and what is
younger than a day stays.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from mlopsctl.artifacts.blobs import MANIFESTS, OBJECTS, Blob, Blobs, manifest_name, object_name
from mlopsctl.artifacts.manifest import Manifest
from mlopsctl.artifacts.problems import BadArtifact, BrokenArtifact
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.artifacts.walk import CHUNK
from mlopsctl.ground.errors import Problem
from mlopsctl.ground.flaw import Flaw
from mlopsctl.objects.together import together

YOUNG_SECONDS = 24 * 3600.0

_HEALS = "`mlopsctl fsck --repair` moves it out of the way, and the next apply makes it again"


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed: artifacts, their objects and all bytes; ``spared`` were written anew meanwhile."""

    artifacts: tuple[str, ...]
    objects: int
    bytes: int
    spared: tuple[str, ...] = ()


def stored(store: ArtifactStore) -> dict[str, float]:
    """The digest of every artifact in the store, and when it was written (seconds since the epoch)."""
    return {_digest(blob.name): blob.written for blob in store.blobs.list(MANIFESTS)}


def remove(store: ArtifactStore, doomed: Collection[str], since: float, *, dry: bool = False) -> Removed:
    """Remove artifacts, and the objects that no other artifact needs.

    Args:
        doomed: digests.
        since: when it was decided, seconds since the epoch; what was written after that stays.
        dry: only say what would be removed.

    Raises:
        BrokenArtifact: when a manifest that stays cannot be read, so that nobody knows which objects it needs.
    """
    blobs = store.blobs
    with blobs.locked(alone=True) as locked:
        manifests = list(blobs.list(MANIFESTS))
        unwanted = [blob for blob in manifests if _digest(blob.name) in doomed]
        spared = [blob for blob in unwanted if blob.written >= since]
        goes = [blob for blob in unwanted if blob.written < since]
        gone = {blob.name for blob in goes}
        needed = _needed(blobs, [blob for blob in manifests if blob.name not in gone])
        oldest = time.time() - (0.0 if locked else YOUNG_SECONDS)
        loose = [blob for blob in blobs.list(OBJECTS) if blob.name not in needed and blob.written <= oldest]
        for blob in () if dry else (*goes, *loose):
            blobs.remove(blob.name, blob.version)
        if locked and not dry:
            for name in blobs.left_over(0.0):
                blobs.remove_left_over(name)
    return Removed(
        artifacts=tuple(_digest(blob.name) for blob in goes),
        objects=len(loose),
        bytes=sum(blob.size for blob in (*goes, *loose)),
        spared=tuple(_digest(blob.name) for blob in spared),
    )


def verify(store: ArtifactStore, *, repair: bool = False) -> Iterator[Flaw]:
    """Read everything in the store, and say what is not what its name says.

    With ``repair`` what is broken is moved aside, together with every artifact that needs it, so that the steps that
    make it run again; what killed writers left is removed. Without it others may add artifacts meanwhile.
    """
    blobs = store.blobs
    with blobs.locked(alone=repair) as locked:
        users: dict[str, list[str]] = defaultdict(list)
        aside: list[str] = []
        # Manifests before objects: what is added meanwhile has its objects first.
        for blob in list(blobs.list(MANIFESTS)):
            manifest = _manifest(blobs, blob)
            if manifest is None:
                message = f"the manifest of {_digest(blob.name)} is not what it was"
                yield Flaw("broken-manifest", message, _HEALS, repair)
                aside.append(blob.name)
                continue
            for entry in manifest.files:
                users[object_name(entry.sha256)].append(blob.name)
        good, broken = _verified_objects(blobs)
        for name in sorted(broken):
            message = f"{name} holds other bytes than its name says; {_affects(users[name])}"
            yield Flaw("broken-object", message, _HEALS, repair)
            aside += [name, *users[name]]
        for name in sorted(users.keys() - good - broken):
            yield Flaw("missing-object", f"{name} is gone; {_affects(users[name])}", _HEALS, repair)
            aside += users[name]
        for name in dict.fromkeys(aside) if repair else ():
            blobs.set_aside(name)
        for name in blobs.left_over(0.0 if repair and locked else YOUNG_SECONDS):
            yield Flaw("left-over", f"{name} was left by a writer that was killed", _HEALS, repair)
            if repair:
                blobs.remove_left_over(name)


def _verified_objects(blobs: Blobs) -> tuple[set[str], set[str]]:
    """The names of the objects that are right, and of the others."""
    good: set[str] = set()
    broken: set[str] = set()
    for name, right in together(blobs.workers, partial(_is_right, blobs), blobs.list(OBJECTS)):
        (good if right else broken).add(name)
    return good, broken


def _is_right(blobs: Blobs, blob: Blob) -> tuple[str, bool]:
    """The object's name, and whether its content is what the name says."""
    sha = hashlib.sha256()
    try:
        with blobs.open(blob.name) as stream:
            while chunk := stream.read(CHUNK):
                sha.update(chunk)
    except OSError:
        return blob.name, False
    return blob.name, object_name(sha.hexdigest()) == blob.name


def _needed(blobs: Blobs, manifests: Collection[Blob]) -> set[str]:
    needed: set[str] = set()
    for blob in manifests:
        manifest = _manifest(blobs, blob)
        if manifest is None:
            raise _unreadable(blob)
        needed.update(object_name(entry.sha256) for entry in manifest.files)
    return needed


def _unreadable(blob: Blob) -> Problem:
    return BrokenArtifact.because(
        "broken-artifact",
        f"nothing was removed: the manifest of {_digest(blob.name)} is damaged, so nobody knows what it needs",
        hint="run `mlopsctl fsck --repair` first",
    )


def _manifest(blobs: Blobs, blob: Blob) -> Manifest | None:
    """The manifest, if it is the one its name says."""
    try:
        with blobs.open(blob.name) as stream:
            manifest = Manifest.from_bytes(stream.read())
    except (OSError, BadArtifact, json.JSONDecodeError):
        return None
    return manifest if manifest_name(manifest.digest) == blob.name else None


def _affects(manifests: Collection[str]) -> str:
    """Which artifacts suffer, in words."""
    digests = [_digest(name)[:19] for name in sorted(manifests)]
    if not digests:
        return "no artifact needs it"
    more = f" and {len(digests) - 3} more" if len(digests) > 3 else ""
    return f"needed by {', '.join(digests[:3])}{more}"


def _digest(manifest: str) -> str:
    """The digest in a manifest's name."""
    return "sha256:" + manifest.removeprefix(f"{MANIFESTS}/").removesuffix(".json").replace("/", "")
