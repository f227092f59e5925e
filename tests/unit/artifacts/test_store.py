from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlopsctl.artifacts import local
from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.artifacts.problems import BadArtifact, BrokenArtifact, MissingArtifact, StoreUnavailable
from mlopsctl.artifacts.store import ArtifactStore

FILES = {"model.json": b'{"task": 1}', "code/train.py": b"def fit(): ...\n", "empty": b""}
UNKNOWN = "sha256:" + "0" * 64


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    urls = {
        "path": str(tmp_path / "store with spaces"),
        "file": (tmp_path / "store with spaces").as_uri(),
        "memory": f"memory://{tmp_path.name}",
    }
    return ArtifactStore(urls[request.param])


@pytest.fixture
def local_store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "made", FILES)


def damage(store: ArtifactStore, tmp_path: Path, name: str, content: bytes | None) -> None:
    """Overwrite or remove a blob behind the store's back."""
    if store.url.startswith("memory://"):
        import fsspec

        filesystem = fsspec.filesystem("memory")
        path = f"/{tmp_path.name}/{name}"
        assert filesystem.exists(path)
        filesystem.rm_file(path) if content is None else filesystem.pipe_file(path, content)
        return
    path = tmp_path / "store with spaces" / name
    path.chmod(0o644)
    path.unlink() if content is None else path.write_bytes(content)


def object_of(content: bytes) -> str:
    sha = hashlib.sha256(content).hexdigest()
    return f"objects/{sha[:2]}/{sha[2:]}"


def manifest_of(digest: str) -> str:
    return f"manifests/{digest[7:9]}/{digest[9:]}.json"


