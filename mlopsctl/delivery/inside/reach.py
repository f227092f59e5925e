"""What a task inside a run reaches: the artifacts always, the registry and the records where their addresses say so."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.delivery.stores import Stores, local_home, located
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.redact import redact
from mlopsctl.ground.secrets import secret_value, secrets_named
from mlopsctl.ground.text import printable
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import open_store
from mlopsctl.registry.client import Registry
from mlopsctl.step.portable import PortableRun


@dataclass(frozen=True, slots=True)
class Words:
    """The command line of such a task: the run as it was compiled, the engine's executor input, its id of the job."""

    run: str
    executor_input: str
    job: str


@dataclass(frozen=True, slots=True)
class Models:
    """Where models are: the artifact store, and the registry."""

    artifacts: ArtifactStore
    registry: Registry


def read_words(task: str, arguments: Sequence[str] | None) -> Words:
    """The command line; a wrong one ends the process as usual."""
    parser = argparse.ArgumentParser(prog=f"mlopsctl.delivery.inside.{task}")
    parser.add_argument("--run", required=True, help="the run, as the compiler wrote it")
    parser.add_argument("--executor-input", required=True, help="KFP's executor input")
    parser.add_argument("--job", default="", help="the engine's id of the job")
    found = parser.parse_args(arguments)
    return Words(found.run, found.executor_input, found.job)


def models_of(asked: PortableRun, project: Path) -> Models:
    """Where this run's models are."""
    return Models(ArtifactStore(located(asked.artifacts, project)), Registry(located(asked.tracking, project)))


@contextmanager
def opened(asked: PortableRun, project: Path) -> Iterator[Stores | None]:
    """All stores; ``None`` where the records cannot be reached from here.

    Raises:
        Problem: when there is an address, and nobody answers there.
    """
    address = _address(asked)
    if not address:
        yield None
        return
    models = models_of(asked, project)
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as spare:
        metadata = open_store(located(address, project))
        try:
            yield Stores(
                home=_home(project, Path(spare)),
                artifacts_url=models.artifacts.url,
                tracking=located(asked.tracking, project),
                metadata=metadata,
                state=StateStore(metadata),
                artifacts=models.artifacts,
                registry=models.registry,
            )
        finally:
            metadata.close()


def complain(problem: Problem) -> None:
    """Say what is wrong on stderr, as every container of a run does."""
    print(f"error: {printable(redact(str(problem)))}", file=sys.stderr)
    for found in problem.diagnostics:
        if found.hint:
            print(f"hint: {printable(redact(found.hint))}", file=sys.stderr)


def _address(asked: PortableRun) -> str:
    names = secrets_named(asked.metadata)
    if names:
        return secret_value(names[0])
    if isinstance(asked.metadata, str):
        return asked.metadata
    raise StepProblem.because("bad-task", "the address of the records is neither text nor a secret")


def _home(project: Path, spare: Path) -> Path:
    """The project's local folder, or one of this container's where the image lets nobody write."""
    try:
        return local_home(project)
    except Problem:
        return spare
