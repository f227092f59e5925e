"""Models of Vertex AI in memory, each with its versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError
from tests.doubles.google_listing import listed
from tests.doubles.vertex_jobs import EMPTY, Operate

API = "aiplatform.projects.locations."
NOW = "2026-01-01T00:00:00Z"


@dataclass
class Models:
    """The models of one location: the versions of each, by its resource name.

    ``deployed`` says at which endpoint a model's version (every one for an empty text) is deployed; empty for none.
    """

    double: GoogleDouble
    operate: Operate
    deployed: Callable[[str, str], str]
    versions: dict[str, list[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        on = self.double.on
        on(f"{API}models.upload")(self._upload)
        on(f"{API}models.get")(lambda call: self.version(call.path["name"]))
        on(f"{API}models.list")(lambda call: listed(call, "models", [self.version(name) for name in self.versions]))
        on(f"{API}models.listVersions")(self._list_versions)
        on(f"{API}models.deleteVersion")(self._delete_version)
        on(f"{API}models.delete")(self._delete_model)

    def version(self, name: str) -> Answer:
        """A model's version by its name: ``models/ID``, ``models/ID@2`` or ``models/ID@default``.

        Raises:
            GoogleError: 404.
        """
        model, _, asked = name.partition("@")
        for version in self.versions.get(model, []):
            if asked in ("", "default") and "default" in version["versionAliases"]:
                return version
            if asked and (asked == version["versionId"] or asked in version["versionAliases"]):
                return version
        raise GoogleError(404, f"The Model does not exist: {name}")

    def _upload(self, call: Call) -> Answer:
        model, parent = call.body["model"], call.body.get("parentModel", "")
        check_labels(model)
        if parent and parent not in self.versions:
            raise GoogleError(404, f"The Model does not exist: {parent}")
        id = call.body.get("modelId") or str(next(self.double.ids))
        if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,62}|\d+", id):
            raise GoogleError(400, f"Invalid model id: {id}")
        name = parent or f"{call.path['parent']}/models/{id}"
        if not parent and name in self.versions:
            raise GoogleError(409, f"The Model already exists: {name}")
        container = model.get("containerSpec", {})
        if "imageUri" not in container or not str(model.get("artifactUri", "gs://")).startswith("gs://"):
            raise GoogleError(400, "a model needs container_spec.image_uri and an artifact_uri on gs://")

        def finish() -> Answer:
            versions = self.versions.setdefault(name, [])
            number = str(1 + max((int(version["versionId"]) for version in versions), default=0))
            aliases = [*model.get("versionAliases", []), *([] if versions else ["default"])]
            if call.body["model"].get("versionAliases") and "default" in aliases:
                for version in versions:
                    version["versionAliases"] = [one for one in version["versionAliases"] if one != "default"]
            new = {**model, "name": name, "versionId": number, "versionAliases": aliases, "createTime": NOW}
            new |= {"versionCreateTime": NOW, "updateTime": NOW, "etag": "e1"}
            versions.append({**new, "supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"]})
            return {"model": name, "modelVersionId": number}

        return self.operate(call.path["parent"], "UploadModelOperationMetadata", "UploadModelResponse", finish)

    def _list_versions(self, call: Call) -> Answer:
        if call.path["name"] not in self.versions:
            raise GoogleError(404, f"The Model does not exist: {call.path['name']}")
        return listed(call, "models", self.versions[call.path["name"]])

    def _delete_version(self, call: Call) -> Answer:
        version = self.version(call.path["name"])
        self._refuse_deployed(version["name"], version["versionId"])
        if "default" in version["versionAliases"]:
            raise GoogleError(400, "the default version cannot be deleted", status="FAILED_PRECONDITION")

        def finish() -> Answer:
            self.versions[version["name"]].remove(version)
            return {}

        return self.operate(_location(version["name"]), "DeleteOperationMetadata", EMPTY, finish)

    def _delete_model(self, call: Call) -> Answer:
        name = self.version(call.path["name"])["name"]
        self._refuse_deployed(name, "")

        def finish() -> Answer:
            del self.versions[name]
            return {}

        return self.operate(_location(name), "DeleteOperationMetadata", EMPTY, finish)

    def _refuse_deployed(self, name: str, version: str) -> None:
        endpoint = self.deployed(name, version)
        if endpoint:
            raise GoogleError(400, f"Model {name} is deployed at {endpoint}", status="FAILED_PRECONDITION")


def check_labels(resource: Mapping[str, Any]) -> None:
    """Refuse labels that Google does not take.

    Raises:
        GoogleError: 400.
    """
    for key, value in resource.get("labels", {}).items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
            raise GoogleError(400, f"Invalid label {key}={value}")


def _location(name: str) -> str:
    return "/".join(name.split("/")[:4])
