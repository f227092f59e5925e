"""What a project needs as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.semantics.scene import Scene
from mlopsctl.ground.errors import Diagnostic


def whole(scene: Scene) -> Iterator[Diagnostic]:
    """Sections that need another section."""
    project = scene.project
    if not project.data and not project.components:
        yield scene.error(
            "missing-key", "the project has no data and no components: there is nothing to do", (),
            "add a dataset: `data: {NAME: {source: {kind: csv, uri: …}, label: …}}`",
        )  # fmt: skip
        return
    if project.training is None:
        for section, why in (("evaluation", "evaluate"), ("deployment", "deploy"), ("features", "fit features for")):
            if section in scene.document.data:
                yield scene.error(
                    "missing-key", f"there is nothing to {why}: the project has no training", (section,),
                    "add `training`, or take this section out", key=True,
                )  # fmt: skip
        return
    if not project.data:
        yield scene.error(
            "missing-key",
            "there is nothing to train on: the project has no data",
            ("training",),
            "add `data`",
            key=True,
        )
