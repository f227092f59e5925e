"""File sources on gs:// and https://: metadata is enough for a fingerprint, and what is read is what was found."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.storage", reason="the environment of the cloud tests is needed")

from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.objects import patience
from mlopsctl.objects.problems import ObjectsUnavailable
from mlopsctl.sources import Csv, Parquet
from tests.doubles.gcs import EMULATOR, CloudStorage, Refuse, Reset

BUCKET = "data-bucket"
LARGE = b"a,b\n" + b"1234567,7654321\n" * (1 << 20)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.02)


@pytest.fixture
def cloud() -> Iterator[CloudStorage]:
    with CloudStorage([BUCKET]) as running:
        yield running


def brought(source: Csv | Parquet, folder: Path) -> dict[str, bytes]:
    here = source.here(folder, {})
    return {str(file.relative_to(folder)): file.read_bytes() for file in here.files(folder)}


def test_a_fingerprint_asks_for_metadata_only_and_knows_equal_content(cloud: CloudStorage, tmp_path: Path) -> None:
    for name in ("p/1.parquet", "p/2.parquet", "p/notes.txt"):
        cloud.put(BUCKET, name, name.encode())
    source = Parquet(uri=f"gs://{BUCKET}/p")
    with cloud.counted() as made:
        first = source.fingerprint(tmp_path)
    assert not any("alt=media" in one for one in made)
    cloud.put(BUCKET, "p/1.parquet", b"p/1.parquet")
    cloud.put(BUCKET, "p/notes.txt", b"changed")
    assert source.fingerprint(tmp_path) == first
    cloud.put(BUCKET, "p/1.parquet", b"P/1.parquet")
    assert source.fingerprint(tmp_path) != first


def test_a_listing_of_many_pages_is_read_whole(cloud: CloudStorage, tmp_path: Path) -> None:
    for number in range(2_500):
        cloud.put(BUCKET, f"p/{number:05d}.parquet", b"x")
    with cloud.counted() as made:
        source = Parquet(uri=f"gs://{BUCKET}/p/*.parquet")
        source.fingerprint(tmp_path)
    assert sum("pageToken" in one for one in made) == 2


@pytest.mark.parametrize("fault", [Refuse(503), Refuse(429, wait="1"), Reset(), Reset(half=True)])
def test_a_download_goes_on_where_it_broke(fault: Refuse | Reset, cloud: CloudStorage, tmp_path: Path) -> None:
    cloud.put(BUCKET, "rows.csv", LARGE)
    cloud.fault("alt=media", fault, times=2)
    assert brought(Csv(uri=f"gs://{BUCKET}/rows.csv"), tmp_path / "rows") == {"rows.csv": LARGE}


def test_an_object_that_is_replaced_while_it_is_read_is_an_error(
    cloud: CloudStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlopsctl.sources import elsewhere

    cloud.put(BUCKET, "rows.csv", LARGE)
    honest = elsewhere.found_at

    def found_then_replaced(url: str, suffix: str = "") -> object:
        found = honest(url, suffix)
        cloud.put(BUCKET, "rows.csv", LARGE[:-4] + b"000\n")
        return found

    monkeypatch.setattr(elsewhere, "found_at", found_then_replaced)
    with pytest.raises(StepProblem, match="changed while it was read"):
        brought(Csv(uri=f"gs://{BUCKET}/rows.csv"), tmp_path / "rows")


def test_an_object_that_is_replaced_between_two_pieces_is_an_error(cloud: CloudStorage, tmp_path: Path) -> None:
    """The line breaks half way, and the rest would come from another writing of the object."""
    cloud.put(BUCKET, "rows.csv", LARGE)
    cloud.fault("alt=media", Reset(half=True))
    honest = cloud.taken

    def replacing(request: str) -> object:
        fault = honest(request)
        if "alt=media" in request and fault is None:
            cloud.put(BUCKET, "rows.csv", LARGE[:-4] + b"000\n")
        return fault

    cloud.taken = replacing  # type: ignore[assignment, method-assign]
    with pytest.raises(StepProblem, match="changed while it was read"):
        brought(Csv(uri=f"gs://{BUCKET}/rows.csv"), tmp_path / "rows")


def test_a_missing_bucket_and_a_forbidden_one_are_told_apart(cloud: CloudStorage, tmp_path: Path) -> None:
    with pytest.raises(ObjectsUnavailable, match="no such bucket"):
        Csv(uri="gs://no-such-bucket/a.csv").fingerprint(tmp_path)
    cloud.fault(f"b/{BUCKET}", Refuse(403, message="no storage.objects.get access"), times=99)
    with pytest.raises(ObjectsUnavailable, match=r"cannot look at gs://data-bucket/a\.csv: .*403: no storage"):
        Csv(uri=f"gs://{BUCKET}/a.csv").fingerprint(tmp_path)


def test_a_bucket_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(EMULATOR, "http://127.0.0.1:9")
    with pytest.raises(Problem, match=r"127\.0\.0\.1:9 cannot be reached: Connection refused"):
        Csv(uri=f"gs://{BUCKET}/a.csv").fingerprint(tmp_path)


class Web:
    """One file on a web server; ``tells``: which headers speak of its version."""

    def __init__(self, content: bytes, *tells: str) -> None:
        self.content, self.status = content, 200
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(web.status)
                self.send_header("Content-Length", str(len(web.content)))
                if "ETag" in tells:
                    self.send_header("ETag", f'"{hashlib.sha1(web.content, usedforsecurity=False).hexdigest()}"')
                self.end_headers()
                if self.command == "GET":
                    with suppress(ConnectionError):  # some read only the beginning
                        self.wfile.write(web.content)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Tests print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", LARGE])
def test_a_file_of_a_web_server_is_read_and_its_tag_followed(content: bytes, tmp_path: Path) -> None:
    with Web(content, "ETag") as web:
        source = Csv(uri=f"{web.url}/data/rows.csv?version=3")
        first = source.fingerprint(tmp_path)
        assert source.fingerprint(tmp_path) == first
        assert brought(source, tmp_path / "rows") == {"rows.csv": content}
        web.content += b"3,4\n"
        assert source.fingerprint(tmp_path) != first


def test_a_web_server_that_tells_no_version_cannot_be_followed(tmp_path: Path) -> None:
    with Web(b"a\n1\n") as web, pytest.raises(StepProblem, match="nobody can tell when"):
        Csv(uri=f"{web.url}/rows.csv").fingerprint(tmp_path)


@pytest.mark.parametrize(
    ("status", "words"), [(404, "there is nothing at"), (403, "answers 403"), (500, "answers 500")]
)
def test_a_web_server_that_refuses_is_told(status: int, words: str, tmp_path: Path) -> None:
    with Web(b"no", "ETag") as web:
        web.status = status
        with pytest.raises(Problem, match=words):
            Csv(uri=f"{web.url}/rows.csv").fingerprint(tmp_path)


def test_a_web_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be reached"):
        Csv(uri="http://127.0.0.1:9/rows.csv").fingerprint(tmp_path)
