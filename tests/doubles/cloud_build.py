"""A stand-in for Cloud Build: builds that are listed by their tags, go on from look to look, and end as asked.

with building() as cloud:
    cloud.base              # for `api_endpoint`
    cloud.ends = "FAILURE"
    cloud.double.faults     # see google_faults
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError, serving

_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_METHODS = ("cloudbuild.projects.builds.{}", "cloudbuild.projects.locations.builds.{}")


@dataclass
class CloudBuilds:
    """What was asked for, and how it ends.

    Attributes:
        builds: all builds, oldest first, as the API has them.
        ends: the status that a build ends with.
        look_at: called with each new build, which may raise to refuse it.
    """

    double: GoogleDouble
    base: str = ""
    builds: list[dict[str, Any]] = field(default_factory=list)
    ends: str = "SUCCESS"
    says_digest: bool = True
    look_at: Callable[[dict[str, Any]], None] = lambda build: None

    def digest_of(self, name: str) -> str:
        """The digest that an image of that name gets."""
        return "sha256:" + hashlib.sha256(name.encode()).hexdigest()

    def create(self, call: Call) -> Answer:
        """Begin a build."""
        build = dict(call.body)
        for output_only in ("id", "status", "results", "createTime", "logUrl"):
            if output_only in build:
                raise GoogleError(400, f"{output_only} is for output only")
        wrong = [tag for tag in build.get("tags", ()) if not _TAG.fullmatch(tag)]
        if wrong:
            raise GoogleError(400, f"invalid build: invalid tag {wrong[0]!r}")
        words = [word for step in build["steps"] for word in step.get("args", ())]
        if any(re.search(r"(?<!\$)(\$\$)*\$(?!\$)", word) for word in words):
            raise GoogleError(400, "invalid build: a substitution is not known")
        self.look_at(build)
        number = f"00000000-0000-4000-8000-{next(self.double.ids):012d}"
        build |= {
            "id": number,
            "projectId": _project(call),
            "status": "QUEUED",
            "logUrl": f"https://console.cloud.google.com/cloud-build/builds/{number}",
        }
        self.builds.append(build)
        metadata = {"@type": "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata", "build": build}
        return {"name": f"operations/build/{number}", "metadata": metadata, "done": False}

    def list(self, call: Call) -> Answer:
        """The builds that the filter fits, newest first."""
        wanted = re.fullmatch(r'tags="([\w.-]+)"', call.query.get("filter", ""))
        if wanted is None:
            raise GoogleError(400, f"invalid filter {call.query.get('filter')!r}")
        return {"builds": [build for build in reversed(self.builds) if wanted[1] in build.get("tags", ())]}

    def get(self, call: Call) -> Answer:
        """A build, one stage further than at the last look."""
        id = call.path.get("id") or call.path["name"].rpartition("/")[2]
        build = next((one for one in self.builds if one["id"] == id), None)
        if build is None:
            raise GoogleError(404, f"build {id} is not found")
        if build["status"] == "QUEUED":
            build["status"] = "WORKING"
        elif build["status"] == "WORKING":
            build["status"] = self.ends
            if self.ends == "SUCCESS" and self.says_digest:
                images = [{"name": name, "digest": self.digest_of(name)} for name in build["images"]]
                build["results"] = {"images": images}
            elif self.ends != "SUCCESS":
                build["statusDetail"] = "step 0 exited with non-zero status: 1"
        return json.loads(json.dumps(build))  # type: ignore[no-any-return]


@contextlib.contextmanager
def building() -> Iterator[CloudBuilds]:
    """Cloud Build on the loopback address."""
    double = GoogleDouble("cloudbuild.v1", messages={"cloudbuild.v1": "google.cloud.devtools.cloudbuild_v1.types"})
    found = CloudBuilds(double)
    for name in ("create", "list", "get"):
        double.on(*(method.format(name) for method in _METHODS))(getattr(found, name))
    with serving(double) as base:
        found.base = base
        yield found


def _project(call: Call) -> str:
    return call.path.get("projectId") or call.path["parent"].split("/")[1]
