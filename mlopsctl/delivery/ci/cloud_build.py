"""The files of Cloud Build, as text by path from the repository's folder, and its triggers as the API has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from mlopsctl.ci.cloud_build import CloudBuild
from mlopsctl.delivery.ci.arguments import package, reports, sample_arguments, sample_stage
from mlopsctl.delivery.ci.render import Filling, fill
from mlopsctl.delivery.ci.scene import Scene, Stage
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.ground.resources import resource
from mlopsctl.orchestrators.specs.image import BASE

_TOKEN = "GITHUB_TOKEN"
# What pull requests may use is kept under names of its own: the token of deliveries can do more.
_OF_PULL_REQUESTS = {
    "token": {_TOKEN: "GITHUB_PULL_REQUEST_TOKEN"},
    "app": {
        _TOKEN: "GITHUB_PULL_REQUEST_TOKEN",
        "MLOPSCTL_GITHUB_APP_ID": "MLOPSCTL_GITHUB_APP_ID",
        "MLOPSCTL_GITHUB_APP_KEY": "MLOPSCTL_GITHUB_APP_KEY",
    },
}
_STRANGERS = "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"


def build_files(scene: Scene, settings: CloudBuild) -> dict[str, str]:
    """Every build file that the project asks for, and its triggers.

    Raises:
        InvalidProject: when the settings lack what every build needs, or name what cannot stand in its file.
    """
    templates = resource("templates/ci/cloud_build")
    filling = _filling(scene, settings)
    files = {
        _file(scene, name): fill(templates / f"{name}.yaml", _of_build(filling, scene, settings, name))
        for name in _names(scene, settings)
    }
    if settings.repository is not None:
        files[_file(scene, "triggers", "json")] = _triggers_text(scene, settings)
    return files


def triggers(scene: Scene, settings: CloudBuild) -> list[Mapping[str, Json]]:
    """The triggers, as the API has them.

    Raises:
        InvalidProject: when the settings do not name the repository.
    """
    if settings.repository is None:
        raise InvalidProject.because(
            "ci-repository",
            "the triggers of Cloud Build need the repository on GitHub",
            hint="write `repository: owner/name` under `cloud_build`",
        )
    owner, _, name = settings.repository.partition("/")
    branch = f"^{re.escape(settings.branch)}$"
    events: dict[str, Mapping[str, Json]] = {
        "pull-request": {"pullRequest": {"branch": branch, "commentControl": _STRANGERS}},
        "deliver": {"push": {"branch": branch}},
        "release": {"push": {"tag": f"^{re.escape(settings.tag)}.*$"}},
    }
    return [
        {
            "name": f"mlopsctl-{scene.name}-{kind}"[:64],
            "description": f"Made by mlopsctl for the project {scene.name}.",
            "github": {"owner": owner, "name": name, **events[kind]},
            "filename": _file(scene, kind),
            "includedFiles": _included(scene, kind),
            "serviceAccount": f"projects/{_cloud(settings)}/serviceAccounts/{_account(scene, settings, kind)}",
            **({"approvalConfig": {"approvalRequired": True}} if kind == "release" else {}),
        }
        for kind in _names(scene, settings)
    ]


def _triggers_text(scene: Scene, settings: CloudBuild) -> str:
    return json.dumps(triggers(scene, settings), indent=2) + "\n"


def _names(scene: Scene, settings: CloudBuild) -> list[str]:
    released = any(stage.final for stage in scene.applied(settings.environment))
    return ["pull-request", "deliver", *(["release"] if released else [])]


def _file(scene: Scene, name: str, ending: str = "yaml") -> str:
    return f"{'' if scene.folder == '.' else scene.folder + '/'}cloudbuild/{name}.{ending}"


def _included(scene: Scene, kind: str) -> list[Json]:
    """The project's own files; a tag touches none, and every pull request is reported on."""
    return [] if kind == "release" or scene.folder == "." else [f"{scene.folder}/**"]


