"""What stands on Vertex AI for one environment: its endpoint, what is deployed there, and which models these are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlopsctl.servers import vertex_names as names
from mlopsctl.servers.contract import Place
from mlopsctl.servers.vertex import VertexServer
from mlopsctl.vertexai.calls import SECONDS, Calls
from mlopsctl.vertexai.clients import ServingClients

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import DeployedModel, Endpoint, Model

_MOST_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Deployed:
    """A model that is deployed.

    Attributes:
        id: of the deployed model; ``digest`` of the model artifact, empty when it is none of ours.
        percent: its share of the traffic; ``created`` when it was deployed, seconds since the epoch.
        found: as Vertex AI describes it.
    """

    id: str
    digest: str
    percent: int
    created: float
    found: DeployedModel = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint of ours and what is deployed there, the most traffic first."""

    name: str
    deployed: tuple[Deployed, ...] = ()

    @property
    def main(self) -> Deployed | None:
        """What gets most of the traffic; ``None`` when nothing gets any."""
        return next((one for one in self.deployed if one.percent), None)

    def of(self, id: str) -> Deployed | None:
        """The deployed model of that id."""
        return next((one for one in self.deployed if one.id == id), None)

    def traffic(self) -> dict[str, int]:
        """Percent by model digest."""
        shares: dict[str, int] = {}
        for one in self.deployed:
            if one.percent:
                shares[one.digest] = shares.get(one.digest, 0) + one.percent
        return shares


class VertexReader:
    """Reads an environment's side; changes nothing."""

    def __init__(self, settings: VertexServer, place: Place, calls: Calls, clients: ServingClients) -> None:
        self._settings = settings
        self._place = place
        self._calls = calls
        self._clients = clients
        self.parent = f"projects/{settings.project}/locations/{settings.location}"
        self.model = f"{self.parent}/models/{names.resource_id(place.project, place.environment)}"
        self.title = settings.endpoint or place.project
        self._digests: dict[str, str] = {}
        self.endpoint_id = names.resource_id(place.project, place.environment, self.title)

    def standing(self) -> Standing | None:
        """Our endpoint; ``None`` when there is none."""
        found = self.endpoint()
        if found is None:
            return None
        shares: Mapping[str, int] = dict(found.traffic_split)
        deployed = [self._deployed(one, shares.get(one.id, 0)) for one in found.deployed_models]
        return Standing(found.name, tuple(sorted(deployed, key=lambda one: (-one.percent, -one.created, one.id))))

    def endpoint(self) -> Endpoint | None:
        """Our endpoint by its labels and name; the oldest, should there be several."""
        listed = self._calls.read("list the endpoints", self._list_endpoints)
        ours = [one for one in listed if self.ours(one.labels) and one.display_name == self.title]
        return min(ours, key=lambda one: (one.create_time.timestamp(), one.name), default=None)

    def version(self, digest: str, container: str) -> str:
        """The number of the version with that model and container; empty when there is none."""
        for found in self._versions():
            labels = found.labels
            if self.ours(labels) and names.labelled_digest(labels) == digest and labels[names.CONTAINER] == container:
                return str(found.version_id)
        return ""

    def has_model(self) -> bool:
        """Whether there is a parent model, of which the next one is a version."""
        return any(True for _ in self._versions())

    def ours(self, labels: Mapping[str, str]) -> bool:
        """Whether labels are this project's in this environment."""
        return names.owned(labels, self._place.project, self._place.environment)

    def _list_endpoints(self) -> list[Endpoint]:
        asked = {"parent": self.parent, "page_size": _MOST_A_PAGE}
        return list(self._clients.endpoints.list_endpoints(request=asked, timeout=SECONDS))

    def _versions(self) -> Iterator[Model]:
        from google.api_core.exceptions import NotFound

        def listed() -> list[Model]:
            asked = {"name": self.model, "page_size": _MOST_A_PAGE}
            try:
                return list(self._clients.models.list_model_versions(request=asked, timeout=SECONDS))
            except NotFound:
                return []

        yield from self._calls.read("list the versions of the model", listed)

    def _deployed(self, found: DeployedModel, percent: int) -> Deployed:
        created = found.create_time.timestamp() if found.create_time else 0.0
        return Deployed(found.id, self._digest(found), percent, created, found)

    def _digest(self, found: DeployedModel) -> str:
        """The digest on the labels of the model's version, read once; empty for one that is not ours or gone."""
        from google.api_core.exceptions import NotFound

        name = f"{found.model.partition('@')[0]}@{found.model_version_id}"

        def labels() -> Mapping[str, str]:
            try:
                return dict(self._clients.models.get_model(name=name, timeout=SECONDS).labels)
            except NotFound:
                return {}

        if name not in self._digests:
            carried = self._calls.read("read the deployed model's labels", labels)
            self._digests[name] = names.labelled_digest(carried) if self.ours(carried) else ""
        return self._digests[name]
