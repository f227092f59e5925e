"""What is known of a local server between two commands: its processes and its port, in one small file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mlopsctl.ground.digest import Json
from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.process import ProcessId

FILE = "server.json"


@dataclass(frozen=True, slots=True)
class Served:
    """One process that serves a model on a port.

    ``digest`` is the model artifact's; ``door`` the name, inside the state's folder, of the socket that hands its
    listening socket over; ``started`` milliseconds since the epoch.
    """

    process: str
    digest: str
    model: str
    port: int
    door: str
    started: int

    @property
    def identity(self) -> ProcessId:
        """The process; another one that got its number later is not it."""
        return ProcessId.parse(self.process)


@dataclass(frozen=True, slots=True)
class ServerState:
    """The processes that may serve, the newest last (two only in the middle of a swap), and the port to keep."""

    processes: tuple[Served, ...] = ()
    port: int = 0

    def living(self) -> ServerState:
        """Without those that ended."""
        return replace(self, processes=tuple(one for one in self.processes if one.identity.alive()))


def read_state(folder: Path) -> ServerState:
    """The state as last written; empty when there is none, or when the file is not one of ours."""
    try:
        found = json.loads((folder / FILE).read_bytes())
        return ServerState(tuple(_served(one) for one in found["processes"]), int(found["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ServerState()


def write_state(folder: Path, state: ServerState) -> None:
    """Replace the state."""
    content: Json = {"port": state.port, "processes": [asdict(one) for one in state.processes]}
    write_atomic(folder / FILE, json.dumps(content, indent=1).encode("utf-8") + b"\n", mode=0o600)


def _served(found: Mapping[str, str | int]) -> Served:
    served = Served(
        process=str(found["process"]),
        digest=str(found["digest"]),
        model=str(found["model"]),
        port=int(found["port"]),
        door=str(found["door"]),
        started=int(found["started"]),
    )
    ProcessId.parse(served.process)
    return served
