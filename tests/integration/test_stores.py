"""The stores under many processes and under ``kill -9`` at any moment."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.errors import Locked
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, Release, RunRecord
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState

KILLS = 50
Say = Callable[[str], None]


@dataclass
class Child:
    """A forked process and the lines that it acknowledged."""

    pid: int
    pipe: int

    def line(self) -> str:
        """The next line, waited for."""
        text = b""
        while not text.endswith(b"\n"):
            text += os.read(self.pipe, 1) or b"\n"
        return text.decode().strip()

    def kill(self, turn: int, chance: random.Random) -> list[str]:
        """End it with SIGKILL at a random moment; every line that it wrote.

        Every other time the moment is counted from its first line, for starting takes long on a busy machine.
        """
        first = [self.line()] if turn % 2 else []
        time.sleep(chance.uniform(0, 0.06))
        os.kill(self.pid, signal.SIGKILL)
        lines, code = self.wait()
        assert code == -signal.SIGKILL, "the child ended by itself"
        return first + lines

    def wait(self) -> tuple[list[str], int]:
        """Every line that it wrote, and its exit code."""
        with os.fdopen(self.pipe, "rb") as stream:
            lines = stream.read().decode().split()
        _, status = os.waitpid(self.pid, 0)
        return lines, os.waitstatus_to_exitcode(status)


def forked(work: Callable[[Say], None]) -> Child:
    """Run ``work`` in a child: a fork, for a new interpreter would take longer than what is tested."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    code = 1
    try:
        os.close(reading)
        work(lambda line: (os.write(writing, f"{line}\n".encode()), None)[1])
        code = 0
    finally:
        os._exit(code)


def a_run(id: str) -> RunRecord:
    return RunRecord(id, "penguins", "prod", "sha256:p", "sha256:q", started=1)


def an_execution(run: str, number: int) -> ExecutionRecord:
    made = ArtifactRecord(f"sha256:{run}-{number}", ArtifactType.FILE, "file:///x")
    return ExecutionRecord(
        run, f"step-{number}", "train", StepState.SUCCESS, f"{run}-{number}", {"n": number}, 1, 2, outputs={"out": made}
    )


def a_release(number: int) -> Release:
    return Release(number, "m", "r", "e", "b", "n", str(number), 1)


def test_eight_writers_lose_no_update(tmp_path: Path) -> None:
    database, turns, writers = str(tmp_path / "metadata.db"), 8, 8
    open_store(database).close()

    def work(say: Say) -> None:
        with open_store(database) as store:
            state = StateStore(store)
            done = 0
            while done < turns:
                try:
                    lease = state.acquire("penguins", "prod", "test", tmp_path / "locks")
                except Locked:
                    time.sleep(0.001)
                    continue
                with lease:
                    before = state.read("penguins", "prod").gates
                    state.set_gates(lease, (before if isinstance(before, int) else 0) + 1)
                    done += 1
                    say(str(lease.token))

    children = [forked(work) for _ in range(writers)]
    results = [child.wait() for child in children]
    assert [code for _, code in results] == [0] * writers
    tokens = sorted(int(token) for lines, _ in results for token in lines)
    assert tokens == sorted(set(tokens)), "two leases had the same token"
    with open_store(database) as store:
        found = StateStore(store).read("penguins", "prod")
    assert found.gates == found.serial == turns * writers


def test_eight_recorders_lose_no_execution(tmp_path: Path) -> None:
    database = str(tmp_path / "metadata.db")

    def work(say: Say) -> None:
        with open_store(database) as store:
            run = f"run-{os.getpid()}"
            store.begin_run(a_run(run))
            for number in range(10):
                store.record([an_execution(run, number)])
            say(run)

    results = [child.wait() for child in [forked(work) for _ in range(8)]]
    assert [code for _, code in results] == [0] * 8
    with open_store(database) as store:
        for lines, _ in results:
            assert len(store.executions(lines[0])) == 10


def test_a_killed_holder_is_noticed_at_once(tmp_path: Path) -> None:
    database = str(tmp_path / "metadata.db")

    def hold(say: Say) -> None:
        with open_store(database) as store:
            lease = StateStore(store).acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks")
            say(str(lease.token))
            time.sleep(60)

    child = forked(hold)
    token = int(child.line())
    with open_store(database) as store:
        state = StateStore(store)
        with pytest.raises(Locked, match=rf"mlopsctl apply \(process {child.pid} on "):
            state.acquire("penguins", "prod", "mlopsctl rollback", tmp_path / "locks")
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        started = time.monotonic()
        with state.acquire("penguins", "prod", "mlopsctl rollback", tmp_path / "locks") as lease:
            assert lease.token == token + 1
        assert time.monotonic() - started < 1


