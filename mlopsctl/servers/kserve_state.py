"""An InferenceService as the cluster describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.ground.digest import Json
from mlopsctl.servers.kserve_manifest import model_of, previous_of


class Service:
    """What a service is to serve, what it serves, and how it is."""

    def __init__(self, found: Mapping[str, Json]) -> None:
        self._metadata = _mapping(found.get("metadata"))
        self._status = _mapping(found.get("status"))
        self.spec = _mapping(found.get("spec"))
        self.model = model_of(found)
        """The digest of the newest revision's model; empty when it is none of ours."""
        self.previous = previous_of(found)
        self.labels = _mapping(self._metadata.get("labels"))

    @property
    def url(self) -> str:
        """Where it answers; empty until it does."""
        found = self._status.get("url")
        return found if isinstance(found, str) else ""

    @property
    def ready(self) -> bool:
        """Whether KServe says so, of the specification as it is now."""
        return self.settled and self._condition("Ready").get("status") == "True"

    @property
    def failed(self) -> bool:
        """Whether the newest revision cannot become ready."""
        found = self._status.get("modelStatus")
        return _mapping(found).get("transitionStatus") in ("BlockedByFailedLoad", "InvalidSpec")

    @property
    def settled(self) -> bool:
        """Whether the cluster has looked at the newest specification."""
        seen, generation = self._status.get("observedGeneration"), self._metadata.get("generation")
        return seen is not None and seen == generation

    @property
    def complaint(self) -> str:
        """What KServe says is wrong."""
        failure = _mapping(_mapping(self._status.get("modelStatus")).get("lastFailureInfo")).get("message")
        ready = self._condition("Ready")
        said = [failure, ready.get("message"), ready.get("reason")]
        return next((one for one in said if isinstance(one, str) and one), "")

    @property
    def percent(self) -> int:
        """The newest revision's share of the traffic."""
        return sum(percent for newest, percent in self._shares() if newest)

    def traffic(self) -> dict[str, int]:
        """Percent by model digest."""
        shares: dict[str, int] = {}
        for newest, percent in self._shares():
            if percent:
                digest = self.model if newest else self.previous
                shares[digest] = shares.get(digest, 0) + percent
        return shares

    def _shares(self) -> Iterator[tuple[bool, int]]:
        """For each revision with traffic: whether it is the newest, and its percent."""
        predictor = _mapping(_mapping(self._status.get("components")).get("predictor"))
        created = predictor.get("latestCreatedRevision")
        traffic = predictor.get("traffic")
        if not isinstance(traffic, list):
            # Without Knative a service has no revisions: all of the traffic goes to what is specified.
            yield True, 100
            return
        for one in map(_mapping, traffic):
            percent = one.get("percent")
            newest = one.get("latestRevision") is True or (created is not None and one.get("revisionName") == created)
            yield newest, percent if isinstance(percent, int) else 0

    def _condition(self, kind: str) -> Mapping[str, Json]:
        conditions = self._status.get("conditions")
        listed = map(_mapping, conditions) if isinstance(conditions, list) else ()
        return next((one for one in listed if one.get("type") == kind), {})


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
