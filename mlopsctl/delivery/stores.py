"""The stores of a project in one environment, opened once a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import Loaded
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.secrets import secret_value
from mlopsctl.metadata.state import StateStore
from mlopsctl.metadata.store import MetadataStore, open_store
from mlopsctl.registry.client import Registry

LOCAL = ".mlops"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a project's history, artifacts, models and release state are.

    ``home`` is the local folder for logs, locks, staging and served models; nobody else writes there.
    """

    home: Path
    artifacts_url: str
    tracking: str
    metadata: MetadataStore
    state: StateStore
    artifacts: ArtifactStore
    registry: Registry


@contextmanager
def open_stores(loaded: Loaded) -> Iterator[Stores]:
    """Open what the project's ``stores`` name; relative paths count from the project's folder.

    Raises:
        Problem: when a store cannot be opened, with its address and what to do.
    """
    home = local_home(loaded.folder)
    stores = loaded.project.stores
    artifacts_url = located(stores.artifacts, loaded.folder)
    tracking = located(stores.tracking, loaded.folder)
    metadata = open_store(metadata_address(loaded))
    try:
        yield Stores(
            home=home,
            artifacts_url=artifacts_url,
            tracking=tracking,
            metadata=metadata,
            state=StateStore(metadata),
            artifacts=ArtifactStore(artifacts_url),
            registry=Registry(tracking),
        )
    finally:
        metadata.close()


def metadata_address(loaded: Loaded) -> str:
    """Where the records are; a secret address is looked up, and masked from now on.

    Raises:
        StepProblem: when the secret is not set.
    """
    address = loaded.project.stores.metadata
    return located(address if isinstance(address, str) else secret_value(address.secret), loaded.folder)


def local_home(folder: Path) -> Path:
    """The project's local folder, made with a ``.gitignore`` that keeps it out of git.

    Raises:
        StepProblem: when it cannot be made or written.
    """
    home = folder / LOCAL
    ignore = home / ".gitignore"
    try:
        home.mkdir(mode=0o755, exist_ok=True)
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StepProblem.because(
            "no-local-folder",
            f"the local folder {home} cannot be used: {error.strerror}",
            hint="it must be a folder that you can write, on a disk with space",
        ) from error
    return home


def located(address: str, folder: Path) -> str:
    """An address with a relative path made absolute; URLs of other hosts stay as they are."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return str((folder / address).resolve())
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        return f"sqlite:///{(folder / path).resolve()}"
    return address
