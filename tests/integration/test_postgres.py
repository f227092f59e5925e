"""The contracts of the stores on a real PostgreSQL server, and what only a server can do."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import Connection

from mlopsctl.ground.errors import ExitCode, Locked, Problem
from mlopsctl.metadata import leasing, migrate, tables
from mlopsctl.metadata.address import database_at
from mlopsctl.metadata.lease import Holder
from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store
from tests.integration.cli import call, processes_of
from tests.integration.examples import copied
from tests.integration.postgres import Server
from tests.integration.test_stores import Say, a_run, an_execution, forked
from tests.unit.metadata.making import run
from tests.unit.metadata.test_keeping import *  # noqa: F403
from tests.unit.metadata.test_migrate import layout
from tests.unit.metadata.test_state import *  # noqa: F403
from tests.unit.metadata.test_state_machine import StateMachine
from tests.unit.metadata.test_store import *  # noqa: F403


@pytest.fixture
def address(postgres: Server) -> str:
    """A store that is yet to be made, in a database of its own."""
    return postgres.database()


class PostgresMachine(StateMachine):
    server: ClassVar[Server]

    def address(self) -> str:
        return self.server.database()


def test_any_sequence_of_operations_agrees_with_the_model(postgres: Server) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    PostgresMachine.server = postgres
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        PostgresMachine, settings=settings(max_examples=5, stateful_step_count=25, deadline=None)
    )


# Tables and their history


def make_first_release(connection: Connection) -> None:
    from mlopsctl.metadata import mlmd
    from mlopsctl.metadata.vocabulary import simple_types

    mlmd.TABLES.create_all(connection)
    connection.execute(mlmd.MLMD_ENV.insert(), [{"schema_version": mlmd.SCHEMA_VERSION}])
    connection.execute(mlmd.TYPE.insert(), simple_types())
    migrate.apply(connection, 0, 1)
    connection.exec_driver_sql("DROP TABLE mlopsctl_alembic")
    connection.exec_driver_sql("INSERT INTO mlopsctl_about VALUES ('version', '1'), ('lineage', 'the-first')")
    connection.exec_driver_sql("INSERT INTO mlopsctl_environment VALUES ('penguins', 'prod', 3, 7, '', 'null', '')")


def test_the_revisions_lead_to_the_tables(postgres: Server) -> None:
    with open_store(postgres.database()) as store, store.database.reading() as connection:
        made = layout(connection)
    other = database_at(postgres.database())
    with other.writing(first=True) as connection:
        migrate.apply(connection, 0, tables.VERSION)
        assert layout(connection) == made
    other.close()


def test_many_processes_migrate_an_older_database_once(address: str) -> None:
    database = database_at(address)
    with database.writing(first=True) as connection:
        make_first_release(connection)
    database.close()

    def work(say: Say) -> None:
        with open_store(address) as store:
            say(f"{store.lineage}:{StateStore(store).read('penguins', 'prod').serial}")

    results = [child.wait() for child in [forked(work) for _ in range(4)]]
    assert results == [(["the-first:3"], 0)] * 4


def test_many_processes_make_the_same_database_at_once(address: str) -> None:
    def work(say: Say) -> None:
        with open_store(address) as store:
            say(store.lineage)

    results = [child.wait() for child in [forked(work) for _ in range(8)]]
    assert [code for _, code in results] == [0] * 8
    assert len({lines[0] for lines, _ in results}) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE mlopsctl_about SET value = '99' WHERE name = 'version'", "version 99"),
        ("UPDATE mlmdenv SET schema_version = 11", "version 11"),
    ],
)
def test_a_database_of_a_later_version_is_refused(change: str, said: str, postgres: Server) -> None:
    address = postgres.database()
    open_store(address).close()
    postgres.sql(change, database=address.rpartition("/")[2])
    with pytest.raises(MetadataProblem, match=said) as caught:
        open_store(address)
    assert "upgrade mlopsctl" in caught.value.diagnostics[0].hint


def test_a_database_of_another_program_is_left_alone(postgres: Server) -> None:
    address = postgres.database()
    postgres.sql("CREATE TABLE customers (id int)", database=address.rpartition("/")[2])
    with pytest.raises(MetadataProblem, match=r"another program .*customers"):
        open_store(address)


# Friendly errors


def refused(address: str) -> tuple[str, str]:
    """The message and the hint of a store that cannot be opened."""
    with pytest.raises(MetadataProblem) as caught:
        open_store(address)
    return caught.value.diagnostics[0].message, caught.value.diagnostics[0].hint


def test_a_server_that_is_not_there_says_so() -> None:
    message, hint = refused("postgresql+psycopg://mlops@127.0.0.1:1/store")
    assert "127.0.0.1:1/store cannot be used" in message
    assert "server runs" in hint


def test_a_database_that_is_not_there_says_so(postgres: Server) -> None:
    message, hint = refused(postgres.url("nowhere"))
    assert message.endswith("/nowhere does not exist")
    assert "createdb" in hint


def test_an_unknown_user_is_told_where_the_password_comes_from(postgres: Server) -> None:
    message, hint = refused(postgres.url("postgres", user="stranger"))
    assert "does not let us into" in message
    assert "PGPASSWORD" in hint


def test_a_user_without_rights_is_told_what_to_ask_for(postgres: Server) -> None:
    address = postgres.database()
    name = address.rpartition("/")[2]
    postgres.sql("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN")
    message, hint = refused(postgres.url(name, user="reader"))
    assert "has no right" in message
    assert "GRANT" in hint
    open_store(address).close()
    message, hint = refused(postgres.url(name, user="reader"))
    assert "has no right" in message


def test_no_message_shows_a_password(postgres: Server) -> None:
    for address in (
        f"postgresql+psycopg://stranger:hunter2@127.0.0.1:{postgres.port}/postgres",
        f"postgresql+psycopg://stranger@127.0.0.1:{postgres.port}/postgres?password=hunter2",
        "postgresql://u:hunter2@127.0.0.1:1/d",
        "postgresql+psycopg2://u:hunter2@127.0.0.1:1/d",
    ):
        message, hint = refused(address)
        assert "hunter2" not in message + hint


def test_a_password_is_taken_from_the_environment_as_libpq_does(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.database()
    monkeypatch.setenv("PGUSER", "mlops")
    monkeypatch.setenv("PGPASSWORD", "whatever: the server trusts this machine")
    with open_store(address.replace("mlops@", "")) as store:
        store.begin_run(run())


# Writers beside each other


def test_a_writer_waits_for_the_other_and_sees_what_it_left(address: str) -> None:
    with open_store(address) as one, open_store(address) as other:
        done = threading.Event()

        def second() -> None:
            other.begin_run(run("run-2"))
            done.set()

        with one.database.writing():
            thread = threading.Thread(target=second)
            thread.start()
            assert not done.wait(0.3), "two writers at once"
            assert other.runs("penguins") == [], "a reader waits for nobody"
        thread.join(10)
        assert done.is_set()
        assert [found.id for found in one.runs("penguins")] == ["run-2"]


def test_a_reader_sees_one_moment(address: str) -> None:
    with open_store(address) as one, open_store(address) as other, one.database.reading() as connection:
        counted = "SELECT count(*) FROM Context"
        before = connection.exec_driver_sql(counted).scalar_one()
        other.begin_run(run())
        assert connection.exec_driver_sql(counted).scalar_one() == before
        with pytest.raises(Exception, match="read-only"):
            connection.exec_driver_sql("DELETE FROM Context")


def test_eight_writers_lose_no_update(address: str, tmp_path: Path) -> None:
    turns, writers = 4, 8
    open_store(address).close()

    def work(say: Say) -> None:
        with open_store(address) as store:
            state = StateStore(store)
            done = 0
            while done < turns:
                try:
                    # Each on a machine of its own: no kernel lock is shared.
                    lease = state.acquire("penguins", "prod", "test", tmp_path / str(os.getpid()))
                except Locked:
                    time.sleep(0.002)
                    continue
                with lease:
                    before = state.read("penguins", "prod").gates
                    state.set_gates(lease, (before if isinstance(before, int) else 0) + 1)
                    done += 1
                    say(str(lease.token))

    results = [child.wait() for child in [forked(work) for _ in range(writers)]]
    assert [code for _, code in results] == [0] * writers
    tokens = [int(token) for lines, _ in results for token in lines]
    assert len(tokens) == len(set(tokens)), "two leases had the same token"
    with open_store(address) as store:
        found = StateStore(store).read("penguins", "prod")
    assert found.gates == found.serial == turns * writers


def test_eight_recorders_lose_no_execution(address: str) -> None:
    def work(say: Say) -> None:
        with open_store(address) as store:
            run = f"run-{os.getpid()}"
            store.begin_run(a_run(run))
            for number in range(10):
                store.record([an_execution(run, number)])
            say(run)

    results = [child.wait() for child in [forked(work) for _ in range(8)]]
    assert [code for _, code in results] == [0] * 8
    with open_store(address) as store:
        assert [len(store.executions(lines[0])) for lines, _ in results] == [10] * 8


# Leases between machines


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holders are processes of another machine, about which this one knows nothing."""
    here = Holder.here
    monkeypatch.setattr(Holder, "here", lambda command: replace(here(command), boot="another", host="elsewhere"))


