"""Endpoints of Vertex AI in memory: what is deployed there, and how the traffic is split."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.google import Answer, Call, GoogleDouble, GoogleError
from tests.doubles.google_listing import listed
from tests.doubles.vertex_jobs import EMPTY, Operate
from tests.doubles.vertex_models import API, NOW, check_labels

Predictor = Callable[[Mapping[str, Any], list[Any]], list[Any]]
"""What a deployed model answers: the model version's resource and the instances in, the predictions out."""


@dataclass
class Endpoints:
    """The endpoints of one location by resource name; ``version`` finds a model's version."""

    double: GoogleDouble
    operate: Operate
    version: Callable[[str], Answer]
    predictor: Predictor = lambda model, instances: [{"prediction": 0.0} for _ in instances]
    endpoints: dict[str, Answer] = field(default_factory=dict)
    random: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        on = self.double.on
        on(f"{API}endpoints.create")(self._create_endpoint)
        on(f"{API}endpoints.get")(lambda call: self._endpoint(call.path["name"]))
        on(f"{API}endpoints.list")(lambda call: listed(call, "endpoints", list(self.endpoints.values())))
        on(f"{API}endpoints.patch")(self._patch_endpoint)
        on(f"{API}endpoints.delete")(self._delete_endpoint)
        on(f"{API}endpoints.deployModel")(self._deploy)
        on(f"{API}endpoints.undeployModel")(self._undeploy)
        on(f"{API}endpoints.mutateDeployedModel")(self._mutate)
        on(f"{API}endpoints.predict")(self._predict)

    def deployed(self, model: str, version: str) -> str:
        """The endpoint where a model's version is deployed (any version for an empty text); empty for none."""
        for endpoint in self.endpoints.values():
            for one in endpoint.get("deployedModels", []):
                if one["model"].partition("@")[0] == model and version in ("", one["modelVersionId"]):
                    return str(endpoint["name"])
        return ""

    def _endpoint(self, name: str) -> Answer:
        if name not in self.endpoints:
            raise GoogleError(404, f"Endpoint {name} is not found.")
        return self.endpoints[name]

    def _create_endpoint(self, call: Call) -> Answer:
        check_labels(call.body)
        id = call.query.get("endpointId") or str(next(self.double.ids))
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[1-9]\d{0,8}|\d+", id):
            raise GoogleError(400, f"Invalid endpoint id: {id}")
        name = f"{call.path['parent']}/endpoints/{id}"
        if name in self.endpoints:
            raise GoogleError(409, f"Endpoint {name} already exists.")

        def finish() -> Answer:
            self.endpoints[name] = {**call.body, "name": name, "createTime": NOW, "updateTime": NOW, "etag": "e1"}
            return self.endpoints[name]

        return self.operate(call.path["parent"], "CreateEndpointOperationMetadata", "Endpoint", finish)

    def _patch_endpoint(self, call: Call) -> Answer:
        endpoint, mask = self._endpoint(call.path["name"]), call.query.get("updateMask", "")
        changed = {re.sub(r"_(\w)", lambda found: found[1].upper(), one) for one in mask.split(",")}
        known = {"displayName", "description", "labels", "trafficSplit"}
        if not changed <= known:
            raise GoogleError(400, f"update_mask may name {sorted(known)}, not {sorted(changed - known)}")
        if "trafficSplit" in changed:
            _check_traffic(call.body.get("trafficSplit", {}), {one["id"] for one in endpoint.get("deployedModels", [])})
        check_labels(call.body)
        endpoint.update({name: call.body.get(name, {}) for name in changed})
        return endpoint

    def _delete_endpoint(self, call: Call) -> Answer:
        endpoint = self._endpoint(call.path["name"])
        if endpoint.get("deployedModels"):
            message = "Endpoint has deployed or being-deployed DeployedModel(s)."
            raise GoogleError(400, message, status="FAILED_PRECONDITION")

        def finish() -> Answer:
            del self.endpoints[endpoint["name"]]
            return {}

        parent = "/".join(endpoint["name"].split("/")[:4])
        return self.operate(parent, "DeleteOperationMetadata", EMPTY, finish)

    def _deploy(self, call: Call) -> Answer:
        endpoint = self._endpoint(call.path["endpoint"])
        asked = call.body["deployedModel"]
        version = self.version(asked["model"])
        id = asked.get("id") or str(next(self.double.ids))
        deployed = {one["id"] for one in endpoint.get("deployedModels", [])}
        if not re.fullmatch(r"\d{1,10}", id):
            raise GoogleError(400, f"Invalid deployed model id: {id}")
        if id in deployed:
            raise GoogleError(409, f"DeployedModel {id} already exists in {endpoint['name']}")
        split = {id if one == "0" else one: share for one, share in call.body.get("trafficSplit", {}).items()}
        if split:
            _check_traffic(split, {*deployed, id})

        def finish() -> Answer:
            second = next(self.double.ids)
            when = f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
            new = {**asked, "id": id, "modelVersionId": version["versionId"], "createTime": when}
            new["model"] = version["name"]
            endpoint.setdefault("deployedModels", []).append(new)
            if split:
                endpoint["trafficSplit"] = split
            return {"deployedModel": new}

        return self.operate(endpoint["name"], "DeployModelOperationMetadata", "DeployModelResponse", finish)

    def _undeploy(self, call: Call) -> Answer:
        endpoint, id = self._endpoint(call.path["endpoint"]), call.body["deployedModelId"]
        left = [one for one in endpoint.get("deployedModels", []) if one["id"] != id]
        if len(left) == len(endpoint.get("deployedModels", [])):
            raise GoogleError(404, f"DeployedModel {id} is not found in {endpoint['name']}")
        split = call.body.get("trafficSplit") or endpoint.get("trafficSplit", {})
        if left and split.get(id):
            raise GoogleError(400, f"DeployedModel {id} has traffic", status="FAILED_PRECONDITION")

        def finish() -> Answer:
            endpoint["deployedModels"] = left
            endpoint["trafficSplit"] = {one: share for one, share in split.items() if one != id} if left else {}
            return {}

        return self.operate(endpoint["name"], "UndeployModelOperationMetadata", "UndeployModelResponse", finish)

    def _mutate(self, call: Call) -> Answer:
        endpoint, asked = self._endpoint(call.path["endpoint"]), call.body["deployedModel"]
        found = next((one for one in endpoint.get("deployedModels", []) if one["id"] == asked.get("id")), None)
        if found is None:
            raise GoogleError(404, f"DeployedModel {asked.get('id')} is not found in {endpoint['name']}")
        scale = {"dedicatedResources.minReplicaCount", "dedicatedResources.maxReplicaCount"}
        changed = set(call.body["updateMask"].split(","))
        if not changed <= scale:
            raise GoogleError(400, f"update_mask may name {sorted(scale)} here, not {sorted(changed - scale)}")

        def finish() -> Answer:
            for changed_field in changed:
                name = changed_field.partition(".")[2]
                found["dedicatedResources"][name] = asked["dedicatedResources"][name]
            return {"deployedModel": found}

        metadata = "MutateDeployedModelOperationMetadata"
        return self.operate(endpoint["name"], metadata, "MutateDeployedModelResponse", finish)

    def _predict(self, call: Call) -> Answer:
        endpoint = self._endpoint(call.path["endpoint"])
        split = {id: share for id, share in endpoint.get("trafficSplit", {}).items() if share}
        if not split:
            raise GoogleError(400, "the endpoint has no traffic split", status="FAILED_PRECONDITION")
        (id,) = self.random.choices(list(split), weights=list(split.values()))
        deployed = next(one for one in endpoint["deployedModels"] if one["id"] == id)
        version = self.version(f"{deployed['model']}@{deployed['modelVersionId']}")
        return {
            "predictions": self.predictor(version, call.body["instances"]),
            "deployedModelId": id,
            "model": version["name"],
            "modelVersionId": version["versionId"],
            "modelDisplayName": version["displayName"],
        }


def _check_traffic(split: Mapping[str, int], deployed: set[str]) -> None:
    if sum(split.values()) != 100 or not set(split) <= deployed or min(split.values()) < 0:
        known = ", ".join(sorted(deployed))
        raise GoogleError(400, f"traffic_split must add up to 100 and name deployed models ({known}): {dict(split)}")
