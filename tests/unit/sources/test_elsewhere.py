"""File sources behind URLs: the same rows as from disk, a fingerprint without reading, and no change unnoticed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from mlopsctl.components.ingest import IngestParameters, run
from mlopsctl.components.spec import Work
from mlopsctl.ground.errors import StepProblem
from mlopsctl.objects.content import Content
from mlopsctl.objects.contract import Objects
from mlopsctl.objects.opening import open_objects
from mlopsctl.objects.others import OtherObjects
from mlopsctl.sources import Csv, DuckDb, JsonFile, Parquet, Source
from mlopsctl.sources.elsewhere import bring, found_at, located
from mlopsctl.sources.files import FileSource

_numbers = itertools.count()
ROWS = "".join(f"{number},{number % 7}\n" for number in range(200))


@pytest.fixture
def bucket() -> str:
    return f"memory://bucket-{next(_numbers)}"


@pytest.fixture
def objects(bucket: str) -> Objects:
    return open_objects(bucket)


def put(objects: Objects, name: str, content: bytes) -> None:
    objects.replace(name, Content.of(content))


def parquet(folder: Path, *values: int) -> bytes:
    file = folder / "x.parquet"
    pq.write_table(pa.table({"x": list(values), "y": [value % 3 for value in values]}), file)
    return file.read_bytes()


def ingested(source: Source, project: Path, outputs: Path) -> dict[str, bytes]:
    """What ingest leaves for a source."""
    outputs.mkdir()
    work = Work(project=project, inputs={}, outputs={"examples": outputs}, environment="test")
    run(work, IngestParameters(dataset="rows", source=source))
    return {str(path.relative_to(outputs)): path.read_bytes() for path in outputs.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("url", "root", "name", "pattern"),
    [
        ("gs://b/x.csv", "gs://b", "x.csv", False),
        ("gs://b/a/x.csv", "gs://b/a", "x.csv", False),
        ("gs://b/a/", "gs://b", "a", False),
        ("gs://b", "gs://b", "", False),
        ("gs://b/a/*.parquet", "gs://b/a", "*.parquet", True),
        ("gs://b/a/y=*/m/x-[0-9].parquet", "gs://b/a", "y=*/m/x-[0-9].parquet", True),
        ("https://h/a/x.csv?path=/b/c", "https://h/a", "x.csv?path=/b/c", False),
    ],
)
def test_a_url_is_a_folder_and_what_is_read_in_it(url: str, root: str, name: str, pattern: bool) -> None:
    place = located(url)
    assert (place.root, place.name, place.pattern) == (root, name, pattern)


def test_every_kind_of_source_gives_the_same_bytes_as_from_disk(bucket: str, objects: Objects, tmp_path: Path) -> None:
    rows = {
        "a/rows.csv": ("a,b\n" + ROWS).encode(),
        "a/rows.jsonl": "".join(f'{{"a": {number}}}\n' for number in range(200)).encode(),
        "a/p/2.parquet": parquet(tmp_path, *range(100, 200)),
        "a/p/1.parquet": parquet(tmp_path, *range(100)),
        "a/p/deep/3.parquet": parquet(tmp_path, *range(200, 300)),
        "a/p/_SUCCESS": b"",
    }
    disk = tmp_path / "disk"
    for name, content in rows.items():
        put(objects, name, content)
        (disk / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / name).write_bytes(content)
    query = {"query": "SELECT a FROM one JOIN two ON one.a = two.x"}
    sources: list[Any] = [
        lambda base: Csv(uri=f"{base}/a/rows.csv"),
        lambda base: JsonFile(uri=f"{base}/a/rows.jsonl"),
        lambda base: Parquet(uri=f"{base}/a/p/1.parquet"),
        lambda base: Parquet(uri=f"{base}/a/p"),
        lambda base: Parquet(uri=f"{base}/a/p/"),
        lambda base: Parquet(uri=f"{base}/a/p/*.parquet"),
        lambda base: Parquet(uri=f"{base}/a/**/[13].parquet"),
        lambda base: DuckDb(**query, files={"one": f"{base}/a/rows.csv", "two": f"{base}/a/p/*.parquet"}),
    ]
    for number, source in enumerate(sources):
        here = ingested(source(str(disk)), tmp_path, tmp_path / f"here-{number}")
        there = ingested(source(bucket), tmp_path, tmp_path / f"there-{number}")
        assert there == here, source(bucket)


def test_a_fingerprint_reads_nothing_and_follows_names_sizes_and_versions(
    bucket: str, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(objects, "p/1.parquet", b"one")
    put(objects, "p/2.parquet", b"two")
    source = Parquet(uri=f"{bucket}/p")

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be read")

    with monkeypatch.context() as patched:
        patched.setattr(OtherObjects, "download", forbidden)
        first = source.fingerprint(tmp_path)
        assert source.fingerprint(tmp_path) == first
        assert source.fingerprints(tmp_path) == {f"{bucket}/p": first}
        assert Parquet(uri=f"{bucket}/p/*.parquet").fingerprint(tmp_path) != "", "it can be had for a pattern, too"
    seen = {first}
    put(objects, "p/2.parquet", b"TWO!")
    seen.add(source.fingerprint(tmp_path))
    put(objects, "p/3.parquet", b"three")
    seen.add(source.fingerprint(tmp_path))
    objects.move("p/3.parquet", "p/4.parquet")
    seen.add(source.fingerprint(tmp_path))
    assert len(seen) == 4


def test_a_single_object_may_move_when_its_checksum_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    honest = OtherObjects._stored

    def with_checksum(self: OtherObjects, name: str, info: dict[str, Any]) -> Any:
        return honest(self, name, {**info, "md5Hash": "XUFAKrxLKna5cZ2REBfFkg=="})

    monkeypatch.setattr(OtherObjects, "_stored", with_checksum)
    one, two = f"memory://one-{next(_numbers)}", f"memory://two-{next(_numbers)}"
    for root, name in ((one, "a.csv"), (two, "deep/b.csv")):
        put(open_objects(root), name, b"hello")
    assert Csv(uri=f"{one}/a.csv").fingerprint(tmp_path) == Csv(uri=f"{two}/deep/b.csv").fingerprint(tmp_path)


def test_a_place_that_tells_no_version_is_refused(
    bucket: str, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(objects, "a.csv", b"a\n1\n")
    filesystem: Any = objects._fs  # type: ignore[attr-defined]
    monkeypatch.setattr(filesystem, "info", lambda path: {"name": path, "size": 4, "type": "file"})
    with pytest.raises(StepProblem, match="nobody can tell when"):
        Csv(uri=f"{bucket}/a.csv").fingerprint(tmp_path)


@pytest.mark.parametrize(
    ("source", "words", "hint"),
    [
        (lambda b: Csv(uri=f"{b}/d/pengiuns.csv"), "there is no object", "d/penguins.csv"),
        (lambda b: Csv(uri=f"{b}/d"), "is a folder", "name the object"),
        (lambda b: Parquet(uri=f"{b}/d"), r"holds no \*\.parquet object", "name the object"),
        (lambda b: Parquet(uri=f"{b}/d/*.parquet"), "no object matches", "correct"),
        (lambda b: Csv(uri=f"{b}/e/x.csv"), "there is no object", "correct"),
        (lambda b: Csv(uri=f"{b}/d/*.csv"), "there is no object", "correct"),
    ],
)
def test_what_is_not_there_is_a_clear_problem(
    source: Any, words: str, hint: str, bucket: str, objects: Objects, tmp_path: Path
) -> None:
    put(objects, "d/penguins.csv", b"a\n1\n")
    with pytest.raises(StepProblem, match=words) as caught:
        source(bucket).fingerprint(tmp_path)
    assert hint in caught.value.diagnostics[0].hint


def test_a_change_while_it_is_read_is_an_error(
    bucket: str, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(objects, "p/1.parquet", b"one")
    put(objects, "p/2.parquet", b"two")
    honest = OtherObjects.download

    def meanwhile(self: OtherObjects, name: str, target: Any, version: str = "") -> None:
        honest(self, name, target, version)
        put(objects, "p/3.parquet", b"three")

    monkeypatch.setattr(OtherObjects, "download", meanwhile)
    with pytest.raises(StepProblem, match="changed while it was read"):
        bring(f"{bucket}/p", tmp_path / "rows", ".parquet")


def test_an_object_that_is_replaced_before_it_is_read_is_an_error(
    bucket: str, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(objects, "a.csv", b"a\n1\n")
    old = found_at(f"{bucket}/a.csv")
    put(objects, "a.csv", b"a\n2\n3\n")
    monkeypatch.setattr("mlopsctl.sources.elsewhere.found_at", lambda url, suffix: old)
    with pytest.raises(StepProblem, match="changed while it was read"):
        bring(f"{bucket}/a.csv", tmp_path / "rows")


def test_bytes_that_are_not_those_of_the_checksum_are_refused(
    bucket: str, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(objects, "a.csv", b"hellO")
    honest = OtherObjects._stored

    def with_checksum(self: OtherObjects, name: str, info: dict[str, Any]) -> Any:
        return honest(self, name, {**info, "md5Hash": "XUFAKrxLKna5cZ2REBfFkg=="})

    monkeypatch.setattr(OtherObjects, "_stored", with_checksum)
    with pytest.raises(StepProblem, match="did not come whole"):
        bring(f"{bucket}/a.csv", tmp_path / "rows")


@pytest.mark.parametrize("name", ["p/../../x.parquet", "p//x.parquet", "p/./x.parquet"])
def test_a_name_that_would_leave_the_folder_is_refused(name: str, bucket: str, tmp_path: Path) -> None:
    import fsspec

    fsspec.filesystem("memory").store[f"/{bucket.removeprefix('memory://')}/{name}"] = _held(name)
    with pytest.raises(StepProblem, match="cannot be a file"):
        bring(f"{bucket}/p", tmp_path / "rows", ".parquet")
    assert not (tmp_path / "x.parquet").exists()


def _held(name: str) -> object:
    from fsspec.implementations.memory import MemoryFile

    return MemoryFile(None, name, b"x")


def test_problems_with_the_rows_name_the_url_and_not_the_copy(bucket: str, objects: Objects, tmp_path: Path) -> None:
    put(objects, "d/empty.csv", b"")
    with pytest.raises(StepProblem) as caught:
        ingested(Csv(uri=f"{bucket}/d/empty.csv"), tmp_path, tmp_path / "out")
    message = caught.value.diagnostics[0].message
    assert f"{bucket}/d/empty.csv" in message
    assert "mlopsctl-" not in message


@pytest.mark.parametrize(
    "uri",
    [
        "https://storage.googleapis.com/b/x.csv?X-Goog-Algorithm=a&X-Goog-Signature=12",
        "https://b.s3.amazonaws.com/x.csv?X-Amz-Signature=12",
        "https://a.blob.core.windows.net/c/x.csv?sv=1&sig=12",
        "https://h/x.csv?access_token=12",
        "https://token@h/x.csv",
        "s3://key:secret@b/x.csv",
    ],
)
def test_a_url_with_a_secret_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match=r"holds a (secret|password)"):
        Csv(uri=uri)


@pytest.mark.parametrize(
    "uri", ["https://h/x.csv?version=3", "gs://b/a@b.csv", "gs://b/monkey=1/x.csv", "data/a?sig=.csv"]
)
def test_a_url_without_a_secret_is_accepted(uri: str) -> None:
    assert isinstance(Csv(uri=uri), FileSource)


def test_an_object_whose_name_looks_like_a_pattern_is_read_by_its_name(
    bucket: str, objects: Objects, tmp_path: Path
) -> None:
    put(objects, "d/a[1].parquet", parquet(tmp_path, 1))
    put(objects, "d/a1.parquet", parquet(tmp_path, 2))
    found = Parquet(uri=f"{bucket}/d/a[1].parquet").here(tmp_path / "rows", {})
    assert [file.name for file in found.files(tmp_path)] == ["a[1].parquet"]