def test_a_lease_that_is_renewed_is_refused_and_one_that_is_not_ends(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: None
) -> None:
    monkeypatch.setattr(leasing, "LEASE_SECONDS", 1)
    monkeypatch.setattr(leasing, "BEAT_SECONDS", 0.2)
    with open_store(address) as one, open_store(address) as other:
        lease = StateStore(one).acquire("penguins", "prod", "mlopsctl apply", tmp_path / "one")
        time.sleep(1.5)
        with pytest.raises(Locked, match=r"mlopsctl apply \(process \d+ on elsewhere") as caught:
            StateStore(other).acquire("penguins", "prod", "mlopsctl rollback", tmp_path / "other")
        assert caught.value.exit_code == ExitCode.LOCKED
        assert StateStore(other).tenure("penguins", "prod", tmp_path / "other").held
        assert lease._beat is not None
        lease._beat._stopped.set()  # type: ignore[attr-defined]
        time.sleep(1.5)
        with StateStore(other).acquire("penguins", "prod", "mlopsctl rollback", tmp_path / "other") as newer:
            StateStore(other).set_gates(newer, "new")
            with pytest.raises(Locked, match="took over"):
                StateStore(one).set_gates(lease, "old")
            lease.close()
            assert StateStore(other).tenure("penguins", "prod", tmp_path / "other").held, "the old holder freed it"


