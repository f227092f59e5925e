"""gc, fsck, state, doctor and fmt on a project that was applied; with the records in a file and on PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import call, processes_of, start
from tests.integration.postgres import Server
from tests.integration.test_flowers import PROJECT, write_data

pytestmark = pytest.mark.timeout(900)


def write_project(folder: Path, more: str = "") -> Path:
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT + more, encoding="utf-8")
    write_data(folder)
    return folder


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def applied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An applied project, changed and run twice more."""
    stores = ""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        stores = f"stores: {{metadata: '{server.database()}'}}\n"
    folder = write_project(tmp_path_factory.mktemp("upkeep") / "flowers", stores)
    done = call(folder, "apply", "-o", "json")
    assert done.code == 0, done
    empty = call(folder, "plan", "--detailed-exitcode")
    assert empty.code == 0, empty
    file = folder / "mlops.yaml"
    for strength in ("0.5", "0.25"):
        file.write_text(file.read_text().replace("C: 1.0", f"C: {strength}").replace("C: 0.5", f"C: {strength}"))
        done = call(folder, "run")
        assert done.code == 0, done
    yield folder
    assert processes_of(folder) == []


def objects(folder: Path) -> list[Path]:
    return [path for path in (folder / ".mlops/artifacts/objects").rglob("*") if path.is_file()]


def test_a_project_that_runs_has_no_flaw(applied: Path) -> None:
    assert call(applied, "fsck").code == 0
    listed = call(applied, "state", "list")
    assert "flowers v1" in listed.out
    assert "free" in listed.out
    shown = call(applied, "state", "show", "-o", "json").json
    assert shown["release"]["number"] == 1
    assert not shown["lease"]["held"]


def test_the_doctor_finds_everything_in_order(applied: Path) -> None:
    found = call(applied, "doctor", "-o", "json")
    assert found.code == 0, found
    by_subject = {one["subject"]: one["health"] for one in found.json["findings"]}
    assert {by_subject[name] for name in ("metadata", "artifacts", "registry", "locks", "clock")} == {"ok"}
    assert call(applied, "fsck").code == 0, "the doctor left something behind"


def test_the_doctor_says_what_is_wrong_outside_a_project(tmp_path: Path) -> None:
    found = call(tmp_path, "doctor")
    assert found.code == 1
    assert "there is no file" in found.out


def test_a_broken_store_is_found_repaired_and_healed(applied: Path, tmp_path: Path) -> None:
    spoiled = max(objects(applied), key=lambda path: path.stat().st_size)
    spoiled.chmod(0o644)
    spoiled.write_bytes(b"spoiled")
    found = call(applied, "fsck", "-o", "json")
    assert found.code == 1
    assert [flaw["id"] for flaw in found.json["flaws"]] == ["broken-object"]
    repaired = call(applied, "fsck", "--repair")
    assert repaired.code == 0, repaired
    assert call(applied, "run").code == 0
    assert call(applied, "fsck").code == 0


def test_gc_keeps_what_is_released_and_removes_what_only_older_runs_need(applied: Path) -> None:
    before = len(objects(applied))
    would = call(applied, "gc", "--keep", "1", "--dry-run", "-o", "json").json
    assert would["bytes"] > 0
    assert len(objects(applied)) == before
    done = call(applied, "gc", "--keep", "1", "-o", "json")
    assert done.code == 0, done
    assert done.json["bytes"] == would["bytes"]
    assert call(applied, "gc", "--keep", "1", "-o", "json").json["artifacts"] == []
    assert call(applied, "fsck").code == 0
    assert call(applied, "destroy", "--yes").code == 0


def test_a_pinned_run_is_kept_and_an_unknown_one_is_refused(applied: Path) -> None:
    run = call(applied, "state", "show", "-o", "json").json["history"][0]["run"]
    assert call(applied, "gc", "pin", run, "--reason", "for the audit").code == 0
    assert call(applied, "gc", "pins", "-o", "json").json == {run: "for the audit"}
    assert call(applied, "gc", "unpin", run).code == 0
    assert "No run" in call(applied, "gc", "pins").out
    assert call(applied, "gc", "pin", "nobody").code == 1


# Beside a running apply


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Path]:
    """A project whose apply takes long enough to come in between."""
    folder = write_project(tmp_path / "flowers")
    (folder / "slow.py").write_text(
        "import time\nimport pandas\n\ndef load():\n    time.sleep(30)\n    return pandas.read_csv('flowers.csv')\n"
    )
    file = folder / "mlops.yaml"
    file.write_text(
        file.read_text().replace("{kind: csv, uri: flowers.csv}", "{kind: python, entrypoint: 'slow:load'}")
    )
    yield folder
    assert processes_of(folder) == []


def test_while_an_apply_runs_gc_and_repairs_wait_and_unlock_wants_force(slow: Path) -> None:
    running = start(slow, "apply")
    try:
        deadline = time.monotonic() + 60
        while not list(slow.glob(".mlops/runs/*/ingest*.log")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for command in (("gc",), ("fsck", "--repair")):
            refused = call(slow, *command)
            assert refused.code == 6, refused
            assert str(running.pid) in refused.err
        assert call(slow, "gc", "--dry-run").code == 0
        assert call(slow, "fsck").code == 0
        assert f"held by mlopsctl (pid {running.pid})" in call(slow, "state", "list").out
        refused = call(slow, "state", "unlock")
        assert refused.code == 6, refused
        assert "--force" in refused.err
        forced = call(slow, "state", "unlock", "--force")
        assert forced.code == 0, forced
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(60)


def test_what_a_killed_apply_left_is_found_and_repaired(slow: Path) -> None:
    running = start(slow, "apply")
    deadline = time.monotonic() + 60
    while not list(slow.glob(".mlops/runs/*/ingest*.log")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    running.kill()
    running.wait()
    while processes_of(slow):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert {flaw["id"] for flaw in call(slow, "fsck", "-o", "json").json["flaws"]} == {"interrupted", "left-over"}
    assert call(slow, "state", "unlock").code == 0
    assert call(slow, "fsck", "--repair").code == 0
    assert json.loads(call(slow, "fsck", "-o", "json").out) == {"flaws": []}


# fmt


def test_fmt_shows_changes_makes_them_and_is_then_content(tmp_path: Path) -> None:
    file = tmp_path / "mlops.yaml"
    file.write_text("# mine\nname: x\nversion: 1\n")
    file.chmod(0o640)
    shown = call(tmp_path, "fmt", "--check")
    assert shown.code == 1
    assert "+version: 1" in shown.out
    assert file.read_text().startswith("# mine\nname")
    assert call(tmp_path, "fmt").code == 0
    assert file.read_text() == "version: 1\n# mine\nname: x\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert call(tmp_path, "fmt", "--check").code == 0
    file.write_text("a: [")
    assert call(tmp_path, "fmt").code == 65


def test_fmt_and_a_copy_of_every_example_agree(tmp_path: Path, checkout: Path) -> None:
    for example in sorted(checkout.glob("examples/*/mlops.yaml")):
        shutil.copy(example, tmp_path / "mlops.yaml")
        assert call(tmp_path, "fmt", "--check").code == 0, example
