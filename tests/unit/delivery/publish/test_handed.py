"""A report that a stranger hands over is read as data: what is not of the closed form is refused as a whole."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.delivery.publish.handed import MOST_BYTES, UnusableReport, parse_archive, parse_report, read_handed

COMMIT = "c" * 40


def report(**over: Any) -> dict[str, Any]:
    """A report as a run writes it, with other values for some keys."""
    measured = {"metric": "accuracy", "value": 0.93, "rows": 100}
    evaluation = {"task": "classification", "split": "test", "rows": 100, "model": "sha256:m", "champion": "",
                  "measurements": [measured]}  # fmt: skip
    given = {"version": 1, "project": "numbers", "environment": "default", "commit": COMMIT, "pull_request": 7,
             "missing": "", "evaluation": evaluation, "items": []}  # fmt: skip
    return {**given, **over}


def item(**over: Any) -> dict[str, Any]:
    return {"name": "plan", "kind": "plan", "conclusion": "success", "title": "No changes", **over}


def measurement(**over: Any) -> dict[str, Any]:
    """A report whose one measurement has these values."""
    made = report()
    made["evaluation"]["measurements"][0].update(over)
    return made


def archive(entries: Mapping[str, bytes | str], mode: int = 0) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            made.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def content(**over: Any) -> bytes:
    return json.dumps(report(**over)).encode()


def test_a_report_is_read_from_bytes_a_file_a_folder_and_an_archive(tmp_path: Path) -> None:
    made = content(items=[item()])
    (tmp_path / "report.json").write_bytes(made)
    (tmp_path / "a.zip").write_bytes(archive({"report.json": made}))
    found = parse_report(made)
    assert found.evaluation is not None
    assert found.evaluation.measurements[0].value == 0.93
    assert [one.title for one in found.items] == ["No changes"]
    assert found == read_handed(tmp_path) == read_handed(tmp_path / "report.json") == read_handed(tmp_path / "a.zip")


WRONG: dict[str, Any] = {
    "no object": [],
    "an unknown key": report(verdict="success"),
    "an unknown key inside": measurement(trusted=True),
    "another version": report(version=2),
    "no version": {key: value for key, value in report().items() if key != "version"},
    "a branch for a commit": report(commit="main"),
    "a short commit": report(commit="c" * 7),
    "a commit and more": report(commit=COMMIT + "\n"),
    "a text for a number": measurement(value="0.99"),
    "a truth value for a number": measurement(value=True),
    "a number of rows that nobody has": measurement(rows=10**30),
    "rows in parts": measurement(rows=1.5),
    "rows beyond all numbers": measurement(rows=10**400),
    "a negative pull request": report(pull_request=-1),
    "a path for a project": report(project="../../etc"),
    "a long text": report(missing="x" * 100_000),
    "the verdict of a gate": report(items=[item(kind="gate", name="floor")]),
    "a conclusion that GitHub takes for a pass": report(items=[item(conclusion="neutral")]),
    "a thing twice": report(items=[item(), item(conclusion="failure")]),
    "many things": report(items=[item(name=f"n{at}") for at in range(501)]),
    "many numbers": report(
        evaluation={**report()["evaluation"], "measurements": [report()["evaluation"]["measurements"][0]] * 5_001}
    ),
}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_not_of_the_form_is_refused(wrong: str) -> None:
    with pytest.raises(UnusableReport, match="report"):
        parse_report(json.dumps(WRONG[wrong]).encode())


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 400, "-" + "1" * 400, "1" * 5000, "0x1", "1_0"]
)
def test_what_is_no_finite_number_is_refused(number: str) -> None:
    with pytest.raises(UnusableReport):
        parse_report(content().replace(b"0.93", number.encode()))


@pytest.mark.parametrize(
    "made",
    [
        b"",
        b"\x00",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        content() + content(),
        content().replace(b'"version": 1', b'"version": 1, "version": 1'),
        content().replace(b'"numbers"', b'"\\ud800"'),
        content() + b" " * MOST_BYTES,
    ],
    ids=["empty", "nul", "utf-16", "deep", "deep keys", "twice", "key twice", "half a character", "oversized"],
)
def test_what_is_no_small_json_document_is_refused(made: bytes) -> None:
    with pytest.raises(UnusableReport):
        parse_report(made)


@pytest.mark.parametrize(
    "name",
    [
        "../report.json",
        "/report.json",
        "/etc/passwd",
        "a/../report.json",
        "a/report.json",
        "..\\report.json",
        "C:\\report.json",
        "report.json/",
        "report.json\x00.txt",
        "REPORT.JSON",
        ".github/workflows/x.yml",
    ],
)
def test_an_archive_with_another_name_in_it_is_refused_and_nothing_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    made = archive({name.replace("\x00", "@"): content()}).replace(b"report.json@", b"report.json\x00")
    with pytest.raises(UnusableReport):
        parse_archive(made)
    with pytest.raises(UnusableReport):
        parse_archive(archive({"report.json": content(), "more": b"x"}))
    assert list(tmp_path.rglob("*")) == [inside]


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o666, stat.S_IFCHR | 0o666, stat.S_IFDIR])
def test_an_archive_with_something_other_than_a_file_is_refused(mode: int) -> None:
    with pytest.raises(UnusableReport, match="not a plain file"):
        parse_archive(archive({"report.json": b"/etc/passwd"}, mode))


def test_an_archive_that_unpacks_to_more_than_it_says_is_refused() -> None:
    bomb = archive({"report.json": b" " * (64 << 20)})
    assert len(bomb) < MOST_BYTES
    with pytest.raises(UnusableReport, match="more than"):
        parse_archive(bomb)
    # The size that stands in it, in both places, is a lie.
    lying = bomb.replace(struct.pack("<I", 64 << 20), struct.pack("<I", 100))
    assert lying != bomb
    with pytest.raises(UnusableReport):
        parse_archive(lying)


@pytest.mark.parametrize("cut", [0, 1, 30, 60, -30, -1])
def test_an_archive_that_is_broken_is_refused(cut: int) -> None:
    with pytest.raises(UnusableReport):
        parse_archive(archive({"report.json": content()})[:cut])
    with pytest.raises(UnusableReport, match="more than"):
        parse_archive(b"PK" * MOST_BYTES)


def test_no_byte_of_an_archive_can_be_changed_so_that_reading_it_breaks() -> None:
    whole = archive({"report.json": content()})
    for at in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            broken = bytearray(whole)
            broken[at] ^= flip
            try:
                found = parse_archive(bytes(broken))
            except UnusableReport:
                continue
            assert found == parse_report(content())


@pytest.mark.parametrize("kind", ["link", "link to a folder", "fifo", "hard link", "folder", "nothing"])
def test_a_report_that_is_no_file_of_its_own_is_refused(kind: str, tmp_path: Path) -> None:
    there, place = tmp_path / "there.json", tmp_path / "given" / "report.json"
    there.write_bytes(content())
    place.parent.mkdir()
    if kind == "link":
        place.symlink_to(there)
    elif kind == "link to a folder":
        place.parent.rmdir()
        there.rename(tmp_path / "report.json")
        place.parent.symlink_to(tmp_path)
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "hard link":
        os.link(there, place)
    elif kind == "folder":
        place.mkdir()
    with pytest.raises(UnusableReport):
        read_handed(place.parent)


def test_a_refusal_repeats_nothing_of_the_report() -> None:
    evil = "<img src=x onerror=alert(1)> @everyone"
    for made in (report(**{evil: 1}), report(project=evil), measurement(**{evil: 1}), report(items=[{evil: evil}])):
        with pytest.raises(UnusableReport) as caught:
            parse_report(json.dumps(made).encode())
        assert "img" not in str(caught.value)
        assert "everyone" not in str(caught.value)
