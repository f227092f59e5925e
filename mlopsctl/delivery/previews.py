"""Previews: which there are, and taking them down when their pull request is closed or their time is over."""

from __future__ import annotations

from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.config.previews import preview_name, preview_number
from mlopsctl.delivery.environment import destroy, writing
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import UsageProblem

_REMOVED = "preview-removed"


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview that stands: its pull request, when it last ran and when its time is over (ms since the epoch)."""

    number: int
    last_run: int
    expires: int
    released: bool

    @property
    def environment(self) -> str:
        """The name of its environment."""
        return preview_name(self.number)

    def expired(self, now: int) -> bool:
        """Whether its time is over."""
        return self.expires <= now


def list_previews(loaded: Loaded) -> tuple[Preview, ...]:
    """The previews that stand, by number; ``loaded`` is the environment that they are made like, or one of them.

    Raises:
        UsageProblem: when the project has no previews.
    """
    ttl = _ttl(loaded)
    with open_stores(loaded) as stores:
        project = loaded.project.name
        known = {name: preview_number(name) for of, name in stores.state.environments() if of == project}
        found = [_standing(stores, project, number, ttl) for number in known.values() if number is not None]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.number))


def remove_preview(loaded: Loaded) -> bool:
    """Take a preview down: server, alias, what its orchestrator has of it; whether there was something.

    Models, runs and artifacts stay, so that the same steps need not run again after the merge.
    """
    number = preview_number(loaded.environment)
    if number is None or not loaded.preview_of:
        raise UsageProblem.because(
            "not-a-preview",
            f"{loaded.environment!r} is not a preview",
            hint="`mlopsctl destroy` takes down an environment",
        )
    with open_stores(loaded) as stores:
        standing = _standing(stores, loaded.project.name, number, 0.0)
    if standing is None:
        return False
    destroy(loaded)
    with open_stores(loaded) as stores, writing(loaded, stores) as lease:
        key = f"{_REMOVED}-{standing.last_run}"
        stores.state.intend(lease, key, _REMOVED, {"last_run": standing.last_run})
        stores.state.complete(lease, key, {"at": now_ms()})
    return True


def stands(loaded: Loaded) -> bool:
    """Whether a preview was run, and was not taken down since."""
    number = preview_number(loaded.environment)
    if number is None:
        return False
    with open_stores(loaded) as stores:
        return _standing(stores, loaded.project.name, number, 0.0) is not None


def _ttl(loaded: Loaded) -> float:
    if loaded.project.previews is None:
        hint = "write `previews: {of: NAME}` into the project"
        raise UsageProblem.because("no-previews", "the project says nothing of previews", hint=hint)
    return loaded.project.previews.ttl


def _standing(stores: Stores, project: str, number: int, ttl: float) -> Preview | None:
    """The preview, unless it was taken down after its last run."""
    name = preview_name(number)
    runs = stores.metadata.runs(project, name, limit=1)
    if not runs:
        return None
    last = runs[0].finished or runs[0].started
    removed = stores.state.happened(project, name, _REMOVED)
    if any(intent.payload == {"last_run": last} for intent in removed):
        return None
    released = stores.state.read(project, name).release is not None
    return Preview(number, last, last + int(ttl * 1000), released)
