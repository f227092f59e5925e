"""The champion served on this machine, by a process that outlives the command that started it.

A swap drops no request: the new server shares the old one's listening socket, is asked privately before it takes
anything, and only then is the old one told to leave; it answers what it has begun. A new server that fails is ended
and the old one never notices. A command that is killed halfway leaves at most two serving processes, both in the
state file, and the next command tidies up.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from pathlib import Path
from socket import socket

from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.process import kill_tree
from mlopsctl.servers.contract import ServerStatus
from mlopsctl.servers.door import knock, open_door
from mlopsctl.servers.example import example_content
from mlopsctl.servers.http import HOST, Loopback, NoAnswer
from mlopsctl.servers.spawn import GRACE, ServerFailed, ServerProcess, Sockets, listen, port_of
from mlopsctl.servers.state import Served, ServerState, read_state, write_state

LOG = "server.log"
_GRACE_OF_A_HANGING_ONE = 1.0
_UNTIL_SOCKETS_CLOSE = 2.0


class LocalServer:
    """The server of one environment; its state, log and sockets stand in ``folder``.

    Only one command at a time may start, swap or stop; the caller's lock sees to that.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def status(self) -> ServerStatus:
        """What serves now: one look at the process table and one ``/ping``."""
        living = read_state(self._folder).living().processes
        if not living:
            return ServerStatus()
        served = living[-1]
        return ServerStatus(
            running=True,
            healthy=_pings(served.port),
            url=f"http://{HOST}:{served.port}",
            port=served.port,
            digest=served.digest,
            model=served.model,
            pid=served.identity.pid,
            started=served.started,
            log=str(self._folder / LOG),
            traffic={served.digest: 100},
        )

    def start_or_swap(self, model_dir: Path, digest: str, port: int = 0, timeout: float = 120.0) -> ServerStatus:
        """Serve an MLflow model folder; what serves already is left alone.

        Args:
            digest: the model artifact's digest.
            port: 0 keeps the port it had, or takes a free one.
            timeout: seconds until the new server must answer.

        Raises:
            Problem: when the port is taken, or the server does not come up; what served before still serves.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = read_state(self._folder).living()
        wanted = port or state.port
        standing = _standing(state, digest, wanted)
        if standing is None:
            standing = self._start(state, model_dir, digest, port, timeout)
        self._leave(state, standing)
        return self.status()

    def stop(self) -> None:
        """End whatever serves, and wait until it is gone. The port is remembered."""
        state = read_state(self._folder).living()
        for served in state.processes:
            self._end(served)
        if self._folder.is_dir():
            self._remove_doors()
            write_state(self._folder, ServerState(port=state.port))

    def _start(self, state: ServerState, model: Path, digest: str, port: int, timeout: float) -> Served:
        """Start, check and admit the new server."""
        sockets, name = self._sockets(state, port)
        with sockets.public, sockets.door:
            number = port_of(sockets.public)
            _keep_old(self._folder / LOG)
            server = ServerProcess(model.resolve(), self._folder / LOG, public=sockets)
            try:
                server.wait_ready(timeout)
                _try_example(server.port, model)
                served = Served(str(server.process), digest, str(model.resolve()), number, name, now_ms())
                # Before it is admitted it dies with this command; from then on the state must name it.
                write_state(self._folder, ServerState((*state.processes, served), number))
                server.admit()
            except BaseException:
                server.end()
                (self._folder / name).unlink(missing_ok=True)
                write_state(self._folder, state)
                raise
            server.release()
        return served

    def _sockets(self, state: ServerState, port: int) -> tuple[Sockets, str]:
        """The listening socket, shared with the standing server where there is one, and a new door with its name."""
        public = self._inherited(state, port or state.port) or self._bound(state, port)
        name = f"door-{secrets.token_hex(4)}"
        try:
            return Sockets(public, open_door(self._folder / name)), name
        except OSError as problem:
            public.close()
            raise StepProblem.because(
                "no-socket",
                f"the model server's socket cannot be made in {self._folder}: {problem.strerror}",
                hint="put the project on a local disk",
            ) from None

    def _inherited(self, state: ServerState, port: int) -> socket | None:
        """The standing server's own socket; from a server that hangs there is none, and it is ended."""
        for served in reversed(state.processes):
            if served.port == port:
                public = knock(self._folder / served.door)
                if public is not None:
                    return public
                self._end(served)
        return None

    def _bound(self, state: ServerState, port: int) -> socket:
        """A new listening socket, on the port it had where it may be chosen."""
        if state.port and port in (0, state.port):
            # The threads of a server that was killed a moment ago may still hold its sockets.
            until = time.monotonic() + _UNTIL_SOCKETS_CLOSE
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    return listen(state.port)
                time.sleep(0.02)
        try:
            return listen(port)
        except OSError as problem:
            raise StepProblem.because(
                "port-taken",
                f"port {port} of {HOST} cannot be used: {problem.strerror}",
                hint="set another deployment.server.port, or leave it out to take a free one",
            ) from None

    def _leave(self, state: ServerState, standing: Served) -> None:
        """End all but the standing server; each answers what it has begun."""
        for served in state.processes:
            if served != standing:
                self._end(served)
        write_state(self._folder, ServerState((standing,), standing.port))
        self._remove_doors(keep=standing.door)

    def _remove_doors(self, *, keep: str = "") -> None:
        """Also of servers that ended without us."""
        for door in self._folder.glob("door-*"):
            if door.name != keep:
                door.unlink(missing_ok=True)

    def _end(self, served: Served) -> None:
        """End one process: one that still opens its door may finish its answers, one that hangs gets no time."""
        if served.identity.alive():
            public = knock(self._folder / served.door)
            if public is not None:
                public.close()
            kill_tree(served.identity.pid, grace=GRACE if public is not None else _GRACE_OF_A_HANGING_ONE)
        (self._folder / served.door).unlink(missing_ok=True)


def _standing(state: ServerState, digest: str, port: int) -> Served | None:
    """A process that serves this very model, on the wanted port, and answers."""
    for served in reversed(state.processes):
        if served.digest == digest and port in (0, served.port) and _pings(served.port):
            return served
    return None


def _pings(port: int) -> bool:
    try:
        with Loopback(port, timeout=5.0) as server:
            return server.get("/ping").status == 200
    except NoAnswer:
        return False


def _try_example(port: int, model: Path) -> None:
    """Ask the new server for the prediction on the model's own example.

    Raises:
        ServerFailed: when it refuses; a model without an example is not asked.
    """
    content = example_content(model)
    if content is None:
        return
    try:
        with Loopback(port) as server:
            answer = server.post("/invocations", content)
    except NoAnswer as problem:
        raise ServerFailed.because("server-wrong", f"the model server does not predict: {problem}") from None
    if answer.status != 200:
        raise ServerFailed.because(
            "server-wrong", f"the model server refuses the model's own example: {answer.status} {answer.refusal}"
        )


def _keep_old(log: Path) -> None:
    """The log of the server before stays beside the new one's as ``server.log.1``."""
    with contextlib.suppress(FileNotFoundError):
        log.replace(log.with_name(f"{log.name}.1"))
