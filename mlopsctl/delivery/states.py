"""Who writes which environment, and taking the lease away from one who does not any more."""

from __future__ import annotations

from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.errors import Locked, UsageProblem
from mlopsctl.metadata.leasing import Tenure
from mlopsctl.metadata.records import EnvironmentState, Intent


@dataclass(frozen=True, slots=True)
class Standing:
    """The release state of an environment, what is begun and not finished, and who writes it."""

    state: EnvironmentState
    pending: tuple[Intent, ...]
    tenure: Tenure


def list_states(loaded: Loaded) -> tuple[Standing, ...]:
    """Every environment of the project that was ever written, by name."""
    with open_stores(loaded) as stores:
        project = loaded.project.name
        mine = [environment for owner, environment in stores.state.environments() if owner == project]
        return tuple(_standing(stores, project, environment) for environment in mine)


def show_state(loaded: Loaded) -> Standing:
    """The environment's state."""
    with open_stores(loaded) as stores:
        return _standing(stores, loaded.project.name, loaded.environment)


def unlock(loaded: Loaded, expected: int, *, force: bool) -> None:
    """Take the lease away; what its holder writes from now on is refused.

    Args:
        expected: the token that the caller was shown.

    Raises:
        Locked: when the holder lives and this is not forced, or when another took the lease meanwhile.
    """
    with open_stores(loaded) as stores:
        project, environment = loaded.project.name, loaded.environment
        tenure = stores.state.tenure(project, environment, stores.home / "locks")
        if tenure.token == 0:
            raise UsageProblem.because("never-locked", f"{environment!r} of {project!r} was never written")
        if tenure.token != expected:
            raise Locked.because("moved-on", f"another command took {environment!r} meanwhile: {tenure.holder}")
        if tenure.held and not force:
            raise Locked.because(
                "holder-lives",
                f"{environment!r} of {project!r} is held by {tenure.holder or 'another process'}, which is alive",
                hint="wait for it, or stop it; with --force it may go on, but writes nothing more",
            )
        stores.state.unlock(project, environment, stores.home / "locks")


def _standing(stores: Stores, project: str, environment: str) -> Standing:
    return Standing(
        state=stores.state.read(project, environment),
        pending=stores.state.pending(project, environment),
        tenure=stores.state.tenure(project, environment, stores.home / "locks"),
    )
