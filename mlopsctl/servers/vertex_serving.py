"""The champion served by an endpoint of Vertex AI.

One endpoint and one parent model an environment, found again by their labels; each release is a version of the model,
whose labels carry the digest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json
from mlopsctl.servers import container
from mlopsctl.servers import vertex_names as names
from mlopsctl.servers.asking import Expected, expected_answers
from mlopsctl.servers.contract import Model, Place, ServerStatus, Unfit
from mlopsctl.servers.vertex import VertexServer
from mlopsctl.servers.vertex_effects import VertexWriter
from mlopsctl.servers.vertex_standing import Standing, VertexReader
from mlopsctl.vertexai.calls import SECONDS, Calls
from mlopsctl.vertexai.clients import ServingClients, address, host

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import DeployedModel, PredictResponse

LOG = "expected.log"
_MORE_THAN_FAIR, _A_FEW = 5, 20


class VertexServing:
    """See :class:`~mlopsctl.servers.contract.Serving`.

    ``expected``: what a model folder answers to its examples; the path is for the log of the server that says so.
    """

    def __init__(
        self,
        settings: VertexServer,
        place: Place,
        expected: Callable[[Path, Path], Sequence[Expected]] = expected_answers,
    ) -> None:
        self._expected_answers = expected
        self._settings = settings
        self._place = place
        self._container = _container(settings, place.image)
        self._url = address(settings.location, settings.api_endpoint)
        self._calls = Calls(
            host(self._url), settings.project, settings.location, place.pause, section="deployment.server"
        )
        self._clients = ServingClients(self._url, self._calls)
        self._reader = VertexReader(settings, place, self._calls, self._clients)
        self._writer = VertexWriter(settings, place, self._container, self._calls, self._clients, self._reader)
        self._answers: dict[str, Sequence[Expected]] = {}

    def status(self) -> ServerStatus:
        standing = self._reader.standing()
        if standing is None:
            return ServerStatus()
        main = standing.main
        return ServerStatus(
            running=main is not None,
            healthy=main is not None and not main.found.status.message,
            url=f"{self._url}/v1/{standing.name}:predict" if main is not None else "",
            digest=main.digest if main is not None else "",
            started=int(main.created * 1000) if main is not None else 0,
            traffic=standing.traffic(),
            otherwise=self._otherwise(standing),
        )

    def bring(self, model: Model) -> None:
        id = self._id(model.digest)
        standing = self._reader.standing()
        if standing is not None and standing.of(id) is not None:
            return
        version = self._reader.version(model.digest, self._container.mark) or self._writer.upload(model)
        if standing is None:
            standing = self._writer.create_endpoint()
        self._writer.deploy(standing, id, version, model)

    def step(self, digest: str, percent: int) -> None:
        standing = self._writer.endpoint()
        id = self._id(digest)
        others = [one for one in standing.deployed if one.id != id]
        most = max(others, key=lambda one: (one.percent, one.created), default=None)
        split = {id: percent, **({most.id: 100 - percent} if most is not None and percent < 100 else {})}
        self._writer.split(standing, split)

    def check(self, model: Model, percent: int) -> None:
        expected = self._expected(model)
        if not expected:
            return
        id, wanted = self._id(model.digest), self._place.samples
        tries = math.ceil(wanted * 100 / percent) * _MORE_THAN_FAIR + _A_FEW
        heard = 0
        for number in range(tries):
            one = expected[number % len(expected)]
            answer = self._ask(one)
            if answer.deployed_model_id == id:
                one.compare(prediction(answer), self._place.tolerance)
                heard += 1
            if heard == wanted:
                return
        raise Unfit.because(
            "no-answer",
            f"only {heard} of {tries} answers of {self._calls.host} came from the new model, {wanted} are needed",
            hint="look at the endpoint's log in the Google Cloud console",
        )

    def withdraw(self, model: Model) -> None:
        standing = self._writer.endpoint()
        id = self._id(model.digest)
        others = [one for one in standing.deployed if one.id != id]
        before = max(others, key=lambda one: (one.percent, one.created), default=None)
        if before is not None:
            self._writer.split(standing, {before.id: 100})
        self._writer.undeploy(standing, [id])

    def finish(self, model: Model, previous: str) -> ServerStatus:
        standing = self._writer.endpoint()
        id = self._id(model.digest)
        kept = standing.of(id)
        if kept is not None and kept.percent != 100:
            self._writer.split(standing, {id: 100})
        if kept is not None and self._scaled(kept.found):
            self._writer.scale(standing, id)
        left = [one for one in standing.deployed if one.id != id and one.digest]
        left.sort(key=lambda one: (one.digest == previous, one.created), reverse=True)
        self._writer.undeploy(standing, [one.id for one in left[1 if self._settings.keep_previous else 0 :]])
        return self.status()

    def stop(self) -> str:
        standing = self._reader.standing()
        if standing is None:
            return ""
        ours = [one for one in standing.deployed if one.digest]
        if len(ours) != len(standing.deployed):
            self._writer.undeploy(standing, [one.id for one in ours if not one.percent])
            return f"the endpoint {standing.name} stays: models that are not mlopsctl's are deployed there"
        main = standing.main
        if main is not None and main.percent != 100:
            self._writer.split(standing, {main.id: 100})
        # What has the traffic leaves last: then nothing has to take it.
        self._writer.undeploy(standing, [one.id for one in reversed(ours)])
        self._writer.delete_endpoint(standing.name)
        return ""

    def _otherwise(self, standing: Standing) -> str:
        """How it serves otherwise than the project asks."""
        main = standing.main
        if main is None:
            return "nothing there gets traffic" if standing.deployed else ""
        if main.percent != 100:
            return f"{100 - main.percent} % of its traffic goes to another model"
        if main.digest and main.id != self._id(main.digest):
            return "it runs with another image, machine or account"
        return self._scaled(main.found)

    def _scaled(self, found: DeployedModel) -> str:
        wanted = (self._settings.min_replicas, self._settings.max_replicas)
        there = (found.dedicated_resources.min_replica_count, found.dedicated_resources.max_replica_count)
        if there == wanted:
            return ""
        return f"it has {there[0]} to {there[1]} replicas, not {wanted[0]} to {wanted[1]}"

    def _id(self, digest: str) -> str:
        return names.deployed_id(digest, self._container, self._settings)

    def _ask(self, one: Expected) -> PredictResponse:
        from google.protobuf import json_format, struct_pb2

        row = json_format.ParseDict(dict(one.row), struct_pb2.Value())
        return self._calls.read(
            "ask the endpoint for a prediction",
            lambda: self._clients.predictions.predict(endpoint=self._endpoint_name, instances=[row], timeout=SECONDS),
        )

    @cached_property
    def _endpoint_name(self) -> str:
        return self._writer.endpoint().name

    def _expected(self, model: Model) -> Sequence[Expected]:
        """What the model answers here, asked once."""
        if model.digest not in self._answers:
            self._answers[model.digest] = self._expected_answers(model.folder(), self._place.home / LOG)
        return self._answers[model.digest]


def _container(settings: VertexServer, image: str) -> names.Container:
    """What is started: the image that is named, or that of the steps; by default with mlopsctl's own server."""
    return names.Container(
        image=settings.image or image,
        fixed=settings.image is not None,
        command=container.COMMAND if settings.command is None else settings.command,
        port=settings.port,
        predict_route=settings.predict_route,
        health_route=settings.health_route,
    )


def prediction(answer: PredictResponse) -> Json:
    """The only prediction of an answer; ``None`` when it does not hold one."""
    from google.protobuf import json_format

    found = [json_format.MessageToDict(one) for one in type(answer).pb(answer).predictions]
    return found[0] if len(found) == 1 else None
