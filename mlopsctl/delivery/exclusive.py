"""Being the only writer of every environment that shares the stores: what gc and repairs need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.stores import Stores
from mlopsctl.metadata.lease import Holder, busy


@contextmanager
def exclusively(loaded: Loaded, stores: Stores, command: str) -> Iterator[None]:
    """Hold the lease of every environment in the metadata store; runs that were killed are closed on the way.

    Raises:
        Locked: at once, when somebody holds one of them.
    """
    places = {*stores.state.environments(), (loaded.project.name, loaded.environment)}
    me = Holder.here(command)
    with ExitStack() as held:
        for project, environment in sorted(places):
            if project != loaded.project.name:
                _refuse_neighbour(stores, project, environment, me)
            held.enter_context(stores.state.acquire(project, environment, command, stores.home / "locks"))
            stores.metadata.sweep_dead_runs(project, environment)
        yield


def _refuse_neighbour(stores: Stores, project: str, environment: str, me: Holder) -> None:
    """Another project's kernel lock lies in its own folder; on this machine its process says whether it lives."""
    tenure = stores.state.tenure(project, environment, stores.home / "locks")
    other = tenure.holder
    if other is not None and other.boot == me.boot and other.pid != me.pid and other.boot and not other.known_dead:
        raise busy(f"{environment!r} of {project!r}", other)
