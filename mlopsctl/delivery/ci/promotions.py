"""Which environments a person can have a model proposed for, whatever a CI may propose by itself."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.delivery.ci.scene import Scene


def promotions(scene: Scene, follows: Sequence[str]) -> tuple[str, ...]:
    """Those of the environments that a pull request with a lock file can bring a model into."""
    found = [scene.stage(name) for name in follows]
    return tuple(stage.name for stage in found if stage is not None and stage.locked)