def test_a_holder_that_was_killed_on_this_machine_is_noticed_at_once(address: str, tmp_path: Path) -> None:
    def hold(say: Say) -> None:
        with open_store(address) as store:
            StateStore(store).acquire("penguins", "prod", "mlopsctl apply", tmp_path / "one")
            say("holding")
            time.sleep(60)

    child = forked(hold)
    child.line()
    with open_store(address) as store:
        state = StateStore(store)
        with pytest.raises(Locked):
            state.acquire("penguins", "prod", "mlopsctl rollback", tmp_path / "other")
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert not state.tenure("penguins", "prod", tmp_path / "other").held
        state.acquire("penguins", "prod", "mlopsctl rollback", tmp_path / "other").close()


def test_unlocking_lets_the_next_in_while_the_holder_lives(address: str, tmp_path: Path, elsewhere: None) -> None:
    with open_store(address) as one, open_store(address) as other:
        held, state = StateStore(one).acquire("p", "e", "a", tmp_path / "one"), StateStore(other)
        state.unlock("p", "e", tmp_path / "other")
        with state.acquire("p", "e", "b", tmp_path / "other"), pytest.raises(Locked):
            StateStore(one).set_gates(held, 1)
        held.close()


# A server that goes away


@pytest.fixture
def own_server(postgres: Server) -> Iterator[Server]:
    server = Server(postgres._programs)
    yield server
    server.remove()


