"""DuckDB as this tool opens it: folders with odd names, and its complaints in plain words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import unknown_column
from mlopsctl.tables.engine import malformed, opened, parquet, write_parquet


@pytest.mark.parametrize("name", ["plain", "h?x", "a*b", "br[1]ack", "quo'te", "line\nbreak"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with opened(writes=[folder]) as connection:
        assert write_parquet(connection, "SELECT 7 AS x", folder / "x.parquet") == 1
        assert connection.execute(f"FROM {parquet(folder / 'x.parquet')}").fetchall() == [(7,)]


def test_the_folders_above_a_file_add_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "key=value"
    folder.mkdir()
    with opened(writes=[folder]) as connection:
        write_parquet(connection, "SELECT 7 AS x", folder / "x.parquet")
        described = connection.execute(f"DESCRIBE FROM {parquet(folder / 'x.parquet')}").fetchall()
    assert [row[0] for row in described] == ["x"]


def test_moments_are_in_utc_wherever_the_machine_stands() -> None:
    """The engine takes the zone of its process when it is loaded, so a new process asks."""
    code = (
        "from mlopsctl.tables.engine import opened\n"
        "with opened() as connection:\n"
        "    print(connection.execute('SELECT to_timestamp(0)::VARCHAR').fetchone()[0])\n"
    )
    environment = {**os.environ, "TZ": "America/New_York"}
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1970-01-01 00:00:00+00"


def test_a_ragged_line_is_told_by_number_and_counts(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("a,b\n1,2\n3,4,5\n", encoding="utf-8")
    with pytest.raises(StepProblem) as caught, opened(reads=[file]) as connection:
        connection.execute(
            f"FROM read_csv('{file}', columns={{a: 'VARCHAR', b: 'VARCHAR'}}, auto_detect=false, header=true)"
        ).fetchall()
    assert caught.value.diagnostics[0].message == "line 3 has 3 values, and the header names 2 columns"
    assert "delimiter" in caught.value.diagnostics[0].hint


def test_other_complaints_are_not_taken_for_a_ragged_line() -> None:
    assert malformed("Conversion Error: 'x' is no number") is None


def test_a_header_in_one_piece_is_told_as_the_wrong_delimiter() -> None:
    (told,) = unknown_column("species", ["species;length"], "label").diagnostics
    assert 'delimiter: ";"' in told.hint
