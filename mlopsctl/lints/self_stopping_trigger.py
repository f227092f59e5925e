"""A drift check of severity error stops the very run that its trigger starts: the new data is never learned."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.checks import Drift, Skew
from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene
from mlopsctl.triggers import DriftTrigger


def look(scene: Scene) -> Iterator[Finding]:
    """Drift triggers that watch checks of severity error."""
    for index, trigger in enumerate(scene.project.triggers):
        if not isinstance(trigger, DriftTrigger):
            continue
        for number, check in enumerate(scene.project.data[trigger.dataset].checks):
            if (
                check.severity != "error"
                or not isinstance(check, Drift | Skew)
                or trigger.check not in (None, check.name)
            ):
                continue
            path = ("data", trigger.dataset, "checks", number)
            at = (*path, "severity")
            fix = scene.edit.replaced(at, "warn") if scene.written(at) else scene.edit.keyed(path, "severity", "warn")
            yield Finding(
                ("triggers", index),
                f"the check {check.name!r} stops the run that this trigger starts",
                "write `severity: warn` at the check: the trigger acts on it",
                (fix,),
            )


LINT = Lint("self-stopping-trigger", Severity.WARNING, "A drift trigger whose run the same check stops", ("D16",), look)