def test_a_store_goes_on_after_the_server_was_restarted(own_server: Server, tmp_path: Path) -> None:
    with open_store(own_server.database()) as store:
        state = StateStore(store)
        with state.acquire("penguins", "prod", "mlopsctl apply", tmp_path / "locks") as lease:
            store.begin_run(run("run-1"))
            for number, how in ((2, signal.SIGINT), (3, signal.SIGQUIT)):
                own_server.stop(how)
                with pytest.raises(MetadataProblem, match="cannot be used"):
                    store.begin_run(run(f"run-{number}"))
                own_server.start()
                store.begin_run(run(f"run-{number}"))
                state.set_gates(lease, number)
        assert [found.id for found in store.runs("penguins")] == ["run-3", "run-2", "run-1"]


def test_a_connection_that_is_cut_in_a_transaction_leaves_nothing_of_it(own_server: Server) -> None:
    address = own_server.database()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mlopsctl'"
    with open_store(address) as store:

        def cut_off() -> None:
            with store.database.writing() as connection:
                connection.exec_driver_sql("DELETE FROM mlopsctl_about")
                own_server.sql(cut)

        with pytest.raises(Problem):
            cut_off()
    with open_store(address) as store:
        store.begin_run(run())


def test_a_writer_that_was_stopped_in_its_middle_does_not_keep_everybody_waiting(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlopsctl.metadata import postgres

    limits = "SET LOCAL lock_timeout = '200ms'; SET LOCAL idle_in_transaction_session_timeout = '1s'; "
    monkeypatch.setattr(postgres, "_LIMITS", limits)
    with open_store(address) as one, open_store(address) as other:

        def stay() -> None:
            with one.database.writing():
                with pytest.raises(Locked, match="busy"):
                    other.begin_run(run())
                time.sleep(1.5)
                other.begin_run(run())

        with pytest.raises(Problem):
            stay()
        assert [found.id for found in other.runs("penguins")] == ["run-1"]


def test_long_texts_are_kept_and_found(address: str) -> None:
    """The client's own index cannot hold them."""
    letters = "".join(chr(0x4E00 + number % 20_000) for number in range(40_000))
    with open_store(address) as store:
        store.begin_run(a_run("run-1"))
        record = replace(an_execution("run-1", 1), line=letters, key="k" * 200, notes={"a": letters})
        store.record([record])
        assert store.executions("run-1") == [record]
        assert store.executions_of_key("k" * 200) == [record]


def test_text_in_statements_is_never_part_of_them(postgres: Server) -> None:
    address = postgres.database()
    with open_store(address) as store:
        store.begin_run(run("x'; DROP TABLE mlopsctl_about; --"))
        assert store.runs("penguins' OR '1'='1") == []
    with psycopg.connect(address.replace("+psycopg", "")) as opened:
        assert opened.execute("SELECT count(*) FROM mlopsctl_about").fetchone() == (2,)


@pytest.mark.timeout(900)
def test_penguins_is_applied_once_and_then_nothing_is_left_to_do(
    postgres: Server, tmp_path: Path, checkout: Path
) -> None:
    folder = copied(checkout / "examples" / "penguins", tmp_path / "penguins")
    with (folder / "mlops.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\nstores: {{metadata: '{postgres.database()}'}}\n")
    try:
        done = call(folder, "apply", "-o", "json", timeout=600)
        assert done.code == 0, done
        again = call(folder, "apply", "-o", "json", timeout=300)
        assert again.code == 0, again
        assert {step["state"] for step in again.json["steps"].values()} == {"cached"}
        plan = call(folder, "plan", "--detailed-exitcode")
        assert plan.code == 0, plan
        assert not list(folder.rglob("metadata.db")), "the records are on the server"
    finally:
        assert call(folder, "destroy", "--yes").code == 0
    assert processes_of(folder) == []
