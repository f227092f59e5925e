"""The program of a model server's process: MLflow's own scoring app under uvicorn, on sockets its starter made.

It needs MLflow and uvicorn, and nothing of this package. Its life:

1. detach (optional): fork once, so that the starter has no child to wait for;
2. load the model, which is what ``mlflow models serve`` loads;
3. answer on the *private* socket, where only the starter asks, and say ``ready`` on the *leash*;
4. when the leash says ``admit``, answer on the *public* socket as well, close the private one, and say ``admitted``;
5. hand the public socket to whoever knocks at the *door*, so that a successor can share its queue of connections;
6. on TERM, or when its folder is removed, take no more connections, end each open one after its next answer, and leave.

The leash is a socket pair. Until it was admitted, the server ends when the other end of the leash closes: a starter
that is killed leaves nothing behind.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

KEEP_ALIVE = 5
"""Seconds that an idle connection stays open; a leaving server waits that long for the last ones."""
ANSWERING = 30
"""Seconds that a leaving server gives to requests it is answering."""
_LOOK_AROUND = 0.5
_SETTLE = 0.05

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


def main(arguments: list[str]) -> int:
    """Run the server until it is told to end; see the module's text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--private", type=int, required=True)
    parser.add_argument("--leash", type=int, required=True)
    parser.add_argument("--public", type=int)
    parser.add_argument("--door", type=int)
    parser.add_argument("--detach", action="store_true")
    given = parser.parse_args(arguments)
    if given.detach and os.fork():
        os._exit(0)
    leash = Leash(given.leash)
    leash.say(f"pid {os.getpid()}")
    app = load(given.model)
    public = socket.socket(fileno=given.public) if given.public is not None else None
    door = socket.socket(fileno=given.door) if given.door is not None else None
    asyncio.run(serve(app, leash, socket.socket(fileno=given.private), public, door))
    return 0


def load(model: str) -> App:
    """MLflow's scoring app for a model folder, as ``mlflow models serve`` makes it.

    Without its comparison of the model's requirements with what is installed, which reads every installed file's name
    and takes longer than loading the model; ours looks at the versions that the model names.
    """
    from mlflow.pyfunc import load_model, scoring_server

    for difference in other_versions(os.path.join(model, "requirements.txt")):
        print(f"warning: {difference}", flush=True)
    app: App = scoring_server.init(load_model(model, suppress_warnings=True))
    return app


def other_versions(requirements: str) -> Iterator[str]:
    """Each pinned requirement that is installed in another version or not at all, as a sentence."""
    try:
        with open(requirements, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        name, pinned, wanted = line.partition("==")
        try:
            found = version(name) if pinned else wanted
        except PackageNotFoundError:
            yield f"the model was made with {name} {wanted}, which is not installed"
            continue
        if found != wanted:
            yield f"the model was made with {name} {wanted}, and runs with {found}"


class Leash:
    """The line to the starter. Its closed end ends this process, unless it was admitted."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self.admitted = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, word: str) -> None:
        """Tell the starter; one that is gone does not listen."""
        with contextlib.suppress(OSError):
            self._socket.sendall(word.encode("ascii") + b"\n")

    def _listen(self) -> None:
        heard = b""
        while b"admit\n" not in heard:
            try:
                more = self._socket.recv(64)
            except OSError:
                more = b""
            if not more:
                os._exit(1)
            heard += more
        self.admitted.set()


async def serve(
    app: App, leash: Leash, private: socket.socket, public: socket.socket | None, door: socket.socket | None
) -> None:
    """Answer privately, then publicly, until TERM."""
    leaving = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leaving.set)
    async with _answering(app, private, leaving):
        leash.say("ready")
        admitted = asyncio.create_task(asyncio.to_thread(leash.admitted.wait))
        left = asyncio.create_task(leaving.wait())
        await asyncio.wait((admitted, left), return_when=asyncio.FIRST_COMPLETED)
        if leaving.is_set() or public is None:
            leash.admitted.set()  # frees the waiting thread
            await left
            return
    async with _answering(app, public, leaving), _at_home(leaving):
        if door is not None:
            loop.add_reader(door, _hand_over, door, public.dup())
        leash.say("admitted")
        print(f"{datetime.now():%F %T} answering on {public.getsockname()}", flush=True)
        await leaving.wait()
        print(f"{datetime.now():%F %T} leaving", flush=True)
        if door is not None:
            loop.remove_reader(door)
            door.close()


@contextlib.asynccontextmanager
async def _at_home(leaving: asyncio.Event) -> AsyncIterator[None]:
    """Leave when the folder it was started in is removed: nobody could find this process any more."""

    async def watch() -> None:
        while _has_folder():
            await asyncio.sleep(_LOOK_AROUND)
        leaving.set()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


def _has_folder() -> bool:
    try:
        return os.stat(".").st_nlink > 0
    except OSError:
        return False


@contextlib.asynccontextmanager
async def _answering(app: App, listener: socket.socket, leaving: asyncio.Event) -> AsyncIterator[None]:
    """Answer on a socket inside the ``with``; at its end let every connection finish first."""
    import uvicorn

    class Server(uvicorn.Server):
        """Signals are this module's business."""

        def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
            return contextlib.nullcontext()

    closing = asyncio.Event()
    config = uvicorn.Config(
        _closing_when(closing, app),
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=ANSWERING,
    )
    server = Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not running.done():
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        closing.set()
        await _take_no_more(getattr(server, "servers", ()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KEEP_ALIVE + 1):
                while server.server_state.connections and not running.done():
                    await asyncio.sleep(0.01)
        server.should_exit = True
        await running


async def _take_no_more(servers: Iterable[asyncio.Server]) -> None:
    """Close the listeners, once every connection that was taken from the queue is known.

    ``close`` alone drops a connection that was accepted in the same turn of the loop.
    """
    loop = asyncio.get_running_loop()
    for listening in servers:
        for one in listening.sockets:
            loop.remove_reader(one.fileno())
    await asyncio.sleep(_SETTLE)
    for listening in servers:
        listening.close()


def _closing_when(closing: asyncio.Event, app: App) -> App:
    """The app, but once ``closing`` is set each answer asks its client to come back on a new connection."""

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and closing.is_set():
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await app(scope, receive, sending)

    return wrapped


def _hand_over(door: socket.socket, public: socket.socket) -> None:
    """Give the listening socket to the one who knocks; only this user can, for the door stands in a private folder."""
    with contextlib.suppress(OSError):
        knocking, _ = door.accept()
        with knocking:
            socket.send_fds(knocking, [b"listener"], [public.fileno()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
