from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.step import output
from mlopsctl.step.output import TAIL, Output


def logged(path: Path, *chunks: bytes, limit: int, last_words: str = "") -> bytes:
    """What the log holds after somebody wrote these chunks."""
    log = Output(path, limit)
    writer = os.dup(log.writer)
    log.start()
    for chunk in chunks:
        while chunk:
            chunk = chunk[os.write(writer, chunk) :]
    os.close(writer)
    log.close(last_words)
    return path.read_bytes()


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_what_is_short_is_kept_whole(chunks: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        assert logged(Path(folder) / "x.log", *chunks, limit=10_000) == b"".join(chunks)


def test_the_last_words_come_last(tmp_path: Path) -> None:
    assert logged(tmp_path / "logs" / "x.log", b"a\n", limit=10, last_words="it broke") == b"a\nit broke\n"


def test_a_long_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    lines = [b"line %06d\n" % number for number in range(100_000)]
    found = logged(tmp_path / "x.log", *lines, limit=5_000)
    whole = b"".join(lines)
    assert found.startswith(whole[:5_000] + b"\nmlopsctl: the log is too long; ")
    assert found.endswith(whole[-TAIL:])
    left_out = len(whole) - 5_000 - TAIL
    assert f"{left_out:,} bytes are left out".encode() in found
    assert len(found) < 5_000 + TAIL + 200


@given(st.integers(0, 40), st.integers(0, 80))
def test_every_byte_is_kept_or_counted(limit: int, size: int) -> None:
    import tempfile

    written = bytes(65 + number % 26 for number in range(size))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "TAIL", 16)
        found = logged(Path(folder) / "x.log", written, limit=limit)
    left_out = size - limit - 16
    if left_out <= 0:
        assert found == written
    else:
        told = f"\nmlopsctl: the log is too long; {left_out:,} bytes are left out here\n".encode()
        assert found == written[:limit] + told + written[-16:]


def test_a_gigabyte_scaled_down_takes_no_space_and_little_time(tmp_path: Path) -> None:
    chunk = b"x" * (1 << 20)
    begun = time.process_time()
    found = logged(tmp_path / "x.log", *[chunk] * 128, limit=1 << 20)
    assert len(found) < (1 << 20) + TAIL + 200
    assert time.process_time() - begun < 5


def test_who_keeps_the_pipe_open_is_not_waited_for(tmp_path: Path) -> None:
    log = Output(tmp_path / "x.log", 100)
    holder = os.dup(log.writer)
    log.start()
    os.write(holder, b"still here")
    begun = time.monotonic()
    log.close()
    assert time.monotonic() - begun < 1
    assert (tmp_path / "x.log").read_bytes() == b"still here"
    os.close(holder)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "x.log").symlink_to("/dev/full")
    with pytest.raises(OSError, match="symbolic"):
        Output(tmp_path / "x.log", 100)
    log = Output(tmp_path / "y.log", 1 << 30)
    os.dup2(os.open("/dev/full", os.O_WRONLY), log._file)
    writer = os.dup(log.writer)
    log.start()
    for _ in range(64):
        os.write(writer, b"x" * (1 << 16))
    os.close(writer)
    log.close("end")


def test_what_never_started_can_be_closed(tmp_path: Path) -> None:
    log = Output(tmp_path / "x.log", 100)
    os.close(log.writer)
    log.close("no process")
    assert (tmp_path / "x.log").read_bytes() == b"no process\n"
