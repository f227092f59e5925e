"""What is done on Vertex AI to serve a model, each effect once: upload, create, deploy, move traffic, take away.

Ids are made from what they name, so a call whose reply was lost is looked for and never made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import StepProblem
from mlopsctl.servers import vertex_names as names
from mlopsctl.servers.container import MODEL_VARIABLE
from mlopsctl.servers.contract import Model, Place
from mlopsctl.servers.publish import publish
from mlopsctl.servers.vertex import VertexServer
from mlopsctl.servers.vertex_standing import Standing, VertexReader
from mlopsctl.vertexai.calls import SECONDS, Calls
from mlopsctl.vertexai.clients import ServingClients
from mlopsctl.vertexai.operations import Begun, Operations

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import DedicatedResources

_CREATED, _UPLOADED, _UNDEPLOYED = 300.0, 900.0, 900.0
"""Seconds until it must be done."""


class VertexWriter:
    """Changes an environment's side."""

    def __init__(
        self,
        settings: VertexServer,
        place: Place,
        container: names.Container,
        calls: Calls,
        clients: ServingClients,
        reader: VertexReader,
    ) -> None:
        self._settings = settings
        self._place = place
        self._container = container
        self._calls = calls
        self._clients = clients
        self._operations = Operations(calls)
        self._reader = reader

    def endpoint(self) -> Standing:
        """Our endpoint and what is deployed there.

        Raises:
            StepProblem: when somebody removed it meanwhile.
        """
        standing = self._reader.standing()
        if standing is None:
            raise StepProblem.because(
                "endpoint-gone",
                f"the endpoint {self._reader.title} of {self._settings.project} is gone; somebody else removed it",
                hint="run `mlopsctl apply`, which makes it again",
            )
        return standing

    def upload(self, model: Model) -> str:
        """Put the model's files into the storage and upload a version that points there; the version's number."""
        from google.cloud.aiplatform_v1 import types

        url = publish(model.folder(), self._place.storage, model.digest)
        has_model = self._reader.has_model()
        container = self._container
        made = types.Model(
            display_name=f"{self._place.project} {self._place.environment}"[:128],
            version_description=f"registry version {model.version}, {model.digest}",
            artifact_uri=url,
            container_spec=types.ModelContainerSpec(
                image_uri=container.image,
                command=list(container.command),
                env=[{"name": MODEL_VARIABLE, "value": model.digest}],
                ports=[{"container_port": container.port}],
                predict_route=container.predict_route,
                health_route=container.health_route,
            ),
            labels={**self._labels(), **names.digest_labels(model.digest), names.CONTAINER: container.mark},
        )
        asked = {
            "parent": self._reader.parent,
            "model": made,
            **({"parent_model": self._reader.model} if has_model else {"model_id": self._reader.model.split("/")[-1]}),
        }

        def there() -> str:
            return self._reader.version(model.digest, container.mark)

        self._effect(
            "upload the model",
            lambda: self._clients.models.upload_model(request=asked, timeout=SECONDS),
            lambda: bool(there()),
            _UPLOADED,
        )
        return there()

    def create_endpoint(self) -> Standing:
        """Make the endpoint, with nothing deployed."""
        from google.cloud.aiplatform_v1 import types

        made = types.Endpoint(display_name=self._reader.title, labels=self._labels())
        asked = {"parent": self._reader.parent, "endpoint": made, "endpoint_id": self._reader.endpoint_id}
        self._effect(
            "create the endpoint",
            lambda: self._clients.endpoints.create_endpoint(request=asked, timeout=SECONDS),
            lambda: self._reader.endpoint() is not None,
            _CREATED,
        )
        return self.endpoint()

    def deploy(self, standing: Standing, id: str, version: str, model: Model) -> None:
        """Have that version deployed under that id; with traffic only where nothing else has any."""
        from google.cloud.aiplatform_v1 import types

        deployed = types.DeployedModel(
            id=id,
            model=f"{self._reader.model}@{version}",
            display_name=f"{self._place.project} v{model.version}"[:128],
            service_account=self._settings.service_account or "",
            dedicated_resources=self._scale(),
        )
        # Where something else serves, the new one begins without traffic.
        split = {} if standing.main is not None else {"0": 100}
        asked = {"endpoint": standing.name, "deployed_model": deployed, "traffic_split": split}
        self._effect(
            "deploy the model",
            lambda: self._clients.endpoints.deploy_model(request=asked, timeout=SECONDS),
            lambda: self.endpoint().of(id) is not None,
            self._settings.startup_timeout,
        )

    def scale(self, standing: Standing, id: str) -> None:
        """Give a deployed model as many replicas as the project says."""
        from google.cloud.aiplatform_v1 import types
        from google.protobuf import field_mask_pb2

        wanted = self._scale()
        asked = {
            "endpoint": standing.name,
            "deployed_model": types.DeployedModel(id=id, dedicated_resources=wanted),
            "update_mask": field_mask_pb2.FieldMask(
                paths=["dedicated_resources.min_replica_count", "dedicated_resources.max_replica_count"]
            ),
        }

        def there() -> bool:
            found = self.endpoint().of(id)
            scaled = None if found is None else found.found.dedicated_resources
            return scaled is not None and (
                (scaled.min_replica_count, scaled.max_replica_count)
                == (wanted.min_replica_count, wanted.max_replica_count)
            )

        self._effect(
            "scale the model",
            lambda: self._clients.endpoints.mutate_deployed_model(request=asked, timeout=SECONDS),
            there,
            self._settings.startup_timeout,
        )

    def split(self, standing: Standing, split: dict[str, int]) -> None:
        """Give each deployed model its percent of the traffic."""
        from google.cloud.aiplatform_v1 import types
        from google.protobuf import field_mask_pb2

        now = {one.id: one.percent for one in standing.deployed if one.percent}
        if now == {id: percent for id, percent in split.items() if percent}:
            return
        self._place.unchanged()
        # The name to show is required wherever an endpoint is sent, changed or not.
        made = types.Endpoint(name=standing.name, display_name=self._reader.title, traffic_split=split)
        mask = field_mask_pb2.FieldMask(paths=["traffic_split"])
        self._calls.read(
            "move the traffic of the endpoint",
            lambda: self._clients.endpoints.update_endpoint(endpoint=made, update_mask=mask, timeout=SECONDS),
        )

    def undeploy(self, standing: Standing, ids: Iterable[str]) -> None:
        """Take deployed models away that have no traffic, or the last one."""
        for id in ids:

            def gone(id: str = id) -> bool:
                return self.endpoint().of(id) is None

            if gone():
                continue
            asked = {"endpoint": standing.name, "deployed_model_id": id}

            def undeploy(asked: dict[str, str] = asked) -> object:
                return self._clients.endpoints.undeploy_model(request=asked, timeout=SECONDS)

            self._effect("undeploy a model", undeploy, gone, _UNDEPLOYED)

    def delete_endpoint(self, name: str) -> None:
        """Delete an endpoint with nothing deployed."""
        self._effect(
            "delete the endpoint",
            lambda: self._clients.endpoints.delete_endpoint(name=name, timeout=SECONDS),
            lambda: self._reader.endpoint() is None,
            _CREATED,
        )

    def _scale(self) -> DedicatedResources:
        """The machines that the project asks for, and how many."""
        from google.cloud.aiplatform_v1 import types

        settings = self._settings
        machine = types.MachineSpec(
            machine_type=settings.machine_type,
            accelerator_type=settings.accelerator_type or 0,
            accelerator_count=settings.accelerator_count,
        )
        return types.DedicatedResources(
            machine_spec=machine, min_replica_count=settings.min_replicas, max_replica_count=settings.max_replicas
        )

    def _labels(self) -> dict[str, str]:
        return names.owner(self._place.project, self._place.environment)

    def _effect(self, doing: str, call: Callable[[], object], there: Callable[[], bool], seconds: float) -> None:
        """Do something that takes a while, once, and be sure that it took effect."""
        self._place.unchanged()
        whose = f"{self._place.project} ({self._place.environment})"
        self._operations.once(Begun(f"{doing} of {whose}", call, there, seconds))