def test_what_was_put_comes_back(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    digest = store.put(folder)
    assert digest == folder_digest(folder)
    store.fetch(digest, tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == FILES
    assert store.read(digest, "code/train.py") == FILES["code/train.py"]
    assert [entry.path for entry in store.manifest(digest).files] == sorted(FILES)
    assert store.has(digest)
    assert store.has_many({digest, UNKNOWN}) == {digest}
    assert "manifests/" in store.uri(digest)


def test_equal_content_is_kept_once_and_put_again_without_harm(store: ArtifactStore, folder: Path) -> None:
    assert store.put(folder) == store.put(folder)


def test_objects_and_fetched_files_are_read_only(local_store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    local_store.fetch(local_store.put(folder), tmp_path / "fetched")
    kept = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(kept) == len(FILES) + 1
    fetched = [path for path in (tmp_path / "fetched").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*kept, *fetched)} == {0o444}
    assert stat.S_IMODE((tmp_path / "fetched").stat().st_mode) == 0o700


def test_a_fetched_copy_shares_nothing_with_the_store(local_store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    digest = local_store.put(folder)
    local_store.fetch(digest, tmp_path / "fetched")
    changed = tmp_path / "fetched" / "model.json"
    changed.chmod(0o644)
    changed.write_bytes(b"changed")
    assert local_store.read(digest, "model.json") == FILES["model.json"]


def test_an_unknown_artifact_is_missing(store: ArtifactStore, tmp_path: Path) -> None:
    assert not store.has(UNKNOWN)
    with pytest.raises(MissingArtifact, match="is not in the store"):
        store.fetch(UNKNOWN, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_an_unknown_file_is_missing(store: ArtifactStore, folder: Path) -> None:
    with pytest.raises(MissingArtifact, match="no file 'other'"):
        store.read(store.put(folder), "other")


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:../../etc/passwd", "sha256:" + "A" * 64, "0" * 64, UNKNOWN + "\n"]
)
def test_a_text_that_is_no_digest_never_becomes_a_path(digest: str, local_store: ArtifactStore) -> None:
    with pytest.raises(ValueError, match="is not a digest"):
        local_store.has(digest)


@pytest.mark.parametrize("content", [b'{"task": 2}', b'{"task":', b"", b'{"task": 1}and more', None])
def test_a_damaged_object_is_noticed_set_aside_and_healed_by_the_next_put(
    content: bytes | None, store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    digest = store.put(folder)
    damage(store, tmp_path, object_of(FILES["model.json"]), content)
    with pytest.raises(BrokenArtifact, match=r"objects/.*set aside") as caught:
        store.fetch(digest, tmp_path / "fetched")
    assert "once more" in caught.value.diagnostics[0].hint
    assert not (tmp_path / "fetched").exists()
    assert not store.has(digest), "a plan must see that the step has to run again"
    assert store.put(folder) == digest
    store.fetch(digest, tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == FILES


def test_a_damaged_object_is_noticed_when_one_file_is_read(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    digest = store.put(folder)
    damage(store, tmp_path, object_of(FILES["model.json"]), b"{}")
    with pytest.raises(BrokenArtifact):
        store.read(digest, "model.json")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b'[["../../x",0,"' + b"0" * 64 + b'"]]'])
def test_a_damaged_manifest_is_noticed_and_set_aside(
    content: bytes, store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    digest = store.put(folder)
    damage(store, tmp_path, manifest_of(digest), content)
    with pytest.raises(BrokenArtifact, match="manifest is damaged"):
        store.manifest(digest)
    assert not store.has(digest)
    assert store.put(folder) == digest
    assert store.read(digest, "model.json") == FILES["model.json"]


def test_a_put_heals_an_object_damaged_under_another_artifact(
    local_store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    digest = local_store.put(folder)
    path = tmp_path / "store" / object_of(FILES["model.json"])
    path.chmod(0o644)
    path.write_bytes(b"{}")
    local_store.put(fill(tmp_path / "other", {"again": FILES["model.json"]}))
    assert local_store.read(digest, "model.json") == FILES["model.json"]


def test_a_folder_with_a_link_leaves_nothing_behind(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadArtifact):
        store.put(folder)
    root = tmp_path / "store with spaces"
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_fetching_into_a_folder_with_files_is_refused(local_store: ArtifactStore, folder: Path) -> None:
    digest = local_store.put(folder)
    with pytest.raises(FileExistsError):
        local_store.fetch(digest, folder)
    assert contents(folder) == FILES


def test_a_store_where_nothing_can_be_made_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ArtifactStore(str(tmp_path / "file"))
    assert not store.has(UNKNOWN)
    with pytest.raises(StoreUnavailable, match="cannot store the artifact") as caught:
        store.put(folder)
    assert caught.value.diagnostics[0].hint


def test_an_unknown_kind_of_store_says_so() -> None:
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        ArtifactStore("nonsense://x")


def test_a_full_disk_leaves_nothing_visible(
    local_store: ArtifactStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left"):
            local_store.put(folder)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    assert not local_store.has(folder_digest(folder))
    assert local_store.has(local_store.put(folder))


def test_a_file_that_changes_between_the_readings_is_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlopsctl.artifacts import remote

    store = ArtifactStore(f"memory://{tmp_path.name}-changing")
    honest = remote.scan

    def scan_then_change(path: Path) -> object:
        found = honest(path)
        (folder / "model.json").write_bytes(b"changed")
        return found

    monkeypatch.setattr(remote, "scan", scan_then_change)
    before = folder_digest(folder)
    with pytest.raises(BadArtifact, match="changed while it was stored"):
        store.put(folder)
    assert not store.has(before)


def test_what_a_killed_put_left_is_swept_after_a_day(local_store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    old, young = tmp_path / "store" / "tmp" / "old", tmp_path / "store" / "tmp" / "young"
    for left in (old, young):
        fill(left, {"0": b"half"})
    long_ago = time.time() - local.STALE_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    local_store.put(folder)
    assert not old.exists()
    assert young.exists()


def test_many_threads_put_and_fetch_the_same_content(local_store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    expected = folder_digest(folder)
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(5):
            if local_store.put(folder) != expected:
                wrong.append("digest")
            out = tmp_path / f"out-{number}-{turn}"
            local_store.fetch(expected, out)
            if contents(out) != FILES:
                wrong.append(out)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_local_store_needs_no_heavy_import() -> None:
    code = (
        "import sys; from mlopsctl.artifacts.store import ArtifactStore; ArtifactStore('x').has('sha256:' + '0' * 64);"
        "print(sorted({'fsspec', 'pydantic', 'asyncio', 'concurrent.futures'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.dictionaries(st.text("abcé", min_size=1, max_size=3), st.binary(max_size=50), max_size=5))
def test_any_folder_comes_back_byte_for_byte(tmp_path: Path, files: dict[str, bytes]) -> None:
    store = ArtifactStore(str(tmp_path / "store"))
    for name in ("in", "out"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    (tmp_path / "in").mkdir()
    digest = store.put(fill(tmp_path / "in", files))
    store.fetch(digest, tmp_path / "out")
    assert contents(tmp_path / "out") == files
