"""A check of severity warn stops nothing; without a trigger or a notifier its failure changes nothing at all."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene
from mlopsctl.triggers import DriftTrigger


def look(scene: Scene) -> Iterator[Finding]:
    """Checks of severity warn, where no drift trigger watches them and nobody is told."""
    if any("check_failed" in notifier.events for notifier in scene.project.notify):
        return
    watched = {(one.dataset, one.check) for one in scene.project.triggers if isinstance(one, DriftTrigger)}
    for name, dataset in scene.project.data.items():
        for index, check in enumerate(dataset.checks):
            if check.severity == "error" or (name, check.name) in watched or (name, None) in watched:
                continue
            at = ("data", name, "checks", index, "severity")
            yield Finding(
                at,
                f"the check {check.name!r} stops nothing, and nobody hears of it",
                "write `severity: error`, or tell somebody: notify with the event check_failed",
                (scene.edit.replaced(at, "error"),),
            )


LINT = Lint("unheard-check", Severity.WARNING, "A check that stops nothing and that nobody hears", ("D16",), look)
