"""The triggers of Cloud Build against a stand-in made from Google's own description: created, changed, compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.devtools.cloudbuild_v1", reason="the environment of the cloud tests is needed")

from mlopsctl.delivery.ci.live import compare_triggers, create_triggers
from mlopsctl.ground.errors import Problem
from mlopsctl.objects import patience
from tests.ci_projects import CHAIN, put
from tests.doubles.cloud_build import CloudBuilds, building
from tests.doubles.google import Answer, Call, GoogleError

NAMES = ["mlopsctl-chain-pull-request", "mlopsctl-chain-deliver", "mlopsctl-chain-release"]
_CREATE = "cloudbuild.projects.triggers.create"


class Triggers:
    """The triggers that the stand-in holds, by id."""

    def __init__(self, cloud: CloudBuilds) -> None:
        self.cloud = cloud
        self.held: dict[str, dict[str, Any]] = {}
        for method in ("create", "list", "patch"):
            names = [f"cloudbuild.projects.{where}triggers.{method}" for where in ("", "locations.")]
            cloud.double.on(*names)(getattr(self, method))

    def create(self, call: Call) -> Answer:
        if any(one["name"] == call.body["name"] for one in self.held.values()):
            raise GoogleError(409, "trigger already exists")
        id = f"00000000-0000-4000-8000-{next(self.cloud.double.ids):012d}"
        self.held[id] = {**call.body, "id": id, "createTime": "2026-01-02T03:04:05Z"}
        return dict(self.held[id])

    def list(self, call: Call) -> Answer:
        return {"triggers": json.loads(json.dumps([*self.held.values()]))}

    def patch(self, call: Call) -> Answer:
        id = call.path.get("triggerId") or re.sub(r".*/", "", call.path["resourceName"])
        if id not in self.held:
            raise GoogleError(404, f"trigger {id} is not found")
        self.held[id] = {**call.body, "id": id, "createTime": self.held[id]["createTime"]}
        self.held[id].pop("resourceName", None)
        return dict(self.held[id])


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.02)


@pytest.fixture
def triggers() -> Iterator[Triggers]:
    with building() as cloud:
        yield Triggers(cloud)


def project(folder: Path, triggers: Triggers, more: str = "") -> Path:
    where = f'{{kind: cloud_build, project: p-1234, repository: me/chain, api_endpoint: "{triggers.cloud.base}"{more}}}'
    return put(folder, f"{CHAIN}ci:\n  - {where}\n", repository=folder)


@pytest.mark.parametrize("more", ["", ", location: europe-west4"], ids=["global", "regional"])
def test_triggers_are_created_once_and_changed_where_they_differ(tmp_path: Path, triggers: Triggers, more: str) -> None:
    place = project(tmp_path, triggers, more)
    assert {one.what for one in compare_triggers(place)} == {"is missing in Cloud Build"}
    assert create_triggers(place) == [f"created the trigger {name}" for name in NAMES]
    assert compare_triggers(place) == ()
    assert create_triggers(place) == [f"the trigger {name} is as the project asks" for name in NAMES]
    held = {one["name"]: one for one in triggers.held.values()}
    assert held[NAMES[0]]["github"]["pullRequest"] == {
        "branch": "^main$",
        "commentControl": "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY",
    }
    assert held[NAMES[2]]["github"]["push"] == {"tag": "^v.*$"}

    held[NAMES[0]]["github"]["pullRequest"]["commentControl"] = "COMMENTS_DISABLED"
    held[NAMES[1]]["disabled"] = True
    found = {one.path: one.lines for one in compare_triggers(place)}
    assert found == {f"trigger {NAMES[0]}": ("github",), f"trigger {NAMES[1]}": ("disabled",)}
    assert create_triggers(place) == [
        f"changed the trigger {NAMES[0]}",
        f"changed the trigger {NAMES[1]}",
        f"the trigger {NAMES[2]} is as the project asks",
    ]
    assert compare_triggers(place) == ()
    assert len(triggers.held) == 3


def test_a_reply_that_was_lost_makes_no_second_trigger(tmp_path: Path, triggers: Triggers) -> None:
    place = project(tmp_path, triggers)
    made = triggers.cloud.double.handlers[_CREATE]

    def lost(call: Call) -> Answer:
        made(call)
        triggers.cloud.double.handlers[_CREATE] = made
        raise GoogleError(503, "try again")

    triggers.cloud.double.handlers[_CREATE] = lost
    assert create_triggers(place) == [f"created the trigger {name}" for name in NAMES]
    assert sorted(one["name"] for one in triggers.held.values()) == sorted(NAMES)


def test_what_cloud_build_refuses_is_said(tmp_path: Path, triggers: Triggers) -> None:
    place = project(tmp_path, triggers)

    def refuse(call: Call) -> Answer:
        raise GoogleError(403, "permission denied")

    triggers.cloud.double.on("cloudbuild.projects.triggers.list")(refuse)
    with pytest.raises(Problem, match="answers 403"):
        compare_triggers(place)


def test_a_project_without_cloud_build_or_repository_is_told_so(tmp_path: Path, triggers: Triggers) -> None:
    with pytest.raises(Problem, match="names no Cloud Build"):
        compare_triggers(put(tmp_path / "one", CHAIN))
    place = put(tmp_path / "two", f"{CHAIN}ci:\n  - {{kind: cloud_build, project: p-1234}}\n")
    with pytest.raises(Problem, match="need the repository on GitHub"):
        create_triggers(place)
