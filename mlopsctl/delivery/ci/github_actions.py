"""The workflows of GitHub Actions, as text by path from the repository's folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlopsctl.ci.github_actions import GitHubActions
from mlopsctl.delivery.ci.arguments import package, reports, sample_arguments, sample_stage
from mlopsctl.delivery.ci.promotions import promotions
from mlopsctl.delivery.ci.render import Filling, fill
from mlopsctl.delivery.ci.scene import Scene, Stage
from mlopsctl.ground.resources import resource

FOLDER = ".github/workflows"
LOCKS = "environments"

_ASKING = {"report": "", "issue": " --issue", "pull_request": " --pr"}
_WRITES = {"report": set[str](), "issue": {"asks_forge", "issues"}, "pull_request": {"asks_forge", "proposes"}}


def workflows(scene: Scene, settings: GitHubActions) -> dict[str, str]:
    """Every workflow that the project asks for.

    Raises:
        InvalidProject: when the project names what cannot stand in a workflow.
    """
    filling = _filling(scene, settings)
    stages = scene.applied(settings.environment)
    names = ["pull-request"]
    names += ["deliver"] if not all(stage.final for stage in stages) else []
    names += ["release"] if any(stage.final for stage in stages) else []
    names += ["schedule"] if _looks(scene, settings) or scene.previewed is not None else []
    names += ["preview"] if scene.previewed is not None else []
    names += ["publish"] if _publishes(scene, settings) else []
    names += ["commands"] if settings.commands else []
    templates = resource("templates/ci/github_actions")
    return {f"{FOLDER}/mlopsctl-{scene.name}-{name}.yml": fill(templates / f"{name}.yml", filling) for name in names}


def _looks(scene: Scene, settings: GitHubActions) -> bool:
    """Whether anything may happen in an environment without a push."""
    asked = settings.drift != "report"
    return asked or scene.triggers or any(stage.source for stage in scene.applied(settings.environment))


def _publishes(scene: Scene, settings: GitHubActions) -> bool:
    """Whether what forks report is published; there is nothing where pull requests are not run."""
    return settings.forks == "publisher" and sample_stage(scene, settings.environment) is not None


def _filling(scene: Scene, settings: GitHubActions) -> Filling:
    sample = sample_stage(scene, settings.environment)
    words = {
        "project": scene.name,
        "folder": scene.folder,
        "branch": settings.branch,
        "runner": settings.runner,
        "python": settings.python,
        "package": package(scene),
        "locks": LOCKS if scene.folder == "." else f"{scene.folder}/{LOCKS}",
        "arguments": sample_arguments(scene, settings.sample),
        "reports": reports(scene),
        "asking": _ASKING[settings.drift],
        "saved": " --save .mlops/ci/report.json" if _publishes(scene, settings) else "",
    }
    flags = {"below"} if scene.folder != "." else set()
    flags |= {"tests"} if scene.tests else set()
    flags |= {"publisher"} if _publishes(scene, settings) else set()
    flags |= {"any_locked"} if any(stage.final and stage.locked for stage in scene.stages) else set()
    flags |= _WRITES[settings.drift]
    if settings.install is not None:
        flags.add("install")
        words["install"] = settings.install
    if settings.google is not None:
        flags.add("google")
        words |= {"provider": settings.google.provider, "service_account": settings.google.service_account}
    if sample is not None:
        flags.add("sample")
        words["sample"] = sample.name
    return Filling(words, frozenset(flags), _stages(scene, settings))


def _stages(scene: Scene, settings: GitHubActions) -> Mapping[str, list[Filling]]:
    """Who is applied on a push, one after the other; who upon a release; and everybody."""
    stages = scene.applied(settings.environment)
    pushed = [stage for stage in stages if not stage.final]
    released = [stage for stage in stages if stage.final]
    befores = ["", *(stage.name for stage in pushed)]
    return {
        "deliver": [_stage(scene, stage, before) for stage, before in zip(pushed, befores, strict=False)],
        "release": [_stage(scene, stage) for stage in released],
        "locked": [_stage(scene, stage) for stage in released if stage.locked],
        "all": [_looked(scene, settings, stage) for stage in stages if _looks(scene, settings)],
        "commanded": [_stage(scene, stage) for stage in stages],
        "previews": [_stage(scene, scene.previewed)] if scene.previewed is not None else [],
    }


def _stage(scene: Scene, stage: Stage, before: str = "") -> Filling:
    conditions = {
        "after": bool(before),
        "builds": stage.builds,
        "secrets": bool(_known(stage.secrets)),
        "on_one_machine": bool(stage.on_one_machine),
        "locked": stage.locked,
        "reviewed": stage.locked and stage.asks,
        "proves": bool(scene.loaded.project.level) and not stage.source,
    }
    return Filling(
        {"environment": stage.name, "after": before},
        frozenset(name for name, holds in conditions.items() if holds),
        {
            "secrets": [Filling({"secret": name}) for name in _known(stage.secrets)],
            "proposed": [_proposal(scene, stage, name) for name in stage.proposed],
            "promoted": [_proposal(scene, stage, name) for name in promotions(scene, stage.follows)],
        },
    )


def _looked(scene: Scene, settings: GitHubActions, stage: Stage) -> Filling:
    """A stage that is looked at; a lock written again and a plan to retrain read where its models come from."""
    filling = _stage(scene, stage)
    proposes = settings.drift == "pull_request"
    secrets = set(stage.secrets)
    source = scene.stage(stage.source) if proposes and stage.source else None
    while source is not None:
        secrets |= set(source.secrets)
        source = scene.stage(source.source) if source.source else None
    told = [Filling({"secret": one}) for one in _known(secrets)]
    flags = {"told"} if told or settings.drift != "report" else set()
    flags |= {"vouches"} if proposes and stage.vouched and settings.google is None else set()
    return Filling(filling.words, filling.flags | flags, {**filling.lists, "told_secrets": told})


def _proposal(scene: Scene, stage: Stage, name: str) -> Filling:
    """A promotion reads what both environments read: the key that signs its evidence is the destination's."""
    target = scene.stage(name)
    wanted = {*stage.secrets, *(target.secrets if target is not None else ())}
    flags = {"vouched"} if target is not None and target.vouched else set()
    secrets = [Filling({"secret": one}) for one in _known(wanted)]
    return Filling({"next": name}, frozenset(flags), {"secrets": secrets})


def _known(secrets: Iterable[str]) -> list[str]:
    """The names that GitHub can keep a secret under: its own are taken."""
    return sorted(name for name in secrets if not name.startswith("GITHUB_"))
