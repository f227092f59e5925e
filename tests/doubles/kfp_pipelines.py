"""Pipelines, their versions, and experiments on the stand-in for Kubeflow Pipelines."""

from __future__ import annotations

import contextlib
import io
import uuid
from typing import TYPE_CHECKING, Any

import yaml

from tests.doubles.google_faults import GoogleError
from tests.doubles.kfp_listing import Thing, page

if TYPE_CHECKING:
    from tests.doubles.kfp import Call, KfpDouble

_PIPELINE = frozenset({"pipeline_id", "id", "name", "display_name", "created_at", "description", "namespace"})
_VERSION = frozenset(
    {"pipeline_version_id", "id", "name", "display_name", "created_at", "status", "description", "pipeline_spec"}
)
_EXPERIMENT = frozenset(
    {"experiment_id", "id", "name", "display_name", "created_at", "last_run_created_at", "description", "namespace",
     "storage_state"}
)  # fmt: skip
SHORT = 255


class Pipelines:
    """The state, by id: ``pipelines``, ``versions``, ``experiments``; ``uploads`` are the bytes of each version."""

    def __init__(self, double: KfpDouble) -> None:
        self._double = double
        self.pipelines: dict[str, Thing] = {}
        self.versions: dict[str, Thing] = {}
        self.experiments: dict[str, Thing] = {}
        self.uploads: dict[str, bytes] = {}
        prefix = "pipeline_service_"
        double.handlers |= {
            f"{prefix}create_pipeline": self._create,
            f"{prefix}list_pipelines": self._list,
            f"{prefix}get_pipeline": lambda call: found(self.pipelines, "pipeline", call.path["pipeline_id"]),
            f"{prefix}delete_pipeline": self._delete,
            f"{prefix}list_pipeline_versions": self._list_versions,
            f"{prefix}get_pipeline_version": self._version,
            f"{prefix}delete_pipeline_version": self._delete_version,
            "upload_pipeline": self._upload,
            "upload_pipeline_version": self._upload_version,
            "experiment_service_create_experiment": self._create_experiment,
            "experiment_service_list_experiments": self._list_experiments,
            "experiment_service_get_experiment": lambda call: self.experiment(call.path["experiment_id"]),
        }

    def spec(self, version: str) -> dict[str, Any]:
        """The pipeline that a version was uploaded with."""
        return dict(found(self.versions, "pipeline version", version)["pipeline_spec"])

    def experiment(self, id: str) -> Thing:
        """An experiment by its id."""
        return found(self.experiments, "experiment", id)

    def _create(self, call: Call) -> Thing:
        namespace = self._double.namespace(call.body.get("namespace", ""))
        name = call.body["name"]
        fits("Pipeline.Name", name, 128)
        if any((one["name"].lower(), one["namespace"]) == (name.lower(), namespace) for one in self._all()):
            raise GoogleError(409, f"Failed to create a new pipeline. The name {name} already exist.")
        thing = {
            "pipeline_id": _id(), "name": name, "display_name": call.body.get("display_name") or name,
            "description": call.body.get("description", ""), "created_at": self._double.now(), "namespace": namespace,
        }  # fmt: skip
        self.pipelines[thing["pipeline_id"]] = thing
        return thing

    def _all(self) -> list[Thing]:
        return list(self.pipelines.values())

    def _list(self, call: Call) -> Thing:
        namespace = self._double.namespace(call.query.get("namespace", ""))
        return page([one for one in self._all() if one["namespace"] == namespace], "pipeline", _PIPELINE, call.query)

    def _delete(self, call: Call) -> Thing:
        id = call.path["pipeline_id"]
        found(self.pipelines, "pipeline", id)
        versions = [key for key, one in self.versions.items() if one["pipeline_id"] == id]
        if versions and call.query.get("cascade") != "true":
            raise GoogleError(400, f"Failed to delete pipeline with id {id} as it has existing pipeline versions")
        for version in versions:
            del self.versions[version]
        del self.pipelines[id]
        return {}

    def _upload(self, call: Call) -> Thing:
        asked = {key: value for key, value in call.query.items() if key != "tags"}
        spec = _spec(call.file)
        pipeline = self._create(type(call)(call.operation, {}, {}, asked))
        self._add(pipeline["pipeline_id"], asked["name"], asked.get("description", ""), spec, call.file)
        return pipeline

    def _upload_version(self, call: Call) -> Thing:
        pipeline = call.query.get("pipelineid", "")
        if pipeline not in self.pipelines:
            raise GoogleError(400, "Failed to create a pipeline version")
        name = call.query.get("name") or "pipeline.yaml"
        fits("PipelineVersion.Name", name, 127)
        taken = {one["name"].lower() for one in self.versions.values() if one["pipeline_id"] == pipeline}
        if name.lower() in taken:
            raise GoogleError(409, "Failed to create a pipeline version")
        return self._add(pipeline, name, call.query.get("description", ""), _spec(call.file), call.file)

    def _add(self, pipeline: str, name: str, description: str, spec: Thing, raw: bytes) -> Thing:
        id = _id()
        self.uploads[id] = raw
        self.versions[id] = {
            "pipeline_id": pipeline, "pipeline_version_id": id, "name": name, "display_name": name,
            "description": description, "created_at": self._double.now(), "pipeline_spec": spec,
        }  # fmt: skip
        return self.versions[id]

    def _list_versions(self, call: Call) -> Thing:
        pipeline = call.path["pipeline_id"]
        found(self.pipelines, "pipeline", pipeline)
        there = [one for one in self.versions.values() if one["pipeline_id"] == pipeline]
        return page(there, "pipeline_version", _VERSION, call.query)

    def _version(self, call: Call) -> Thing:
        return found(self.versions, "pipeline version", call.path["pipeline_version_id"])

    def _delete_version(self, call: Call) -> Thing:
        self._version(call)
        del self.versions[call.path["pipeline_version_id"]]
        return {}

    def _create_experiment(self, call: Call) -> Thing:
        namespace = self._double.namespace(call.body.get("namespace", ""))
        name = call.body["display_name"]
        fits("Experiment.Name", name, 128)
        narrow("Description", call.body.get("description", ""))
        if any((one["display_name"].lower(), one["namespace"]) == (name.lower(), namespace) for one in self._tries()):
            raise GoogleError(409, f"Failed to create a new experiment. The name {name} already exists.")
        thing = {
            "experiment_id": _id(), "display_name": name, "description": call.body.get("description", ""),
            "created_at": self._double.now(), "namespace": namespace, "storage_state": "AVAILABLE",
            "last_run_created_at": "1970-01-01T00:00:00Z",
        }  # fmt: skip
        self.experiments[thing["experiment_id"]] = thing
        return thing

    def _tries(self) -> list[Thing]:
        return list(self.experiments.values())

    def _list_experiments(self, call: Call) -> Thing:
        namespace = self._double.namespace(call.query.get("namespace", ""))
        there = [one for one in self._tries() if one["namespace"] == namespace]
        return page(there, "experiment", _EXPERIMENT, call.query)


