"""Removing artifacts and verifying a store: in a folder, and behind a URL."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from mlopsctl.artifacts import upkeep
from mlopsctl.artifacts.problems import BrokenArtifact, MissingArtifact
from mlopsctl.artifacts.store import ArtifactStore

_numbers = count()
LATER = time.time() + 10_000


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    if request.param == "folder":
        yield ArtifactStore(str(tmp_path / "store"))
    else:
        yield ArtifactStore(f"memory://upkeep-{next(_numbers)}")


@pytest.fixture
def local(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def put(store: ArtifactStore, tmp_path: Path, **files: str) -> str:
    folder = tmp_path / f"made-{next(_numbers)}"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    return store.put(folder)


def aged(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days pass."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 2 * 24 * 3600)


def test_an_artifact_goes_with_the_objects_that_nobody_else_needs(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = put(store, tmp_path, a="shared", b="only one"), put(store, tmp_path, a="shared", c="only two")
    aged(store, monkeypatch)
    assert set(upkeep.stored(store)) == {one, two}
    found = upkeep.remove(store, {one}, LATER)
    assert (found.artifacts, found.objects) == ((one,), 1)
    assert store.has_many({one, two}) == {two}
    store.fetch(two, tmp_path / "fetched")
    assert (tmp_path / "fetched" / "a").read_text() == "shared"
    assert list(upkeep.verify(store)) == []


def test_a_dry_run_counts_the_same_bytes_and_removes_nothing(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = put(store, tmp_path, a="x" * 1000)
    aged(store, monkeypatch)
    would = upkeep.remove(store, {one}, LATER, dry=True)
    assert store.has(one)
    assert would.bytes > 1000
    assert upkeep.remove(store, {one}, LATER) == would


def test_what_was_written_after_the_decision_stays(store: ArtifactStore, tmp_path: Path) -> None:
    decided = time.time() - 1
    one = put(store, tmp_path, a="again")
    found = upkeep.remove(store, {one}, decided)
    assert (found.artifacts, found.spared, found.bytes) == ((), (one,), 0)
    assert store.has(one)


def test_young_objects_without_an_artifact_stay_only_where_there_is_no_lock(
    store: ArtifactStore, tmp_path: Path
) -> None:
    one = put(store, tmp_path, a="a")
    for blob in list(store.blobs.list("manifests")):
        store.blobs.remove(blob.name)
    found = upkeep.remove(store, set(), LATER)
    assert found.objects == (1 if store.url.startswith("/") else 0)
    assert not store.has(one)


def test_nothing_is_removed_while_a_manifest_cannot_be_read(local: ArtifactStore, tmp_path: Path) -> None:
    one, two = put(local, tmp_path, a="1"), put(local, tmp_path, a="2")
    _spoil(tmp_path / "store" / "manifests" / two[7:9] / f"{two[9:]}.json")
    with pytest.raises(BrokenArtifact, match="nothing was removed") as caught:
        upkeep.remove(local, {one}, LATER)
    assert "fsck --repair" in caught.value.diagnostics[0].hint
    assert local.has(one)


def test_a_collection_waits_for_writers_and_writers_for_it(local: ArtifactStore, tmp_path: Path) -> None:
    order: list[str] = []

    def write() -> None:
        put(ArtifactStore(local.url), tmp_path, a="late")
        order.append("written")

    with local.blobs.locked(alone=True):
        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.1)
        order.append("collected")
    thread.join()
    assert order == ["collected", "written"]


@pytest.mark.parametrize("turn", range(5))
def test_putting_and_collecting_at_once_never_breaks_an_artifact(
    turn: int, local: ArtifactStore, tmp_path: Path
) -> None:
    """The same content is put again and again while it is collected: what `put` returned is whole until then."""
    stop = threading.Event()
    problems: list[str] = []

    def write() -> None:
        store = ArtifactStore(local.url)
        while not stop.is_set():
            put(store, tmp_path, a="same", b=f"{turn}")
            problems.extend(flaw.message for flaw in upkeep.verify(store))

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        upkeep.remove(local, upkeep.stored(local).keys(), time.time())
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []


# Verifying


def test_a_changed_object_is_found_and_healed_by_the_next_put(local: ArtifactStore, tmp_path: Path) -> None:
    one, two = put(local, tmp_path, a="good", b="bad"), put(local, tmp_path, a="good")
    files = [path for path in (tmp_path / "store" / "objects").rglob("*") if path.is_file()]
    _spoil(next(path for path in files if path.read_bytes() == b"bad"))
    assert [flaw.id for flaw in upkeep.verify(local)] == ["broken-object"]
    assert one[:19] in next(iter(upkeep.verify(local))).message
    assert [flaw.repaired for flaw in upkeep.verify(local, repair=True)] == [True]
    assert list(upkeep.verify(local)) == []
    assert local.has_many({one, two}) == {two}
    assert put(local, tmp_path, a="good", b="bad") == one
    local.fetch(one, tmp_path / "healed")


@pytest.mark.parametrize("content", [b"", b"[]", b"not json", b'[["../x",1,"00"]]', b"\xff"])
def test_a_changed_manifest_is_found_and_moved_aside(content: bytes, local: ArtifactStore, tmp_path: Path) -> None:
    one = put(local, tmp_path, a="1")
    manifest = tmp_path / "store" / "manifests" / one[7:9] / f"{one[9:]}.json"
    manifest.chmod(0o644)
    manifest.write_bytes(content)
    assert [flaw.id for flaw in upkeep.verify(local, repair=True)] == ["broken-manifest"]
    assert not local.has(one)
    assert list(upkeep.verify(local)) == []


def test_a_missing_object_is_found_and_its_artifacts_are_made_again(store: ArtifactStore, tmp_path: Path) -> None:
    one = put(store, tmp_path, a="1", b="2")
    store.blobs.remove(next(iter(store.blobs.list("objects"))).name)
    assert [flaw.id for flaw in upkeep.verify(store)] == ["missing-object"]
    list(upkeep.verify(store, repair=True))
    with pytest.raises(MissingArtifact):
        store.manifest(one)


def test_what_a_killed_writer_left_is_found_once_it_is_old(local: ArtifactStore, tmp_path: Path) -> None:
    put(local, tmp_path, a="1")
    left = tmp_path / "store" / "tmp" / "0123"
    left.mkdir()
    (left / "0").write_text("half")
    assert list(upkeep.verify(local)) == []
    os.utime(left, (0, 0))
    assert [flaw.id for flaw in upkeep.verify(local, repair=True)] == ["left-over"]
    assert not left.exists()


def _spoil(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
