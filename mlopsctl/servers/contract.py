"""What every kind of server can do, so that plan, apply, rollback, status and destroy are the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlopsctl.ground.errors import StepProblem


class Unfit(StepProblem):
    """A model that was to take traffic does not answer as it must (exit 1)."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What serves now.

    Attributes:
        running: there is a server of ours; ``healthy``: it answers.
        url: where; empty when nothing runs.
        digest: of the model artifact that gets most of the traffic; empty when it is none of ours.
        model: the MLflow model folder it loaded, where it is on this machine.
        pid, port, started (milliseconds since the epoch): of a process of this machine; else 0.
        log: the file its output goes to.
        traffic: percent of the requests by model digest; the empty digest stands for models that are none of ours.
        observed: false when nobody here can look at the server; ``healthy`` is then not known.
        otherwise: how it serves otherwise than the project asks, as a phrase; empty when it does not.
        note: what a reader should know beside it.
    """

    running: bool = False
    healthy: bool = False
    url: str = ""
    port: int = 0
    digest: str = ""
    model: str = ""
    pid: int = 0
    started: int = 0
    log: str = ""
    traffic: Mapping[str, int] = field(default_factory=dict)
    observed: bool = True
    otherwise: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model that is to be served.

    Attributes:
        digest: of the model artifact; ``version`` its number in the registry.
        folder: gives its MLflow model folder, which is fetched when it is first asked for.
    """

    digest: str
    version: str
    folder: Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Place:
    """Whose server it is, and where its files may stand.

    Attributes:
        home: a folder on this machine for state, logs and models of this environment's server.
        bundle: a folder of the project for what somebody else applies.
        storage: the URL below which models are put for servers elsewhere; empty when there is none.
        image: the image of the steps, by digest; empty when there is none.
        samples, tolerance: how many answers of a new model are compared, and how far a number may be off.
        unchanged: raises when somebody else has taken the environment; called before each effect.
        pause: waits so many seconds.
    """

    project: str
    environment: str
    home: Path
    bundle: Path
    storage: str
    image: str
    samples: int
    tolerance: float
    unchanged: Callable[[], None]
    pause: Callable[[float], None]


class Serving(Protocol):
    """The server of one environment. Each effect can be repeated: one that is there already is not made again.

    Every method may raise a :class:`~mlopsctl.ground.errors.Problem` that names the call and its host.
    """

    def status(self) -> ServerStatus:
        """What serves now."""

    def bring(self, model: Model) -> None:
        """Have the model ready; it takes traffic only where nothing else does, or where it cannot be held back."""

    def step(self, digest: str, percent: int) -> None:
        """Give that model so much of the traffic, and the rest to the one that has most of it."""

    def check(self, model: Model, percent: int) -> None:
        """Be sure that the model answers as it must, now that it has so much of the traffic.

        Raises:
            Unfit: when it does not.
        """

    def withdraw(self, model: Model) -> None:
        """Take a model away that turned out unfit; whatever had the traffic before has all of it again."""

    def finish(self, model: Model, previous: str) -> ServerStatus:
        """Only this model gets traffic: remove what is no longer needed, and say what serves.

        Args:
            previous: digest of the model that served before, for servers that keep it; empty when it is not known.
        """

    def stop(self) -> str:
        """Remove the server, and only what is ours; a note on what could not be removed."""
