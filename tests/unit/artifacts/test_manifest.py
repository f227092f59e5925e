from __future__ import annotations

import hashlib
import json
import os
import socket
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.artifacts import manifest as manifest_module
from mlopsctl.artifacts import walk
from mlopsctl.artifacts.manifest import FileEntry, Manifest, folder_digest, scan
from mlopsctl.artifacts.problems import BadArtifact

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "artifacts.json").read_text(encoding="utf-8"))
EMPTY = hashlib.sha256(b"").hexdigest()


def fill(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
    return folder


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_folder_has_the_digest_written_down_for_it(vector: dict[str, object], tmp_path: Path) -> None:
    files = vector["files"]
    assert isinstance(files, dict)
    found = scan(fill(tmp_path / "a", files))
    assert found.to_bytes().decode() == vector["manifest"]
    assert found.digest == vector["digest"]


def test_the_digest_is_of_content_alone(tmp_path: Path) -> None:
    one = fill(tmp_path / "one", {"a": "1", "b/c": "2"})
    two = fill(tmp_path / "two", {"b/c": "2", "a": "1"})
    (two / "a").chmod(0o600)
    os.utime(two / "a", (1, 1))
    (two / "empty folder").mkdir()
    assert folder_digest(one) == folder_digest(two)


@pytest.mark.parametrize(
    ("change", "files"),
    [
        ("another name", {"A": "1", "b/c": "2"}),
        ("another byte", {"a": "2", "b/c": "2"}),
        ("one more file", {"a": "1", "b/c": "2", "d": ""}),
        ("one file less", {"a": "1"}),
        ("another folder", {"a": "1", "c": "2"}),
        ("contents swapped", {"a": "2", "b/c": "1"}),
    ],
)
def test_every_change_gives_another_digest(change: str, files: dict[str, str], tmp_path: Path) -> None:
    original = fill(tmp_path / "one", {"a": "1", "b/c": "2"})
    assert folder_digest(original) != folder_digest(fill(tmp_path / "two", files)), change


@pytest.mark.parametrize("target", ["/etc/passwd", "real", "missing", "..", "folder"])
def test_a_symbolic_link_is_refused(target: str, tmp_path: Path) -> None:
    folder = fill(tmp_path / "a", {"real": "1", "folder/x": "2"})
    (folder / "link").symlink_to(target)
    with pytest.raises(BadArtifact, match="'link' is a symbolic link"):
        scan(folder)


def test_a_folder_that_is_itself_a_link_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "real", {"a": "1"})
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(BadArtifact):
        scan(tmp_path / "link")


def test_a_fifo_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadArtifact, match="'pipe' is a FIFO"):
        scan(tmp_path)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(BadArtifact, match="'s' is a socket"):
            scan(tmp_path)


def test_a_file_swapped_for_a_link_after_the_first_look_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "a", {"x": "mine"})
    (tmp_path / "secret").write_text("secret")
    honest = walk._refuse_special

    def swap(mode: int, path: str) -> None:
        honest(mode, path)
        (folder / "x").unlink()
        (folder / "x").symlink_to(tmp_path / "secret")

    monkeypatch.setattr(walk, "_refuse_special", swap)
    with pytest.raises(BadArtifact, match="no longer, a plain file"):
        scan(folder)


def test_a_file_swapped_for_a_fifo_after_the_first_look_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "a", {"x": "mine"})

    def swap(mode: int, path: str) -> None:
        (folder / "x").unlink()
        os.mkfifo(folder / "x")

    monkeypatch.setattr(walk, "_refuse_special", swap)
    with pytest.raises(BadArtifact, match="no longer, a plain file"):
        scan(folder)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Model", "model"),
        ("straße", "STRASSE"),
        (unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")),
        ("Code/a", "code/b"),
        ("a", "A/b"),
    ],
)
def test_names_that_meet_on_another_file_system_are_refused(one: str, other: str, tmp_path: Path) -> None:
    with pytest.raises(BadArtifact, match="same name"):
        scan(fill(tmp_path / "a", {one: "1", other: "2"}))


@pytest.mark.parametrize("name", ["new\nline", "bell\a", "back\\slash", "tab\t", "/".join(["é" * 100] * 6)])
def test_a_name_that_is_not_portable_is_refused(name: str) -> None:
    with pytest.raises(BadArtifact, match="cannot be kept"):
        Manifest.of([FileEntry(name, 0, EMPTY)])


def test_a_file_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("")
    with pytest.raises(BadArtifact, match="cannot be kept on every machine"):
        scan(tmp_path)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a//b", "a/./b", "a/../../b", "", ".", "..", "a/", "a/.."])
def test_a_manifest_with_a_path_that_leaves_the_folder_is_refused(path: str) -> None:
    content = json.dumps([[path, 0, EMPTY]], separators=(",", ":")).encode()
    with pytest.raises(BadArtifact, match="not a path inside"):
        Manifest.from_bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"[" * 100_000,
        b"\xff",
        b'[["a",0]]',
        b'[["a",-1,"' + EMPTY.encode() + b'"]]',
        b'[["a",true,"' + EMPTY.encode() + b'"]]',
        b'[["a",0.0,"' + EMPTY.encode() + b'"]]',
        b'[["a",0,"' + EMPTY.upper().encode() + b'"]]',
        b'[["a",0,"abc"]]',
        b'[["a",0,"' + EMPTY.encode() + b'"] ]',
        b'[["b",0,"' + EMPTY.encode() + b'"],["a",0,"' + EMPTY.encode() + b'"]]',
        b'[["a",0,"' + EMPTY.encode() + b'"],["a",0,"' + EMPTY.encode() + b'"]]',
        b'[["a",0,"' + EMPTY.encode() + b'"],["a/b",0,"' + EMPTY.encode() + b'"]]',
    ],
)
def test_bytes_that_are_not_a_manifest_are_refused(content: bytes) -> None:
    with pytest.raises(BadArtifact):
        Manifest.from_bytes(content)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_FILES", 3)
    fill(tmp_path / "a", {str(number): "" for number in range(3)})
    assert len(scan(tmp_path / "a").files) == 3
    (tmp_path / "a" / "one more").touch()
    with pytest.raises(BadArtifact, match="more than 3 files"):
        scan(tmp_path / "a")


def test_folders_nested_too_deep_are_refused(tmp_path: Path) -> None:
    deep = "/".join("d" * (walk.MAX_DEPTH - 1))
    fill(tmp_path / "a", {f"{deep}/f": ""})
    assert len(scan(tmp_path / "a").files) == 1
    fill(tmp_path / "a", {f"{deep}/d/f": ""})
    with pytest.raises(BadArtifact, match="deeper"):
        scan(tmp_path / "a")


entries = st.builds(
    FileEntry,
    st.lists(st.text("abc.é😀 -", min_size=1, max_size=4), min_size=1, max_size=3).map("/".join),
    st.integers(0, 2**53),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
)


@given(st.lists(entries, max_size=6))
def test_a_manifest_reads_back_as_it_was_written(files: list[FileEntry]) -> None:
    try:
        written = Manifest.of(files)
    except BadArtifact:
        return
    assert manifest_module.Manifest.from_bytes(written.to_bytes()) == written
    assert Manifest.of(reversed(files)).digest == written.digest


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_in_another_way(content: bytes) -> None:
    try:
        found = Manifest.from_bytes(content)
    except BadArtifact:
        return
    assert found.to_bytes() == content