def _cloud(settings: CloudBuild) -> str:
    if settings.project is None:
        raise InvalidProject.because(
            "ci-project",
            "the files of Cloud Build need the Google Cloud project",
            hint="write `project: my-project` under `cloud_build`",
        )
    return settings.project


def _account(scene: Scene, settings: CloudBuild, kind: str) -> str:
    """Accounts of the builds' own, which have at most 30 characters before the @; pull requests have another."""
    own = f"mlopsctl-{scene.name}".replace("_", "-")
    if kind == "pull-request":
        given, name = settings.pull_request_account, own[:27].rstrip("-") + "-pr"
    else:
        given, name = settings.service_account, own[:30].rstrip("-")
    return given or f"{name}@{_cloud(settings)}.iam.gserviceaccount.com"


def _filling(scene: Scene, settings: CloudBuild) -> Filling:
    sample = sample_stage(scene, settings.environment)
    words = {
        "project": scene.name,
        "folder": scene.folder,
        "cloud": _cloud(settings),
        "builder": settings.builder or BASE,
        "package": package(scene),
        "arguments": sample_arguments(scene, settings.sample),
        "reports": reports(scene),
    }
    flags = {"tests"} if scene.tests else set()
    if settings.install is not None:
        flags.add("install")
        words["install"] = settings.install
    if sample is not None:
        flags.add("sample")
        words["sample"] = sample.name
    applied = scene.applied(settings.environment)
    stages = {
        "deliver": [_stage(scene, stage) for stage in applied if not stage.final],
        "release": [_stage(scene, stage) for stage in applied if stage.final],
    }
    return Filling(words, frozenset(flags), stages)


def _stage(scene: Scene, stage: Stage) -> Filling:
    conditions = {
        "builds": stage.builds,
        "secrets": bool(stage.secrets),
        "locked": stage.locked,
        "asks": stage.asks,
    }
    return Filling(
        {"environment": stage.name},
        frozenset(name for name, holds in conditions.items() if holds),
        {"secrets": _secret(stage.secrets), "proposed": [_proposal(scene, stage, name) for name in stage.proposed]},
    )


def _proposal(scene: Scene, stage: Stage, name: str) -> Filling:
    """A promotion reads what both environments read, and what opens the pull request."""
    target = scene.stage(name)
    wanted = {_TOKEN, *stage.secrets, *(target.secrets if target is not None else ())}
    return Filling({"next": name}, lists={"secrets": _secret(sorted(wanted))})


def _of_build(filling: Filling, scene: Scene, settings: CloudBuild, name: str) -> Filling:
    """The account of one build, and the secrets that its steps read: no other is made available to it."""
    wanted = _wanted(scene, settings, name)
    flags = filling.flags | ({"any_secret"} if wanted else set()) | ({"publish"} if settings.publish else set())
    words = {**filling.words, "service_account": _account(scene, settings, name)}
    secrets = [Filling({"secret": secret, "kept": kept}) for secret, kept in sorted(wanted.items())]
    return Filling(words, flags, {**filling.lists, "any_secrets": secrets})


def _wanted(scene: Scene, settings: CloudBuild, name: str) -> Mapping[str, str]:
    """Where the secrets of one build are kept, by the variables that its steps read them in."""
    if name == "pull-request":
        return _OF_PULL_REQUESTS[settings.publish] if settings.publish is not None else {}
    stages = [stage for stage in scene.applied(settings.environment) if stage.final == (name == "release")]
    wanted = {secret for stage in stages for secret in stage.secrets}
    proposed = [target for stage in stages for name in stage.proposed if (target := scene.stage(name)) is not None]
    wanted |= {_TOKEN, *(secret for target in proposed for secret in target.secrets)} if proposed else set()
    return {secret: secret for secret in wanted}


def _secret(names: Iterable[str]) -> list[Filling]:
    return [Filling({"secret": name}) for name in names]
