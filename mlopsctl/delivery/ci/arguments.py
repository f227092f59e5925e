"""What the jobs of every CI call mlopsctl with."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsctl import __version__
from mlopsctl.delivery.ci.scene import Scene, Stage
from mlopsctl.ground.errors import InvalidProject


def package(scene: Scene) -> str:
    """mlopsctl in this version, with what the project's environments need, as pip is told."""
    return f"mlopsctl[{','.join(scene.extras)}]=={__version__}"


def sample_stage(scene: Scene, named: str | None) -> Stage | None:
    """The environment that pull requests run in; nothing where none can, and none was named.

    Raises:
        InvalidProject: when there is no environment of that name, or it keeps anything elsewhere: code of a pull
            request must not reach what others rely on.
    """
    found = scene.stage(named)
    if named is not None and found is None:
        listed = ", ".join(stage.name for stage in scene.stages)
        raise InvalidProject.because(
            "ci-environment", f"`ci` names the environment {named!r}, which is not there", hint=f"one of: {listed}"
        )
    if found is not None and not found.needs_nothing:
        raise InvalidProject.because(
            "ci-environment",
            f"pull requests cannot run in {found.name}: it runs elsewhere, or keeps its stores outside of the project",
            hint="name an environment with the local orchestrator and the stores that are the default",
        )
    return found


def sample_arguments(scene: Scene, sample: Mapping[str, int | float | str]) -> str:
    """The run-time parameters of the run on a sample, as they follow a command; empty or with a space before.

    Raises:
        InvalidProject: when the project has no such parameter.
    """
    known = scene.loaded.project.parameters
    for name in sample:
        if name not in known:
            raise InvalidProject.because(
                "ci-sample",
                f"`sample` of `ci` names the parameter {name!r}, which the project does not have",
                hint=f"add it under `parameters`; there is: {', '.join(known) or 'none'}",
            )
    return "".join(f" -p {name}={value}" for name, value in sample.items())


def reports(scene: Scene) -> str:
    """The options that hand the reports of the other stages over."""
    return ("--tests .mlops/ci/tests.xml " if scene.tests else "") + "--level .mlops/ci/level.json"
