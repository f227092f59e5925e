"""The pipeline of an environment that follows a lock: the locked model in the place of one that would be trained."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.config.load import Loaded
from mlopsctl.lowering.needed import needed
from mlopsctl.lowering.placing import place
from mlopsctl.lowering.release_lock import ReleaseLock, read_release_lock
from mlopsctl.pipeline.ir import Ref, Step


def followed_lock(loaded: Loaded) -> ReleaseLock | None:
    """The lock that the environment follows; ``None`` where it follows none, or there is none yet.

    Raises:
        Undecided: when it cannot be read.
    """
    if not loaded.project.follows_lock or loaded.project.training is None:
        return None
    found = read_release_lock(loaded.folder, loaded.environment)
    return None if found is None else found.lock


def promoted(loaded: Loaded, steps: Sequence[Step], lock: ReleaseLock) -> tuple[Step, ...]:
    """The steps that judge and release the model of a lock on this environment's own data; nothing is trained.

    The lock's digest stands in the step's key: another lock, another step.
    """
    dataset = loaded.project.training_data
    brought = place(
        "promoted",
        "select",
        {"anomalies": Ref(f"validate-{dataset}", "anomalies")},
        {
            "model": lock.model.digest,
            "name": lock.model.name,
            "version": lock.model.version,
            "from": lock.source,
            "lock": lock.digest,
        },
    )
    return needed([brought if step.id == brought.id else step for step in steps])
