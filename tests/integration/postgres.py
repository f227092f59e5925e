"""A real PostgreSQL server for tests: its own data folder, a free port on loopback, stopped by process id."""

from __future__ import annotations

import ctypes  # noqa: F401  (needed in the forked process, whose account may not read the library any more)
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import partial
from itertools import count
from pathlib import Path

from mlopsctl.ground.process import die_with_parent

USER = "mlops"
_SECONDS_TO_START = 60.0


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; the newest where there are several."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return installed[-1].parent if installed else None


class Server:
    """A running server; every database in it belongs to :data:`USER`, who needs no password."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Not below pytest's folder: another user must be able to reach it.
        self._folder = Path(tempfile.mkdtemp(prefix="mlopsctl-postgres-", dir="/tmp"))
        self._account = _account()
        self._number = count(1)
        self.port = 0
        if self._account is not None:
            shutil.chown(self._folder, self._account)
        self._run("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.port = self.port or _free_port()
        arguments = ["-D", "data", "-p", str(self.port), "-k", str(self._folder), "-c", "listen_addresses=127.0.0.1"]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", *arguments, "-c", "fsync=off"],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                user=self._account, extra_groups=[] if self._account else None,
                # Tests that are killed leave no server.
                preexec_fn=partial(die_with_parent, signal.SIGQUIT, os.getpid()),
            )  # fmt: skip
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._answers():
            said = (self._folder / "server.log").read_text(errors="replace")
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT disconnects everybody, SIGQUIT is as a crash."""
        self._process.send_signal(number)
        self._process.wait(60)

    def remove(self) -> None:
        """End it and remove its data; nobody needs them on the disk, so as quickly as it goes."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def database(self) -> str:
        """A new, empty database; its URL."""
        name = f"store_{next(self._number)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, user: str = USER) -> str:
        """Where a database is."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements, each for itself; the rows of the last."""
        import psycopg

        with psycopg.connect(host="127.0.0.1", port=self.port, user=USER, dbname=database, autocommit=True) as opened:
            rows: list[tuple[object, ...]] = []
            for statement in statements:
                cursor = opened.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
            return rows

    def _answers(self) -> bool:
        asked = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], cwd=self._folder, capture_output=True, text=True, check=False,
            user=self._account, extra_groups=[] if self._account else None,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def _account() -> str | None:
    """Whom the server runs as: it refuses root, so root lends it the account of the package, or of nobody."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
