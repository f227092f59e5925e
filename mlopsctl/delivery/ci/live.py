"""The triggers in Cloud Build: created, changed, and compared with what the project asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ci.cloud_build import CloudBuild
from mlopsctl.delivery.ci.cloud_build import triggers
from mlopsctl.delivery.ci.scaffold import Difference, settings_of
from mlopsctl.delivery.ci.scene import read_scene
from mlopsctl.delivery.images.cloud_calls import SECONDS
from mlopsctl.delivery.images.cloud_calls import CloudBuild as Calls
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import UsageProblem

if TYPE_CHECKING:
    from google.cloud.devtools.cloudbuild_v1 import BuildTrigger

# What Cloud Build adds to a trigger that it was given.
_ITS_OWN = ("id", "createTime", "resourceName")


def create_triggers(place: Path) -> list[str]:
    """Create the triggers that are missing, and change those that differ; one line for each.

    Raises:
        Problem: when the settings do not name what triggers need, or Cloud Build cannot be used.
    """
    wanted, calls = _wanted(place)
    live = {trigger.name: trigger for trigger in calls.triggers()}
    lines = []
    for one in wanted:
        name = str(one["name"])
        if name not in live:
            calls.add(one)
            lines.append(f"created the trigger {name}")
        elif _differs(one, live[name]):
            calls.change(one, live[name])
            lines.append(f"changed the trigger {name}")
        else:
            lines.append(f"the trigger {name} is as the project asks")
    return lines


def compare_triggers(place: Path) -> tuple[Difference, ...]:
    """Every trigger that is missing in Cloud Build, or differs there.

    Raises:
        Problem: as :func:`create_triggers`.
    """
    wanted, calls = _wanted(place)
    live = {trigger.name: trigger for trigger in calls.triggers()}
    found = []
    for one in wanted:
        name = str(one["name"])
        if name not in live:
            found.append(Difference(f"trigger {name}", "is missing in Cloud Build"))
        elif keys := _differs(one, live[name]):
            found.append(Difference(f"trigger {name}", "differs in Cloud Build", tuple(keys)))
    return tuple(found)


class _Triggers(Calls):
    """The triggers of one project and region."""

    def triggers(self) -> tuple[BuildTrigger, ...]:
        """All of them."""
        return self._made(
            f"list triggers in {self._project}",
            lambda: tuple(self._client.list_build_triggers(request=self._where, retry=None, timeout=SECONDS)),
        )

    def add(self, trigger: Mapping[str, Json]) -> BuildTrigger:
        """Make one; a second of its name is never made."""
        asked = {**self._where, "trigger": _message(trigger)}

        def done() -> BuildTrigger | None:
            return next((one for one in self.triggers() if one.name == trigger["name"]), None)

        def call() -> BuildTrigger:
            return self._client.create_build_trigger(request=asked, retry=None, timeout=SECONDS)

        return self._made(f"create the trigger {trigger['name']}", call, done)

    def change(self, trigger: Mapping[str, Json], live: BuildTrigger) -> BuildTrigger:
        """Make the one that is there what it should be."""
        message = _message(trigger)
        if self._parent:
            message.resource_name = f"{self._parent}/triggers/{live.id}"
        asked = {"project_id": self._project, "trigger_id": live.id, "trigger": message}
        return self._made(
            f"change the trigger {trigger['name']}",
            lambda: self._client.update_build_trigger(request=asked, retry=None, timeout=SECONDS),
        )


def _wanted(place: Path) -> tuple[list[Mapping[str, Json]], _Triggers]:
    scene = read_scene(place)
    settings = settings_of(scene, "cloud_build")
    if not isinstance(settings, CloudBuild) or settings not in scene.loaded.project.ci:
        raise UsageProblem.because(
            "no-provider",
            "the project names no Cloud Build, whose triggers these are",
            hint="write `ci: [{kind: cloud_build, project: …, repository: owner/name}]` into mlops.yaml",
        )
    return triggers(scene, settings), _Triggers(settings)


def _message(trigger: Mapping[str, Json]) -> BuildTrigger:
    from google.cloud.devtools.cloudbuild_v1 import BuildTrigger

    message: BuildTrigger = BuildTrigger.from_json(json.dumps(trigger))
    return message


def _differs(wanted: Mapping[str, Json], live: BuildTrigger) -> list[str]:
    """The keys under which the two say different things; what only Cloud Build knows is left out."""
    mine, its = _plain(_message(wanted)), _plain(live)
    return sorted(key for key in {*mine, *its} if key not in _ITS_OWN and mine.get(key) != its.get(key))


def _plain(trigger: BuildTrigger) -> dict[str, Json]:
    from google.protobuf.json_format import MessageToDict

    plain: dict[str, Json] = MessageToDict(type(trigger).pb(trigger))
    return plain