def test_a_step_that_outlives_a_killed_holder_does_not_keep_its_lock(tmp_path: Path) -> None:
    database = str(tmp_path / "metadata.db")

    def hold(say: Say) -> None:
        with open_store(database) as store:
            StateStore(store).acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks")
            survivor = os.fork()
            if not survivor:
                time.sleep(60)
                os._exit(0)
            say(str(survivor))
            time.sleep(60)

    child = forked(hold)
    survivor = int(child.line())
    try:
        time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        with open_store(database) as store:
            StateStore(store).acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks").close()
    finally:
        os.kill(survivor, signal.SIGKILL)
        os.close(child.pipe)


def test_a_frozen_holder_that_was_replaced_writes_nothing(tmp_path: Path) -> None:
    """It wakes up after its lock file was removed by hand and another process took over."""
    database = str(tmp_path / "metadata.db")

    def hold(say: Say) -> None:
        with open_store(database) as store:
            state = StateStore(store)
            lease = state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks")
            say("holding")
            while True:
                try:
                    state.set_gates(lease, "old")
                    time.sleep(0.001)
                except Locked:
                    say("superseded")
                    return

    child = forked(hold)
    child.line()
    os.kill(child.pid, signal.SIGSTOP)
    # A stopped process may be inside a transaction, which nobody can take from it; then it has to end first.
    for lock in (tmp_path / "locks").iterdir():
        lock.unlink()
    os.kill(child.pid, signal.SIGCONT)
    with open_store(database) as store:
        state = StateStore(store)
        with state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks") as lease:
            state.set_gates(lease, "new")
            lines, code = child.wait()
            assert (lines, code) == (["superseded"], 0)
            assert state.read("penguins", "prod").gates == "new"


def test_what_was_recorded_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    database, chance = str(tmp_path / "metadata.db"), random.Random(1)
    acknowledged: dict[str, int] = {}
    for turn in range(KILLS):

        def work(say: Say, turn: int = turn) -> None:
            with open_store(database) as store:
                for number in range(10_000):
                    run = f"run-{turn}-{number}"
                    store.begin_run(a_run(run))
                    store.record([an_execution(run, step) for step in range(5)])
                    say(f"{run}=5")

        lines = forked(work).kill(turn, chance)
        acknowledged.update({run: int(count) for run, count in (line.split("=") for line in lines)})
        with open_store(database) as store:
            newest = store.runs("penguins", "prod", limit=2)
            assert {len(store.executions(run.id)) for run in newest} <= {0, 5}, "half a transaction"
    assert len(acknowledged) >= KILLS // 2
    with open_store(database) as store:
        assert {run: len(store.executions(run)) for run in acknowledged} == acknowledged
        keys = [f"{run}-{step}" for run in acknowledged for step in range(5)]
        assert set(store.cached(keys)) == set(keys)
        with store.database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_release_state_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    database, chance = str(tmp_path / "metadata.db"), random.Random(2)
    known = 0
    for turn in range(KILLS):

        def work(say: Say) -> None:
            with open_store(database) as store:
                state = StateStore(store)
                with state.acquire("penguins", "prod", "test", tmp_path / "locks") as lease:
                    while True:
                        found = state.read("penguins", "prod")
                        if found.hold:
                            found = state.release_hold(lease)
                        elif len(found.history) % 3 == 2 and found.release and not found.history[-1].withdrawn:
                            found = state.rollback(lease, None, "bad")
                        else:
                            found = state.release(lease, a_release(found.next_number), found.serial)
                        say(str(found.serial))

        lines = forked(work).kill(turn, chance)
        known = int(lines[-1]) if lines else known
        with open_store(database) as store:
            found = StateStore(store).read("penguins", "prod")
        assert found.serial in (known, known + 1), "an acknowledged write is gone, or one was made twice"
        known = found.serial
        numbers = sorted(release.number for release in (*found.history, *([found.release] if found.release else [])))
        assert numbers == list(range(1, len(numbers) + 1))
    assert known >= KILLS // 2


def test_what_was_put_survives_a_kill_at_any_moment_and_nothing_else_is_visible(tmp_path: Path) -> None:
    root, chance = tmp_path / "store", random.Random(3)
    acknowledged: set[str] = set()
    for turn in range(KILLS):

        def work(say: Say, turn: int = turn) -> None:
            store = ArtifactStore(str(root))
            for number in range(10_000):
                folder = tmp_path / f"made-{turn}-{number}"
                folder.mkdir()
                (folder / "a").write_bytes(os.urandom(200_000))
                (folder / "b").write_text("always the same")
                say(store.put(folder))

        acknowledged.update(forked(work).kill(turn, chance))
    visible = {f"sha256:{path.parent.name}{path.stem}" for path in (root / "manifests").glob("??/[0-9a-f]*.json")}
    store = ArtifactStore(str(root))
    assert acknowledged <= visible
    assert len(acknowledged) >= KILLS // 2
    for digest in visible:
        store.fetch(digest, tmp_path / "fetched" / digest[7:])
