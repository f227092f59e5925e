"""Finding files, and the digest of their bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter, ValidationError

from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources import Csv, Parquet, PythonSource, Source
from mlopsctl.sources.fingerprint import file_digest
from mlopsctl.tables.engine import opened

SOURCE: TypeAdapter[Any] = TypeAdapter(Source)


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "csv", "uri": "a.csv", "nulls": ["", "NA"], "types": {"zip": "string"}},
        {"kind": "parquet", "uri": "data/*.parquet"},
        {"kind": "json", "uri": "a.jsonl", "lines": True},
        {"kind": "sql", "url": {"secret": "DB"}, "query": "SELECT 1"},
        {"kind": "sql", "url": "postgresql+psycopg://db.example.com/x", "table": "t"},
        {"kind": "bigquery", "table": "p.d.t", "max_bytes_billed": 1000},
        {"kind": "python", "entrypoint": "rows:load", "params": {"days": 3, "names": ["a"]}},
    ],
)
def test_a_source_reads_back_what_it_writes(written: dict[str, Any]) -> None:
    source = SOURCE.validate_python(written)
    assert SOURCE.validate_python(source.model_dump(mode="json", by_alias=True)) == source


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "sql", "url": "sqlite:///x.db"},
        {"kind": "bigquery", "table": "t", "query": "SELECT 1"},
        {"kind": "sql", "url": "postgresql://me:secret@db.example.com/x", "table": "t"},
        {"kind": "csv", "uri": ""},
        {"kind": "csv", "uri": "a.csv", "delimiter": ";;"},
        {"kind": "csv", "uri": "a.csv", "types": {"a": "integer"}},
        {"kind": "python", "entrypoint": "rows.load"},
    ],
)
def test_a_bad_source_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SOURCE.validate_python(written)


def test_a_missing_file_names_the_path_as_resolved_and_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "penguins.csv").write_text("a\n1\n")
    with pytest.raises(StepProblem) as caught:
        Csv(uri="sub/../pengiuns.csv").files(tmp_path)
    (diagnostic,) = caught.value.diagnostics
    assert str(tmp_path / "pengiuns.csv") in diagnostic.message
    assert "did you mean" in diagnostic.hint
    assert "penguins.csv" in diagnostic.hint


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Csv(uri="folder"), "is a folder"),
        (Parquet(uri="folder"), "holds no"),
        (Parquet(uri="*.parquet"), "no file"),
        (Csv(uri="memory://nowhere/a.csv"), "no object"),
    ],
)
def test_what_is_no_file_is_a_clear_problem(tmp_path: Path, source: Csv | Parquet, words: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StepProblem, match=words) as caught:
        source.fingerprint(tmp_path)
    assert caught.value.diagnostics[0].hint


def test_a_device_is_no_data_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StepProblem):
        Csv(uri="pipe").fingerprint(tmp_path)


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text("a\n1\n")
    first = Csv(uri="a.csv").fingerprint(tmp_path / "one")
    assert first == Csv(uri="../two/a.csv").fingerprint(tmp_path / "one")
    (tmp_path / "one" / "a.csv").write_text("a\n2\n")
    assert first != Csv(uri="a.csv").fingerprint(tmp_path / "one")


def test_the_fingerprint_of_a_folder_covers_every_file_by_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"x": [name]}), tmp_path / f"{name}.parquet")
    folder, pattern = Parquet(uri="."), Parquet(uri="*.parquet")
    first = folder.fingerprint(tmp_path)
    assert pattern.fingerprint(tmp_path) == first
    (tmp_path / "b.parquet").rename(tmp_path / "c.parquet")
    assert folder.fingerprint(tmp_path) != first


def test_parquet_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, value in (("b", 2), ("a", 1), ("c", 3)):
        pq.write_table(pa.table({"x": pa.array([value], pa.int16())}), tmp_path / f"{name}.parquet")
    source = Parquet(uri=".")
    with opened(reads=source.files(tmp_path)) as connection:
        scan = source.scan(connection, tmp_path)
        assert connection.execute(scan.query).fetchall() == [(1,), (2,), (3,)]


def test_a_broken_parquet_file_is_a_clear_problem(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 this is no parquet PAR1")
    source = Parquet(uri="a.parquet")
    with pytest.raises(StepProblem, match="cannot be read"), opened(reads=source.files(tmp_path)) as connection:
        source.scan(connection, tmp_path)


def test_a_function_has_no_fingerprint_and_no_location(tmp_path: Path) -> None:
    source = PythonSource(entrypoint="rows:load")
    assert source.fingerprints(tmp_path) == {}
    assert source.resolved(tmp_path) == ()


def _aged(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    os.utime(file, ns=(10**18, 10**18))


def test_a_digest_is_the_plain_sha256_with_and_without_a_memo(tmp_path: Path) -> None:
    file = tmp_path / "a"
    _aged(file, b"content")
    expected = "sha256:" + hashlib.sha256(b"content").hexdigest()
    assert [file_digest(file), file_digest(file, tmp_path / "memo"), file_digest(file, tmp_path / "memo")] == [
        expected
    ] * 3


def test_a_settled_file_is_remembered_and_a_changed_one_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, memo = tmp_path / "a", tmp_path / "memo"
    _aged(file, b"content")
    monkeypatch.setattr("mlopsctl.sources.fingerprint._SETTLED_NS", -1)
    first = file_digest(file, memo)
    reads: list[Path] = []
    monkeypatch.setattr(
        "mlopsctl.sources.fingerprint.digest_stream", lambda stream: (reads.append(file), ("sha256:x", 1))[1]
    )
    assert file_digest(file, memo) == first
    assert reads == []
    _aged(file, b"CONTENT")
    assert file_digest(file, memo) == "sha256:x"


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    file, memo = tmp_path / "a", tmp_path / "memo"
    file.write_bytes(b"one")
    first = file_digest(file, memo)
    assert not memo.exists()
    file.write_bytes(b"two")
    assert file_digest(file, memo) != first


def test_a_damaged_memo_is_no_memo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, memo = tmp_path / "a", tmp_path / "memo"
    _aged(file, b"content")
    monkeypatch.setattr("mlopsctl.sources.fingerprint._SETTLED_NS", -1)
    first = file_digest(file, memo)
    (entry,) = memo.iterdir()
    for damage in (b"", b"{", b"[]", b'{"stat": 1}'):
        entry.write_bytes(damage)
        assert file_digest(file, memo) == first
