"""Batch scoring: rows in, the same rows with answers out, by a released model only."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import call, processes_of
from tests.integration.test_flowers import PROJECT, write_data


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("infer") / "flowers"
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    write_data(folder)
    yield folder
    assert processes_of(folder) == []


def new_rows(folder: Path, *lines: str) -> Path:
    file = folder / "new.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_nothing_is_scored_before_a_model_was_let_go(project: Path) -> None:
    done = call(project, "infer", str(new_rows(project, "length,width,colour", "1,1,r")))
    assert (done.code, "nothing is released" in done.err) == (1, True), done


def test_the_columns_that_came_in_go_out_with_the_answers(project: Path) -> None:
    assert call(project, "apply").code == 0
    rows = new_rows(project, "note,colour,width,length", "a,r,2,4", "b,g,0,0", "c,,1.5,")
    out = project / "scored.csv"
    done = call(project, "infer", str(rows), "--out", str(out))
    assert done.code == 0, done
    scored = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["note"] for row in scored] == ["a", "b", "c"]
    assert [row["prediction"] for row in scored][:2] == ["k2", "k0"]
    assert {f"probability_k{at}" for at in range(3)} < set(scored[0])
    assert call(project, "plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("length,colour", "1,r"), "no column 'width'"),
        (("length,width,colour", "tall,1,r"), "such as 'tall'"),
        (("length,width,colour",), "no rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_told(project: Path, lines: tuple[str, ...], said: str) -> None:
    out = project / "refused.csv"
    done = call(project, "infer", str(new_rows(project, *lines)), "--out", str(out))
    assert (done.code, said in done.out + done.err, out.exists()) == (1, True, False), done


def test_files_of_an_unknown_kind_are_refused(project: Path) -> None:
    strange = project / "rows.xlsx"
    strange.write_bytes(b"")
    assert call(project, "infer", str(strange)).code == 64
    assert call(project, "infer", str(new_rows(project, "a", "1")), "--out", "scored.xlsx").code == 64