def found(things: dict[str, Thing], kind: str, id: str) -> Thing:
    """A thing by its id, or 404."""
    if id not in things:
        raise GoogleError(404, f"ResourceNotFoundError: {kind} {id} not found.")
    return things[id]


def fits(what: str, text: str, most: int) -> None:
    """Refuse a text that the server finds too long."""
    if len(text) > most:
        raise GoogleError(400, f"{what} length cannot exceed {most}")


def narrow(column: str, text: str) -> None:
    """Fail as the server's database does for texts that a column has no room for."""
    if len(text) > SHORT:
        raise GoogleError(500, f"Error 1406 (22001): Data too long for column '{column}' at row 1")


def _id() -> str:
    return str(uuid.uuid4())


def _spec(raw: bytes) -> Thing:
    """What was uploaded, if it is a pipeline: by the vendor's messages and by the vendor's loader."""
    from google.protobuf import json_format
    from kfp import components
    from kfp.pipeline_spec import pipeline_spec_pb2

    try:
        documents = list(yaml.safe_load_all(raw))
        json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
        if len(documents) > 1:
            json_format.ParseDict(documents[1], pipeline_spec_pb2.PlatformSpec())
        with contextlib.redirect_stdout(io.StringIO()):
            components.load_component_from_text(raw.decode())
    except Exception as problem:
        raise GoogleError(400, f"Failed to create a pipeline version: invalid pipeline spec: {problem}") from problem
    return dict(documents[0])
