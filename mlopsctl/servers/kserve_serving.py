"""The champion served by an InferenceService of KServe: applied through kubectl, or written for somebody to apply.

The revisions of a service are KServe's; its annotations say which model the newest one and the one before it are.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem, UsageProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.servers import kserve_manifest as manifests
from mlopsctl.servers.contract import Model, Place, ServerStatus, Unfit
from mlopsctl.servers.kserve import KServeServer
from mlopsctl.servers.kserve_manifest import RESOURCE, Wanted
from mlopsctl.servers.kserve_state import Service
from mlopsctl.servers.kubectl import Kubectl, current_context
from mlopsctl.servers.publish import publish

FILE = "inferenceservice.yaml"
_LOOK_AGAIN = 2.0


class KServeServing:
    """A service in a cluster. See :class:`~mlopsctl.servers.contract.Serving`."""

    def __init__(self, settings: KServeServer, place: Place, context: str) -> None:
        self._settings = settings
        self._place = place
        self._name = service_name(settings, place)
        self._kubectl = Kubectl(context, settings.namespace, place.pause)

    def status(self) -> ServerStatus:
        service = self._read()
        if service is None:
            return ServerStatus()
        traffic = service.traffic()
        digest = max(traffic, key=lambda one: traffic[one], default="")
        return ServerStatus(
            running=True,
            healthy=service.ready,
            url=service.url,
            digest=digest,
            traffic=traffic,
            otherwise=self._otherwise(service, digest),
        )

    def bring(self, model: Model) -> None:
        publish(model.folder(), self._place.storage, model.digest)
        service = self._read()
        if service is None:
            self._apply(Wanted(model.digest))
        elif service.model != model.digest:
            # The newest revision may be a canary of a rollout that was given up: the one with most traffic stays.
            traffic = service.traffic()
            before = max(traffic, key=lambda one: traffic[one], default="")
            if before != service.model:
                self._apply(Wanted(before))
            self._apply(Wanted(model.digest, before, 0 if before else 100))

    def step(self, digest: str, percent: int) -> None:
        service = self._service()
        self._apply(Wanted(digest, service.previous, percent))

    def check(self, model: Model, percent: int) -> None:
        """KServe lets a revision in only when its containers are ready; here it must be, and have its share."""
        service = self._service()
        found = service.traffic().get(model.digest, 0)
        if not service.ready or found != percent:
            state = service.complaint or f"it has {found} % of the traffic"
            raise Unfit.because("not-ready", f"{RESOURCE} {self._name} is not well: {state}", hint=self._look())

    def withdraw(self, model: Model) -> None:
        before = self._service().previous
        if before:
            self._apply(Wanted(before))
        else:
            self._kubectl.delete(RESOURCE, self._name)

    def finish(self, model: Model, previous: str) -> ServerStatus:
        service = self._service()
        wanted = Wanted(model.digest)
        if service.percent != 100 or self._differs(service, wanted):
            self._apply(wanted)
        return self.status()

    def stop(self) -> str:
        if self._read() is not None:
            self._place.unchanged()
            self._kubectl.delete(RESOURCE, self._name)
        return ""

    def _apply(self, wanted: Wanted) -> None:
        """Apply a manifest and wait until the cluster has done what it says."""
        self._place.unchanged()
        self._kubectl.apply(f"apply {RESOURCE} {self._name}", self._manifest(wanted))
        until = time.monotonic() + self._settings.startup_timeout
        service = self._service()
        while not (service.ready or (service.settled and service.failed)) and time.monotonic() < until:
            self._place.pause(_LOOK_AGAIN)
            service = self._service()
        if not service.ready:
            raise Unfit.because(
                "not-ready",
                f"{RESOURCE} {self._name} did not become ready: {service.complaint or 'no revision is ready in time'}",
                hint=self._look(),
            )

    def _read(self) -> Service | None:
        """The service; ``None`` when there is none.

        Raises:
            UsageProblem: when there is one of that name that is not ours.
        """
        found = self._kubectl.get(RESOURCE, self._name)
        if found is None:
            return None
        service = Service(found)
        if not manifests.owned(service.labels, self._place.project, self._place.environment):
            raise UsageProblem.because(
                "not-ours",
                f"{RESOURCE} {self._name} in {self._settings.namespace} is not mlopsctl's",
                hint="choose another `deployment.server.name`, or delete it first",
            )
        return service

    def _service(self) -> Service:
        service = self._read()
        if service is None:
            message = f"{RESOURCE} {self._name} is gone; somebody else deleted it"
            raise StepProblem.because("service-gone", message, hint="run `mlopsctl apply`, which makes it again")
        return service

    def _manifest(self, wanted: Wanted) -> str:
        owner = manifests.owner(self._place.project, self._place.environment)
        return manifests.manifest(self._settings, owner, self._name, self._place.storage, wanted)

    def _otherwise(self, service: Service, digest: str) -> str:
        if service.percent != 100:
            return f"{service.percent} % of its traffic goes to another model"
        if digest and self._differs(service, Wanted(digest)):
            return "its specification is not what the project says"
        return ""

    def _differs(self, service: Service, wanted: Wanted) -> bool:
        """Whether a field that the manifest sets is otherwise in the cluster; the cluster may add its own."""
        asked = yaml.safe_load(self._manifest(wanted))
        return not _holds(service.spec, asked["spec"])

    def _look(self) -> str:
        namespace = self._settings.namespace
        return f"`kubectl --namespace {namespace} describe {RESOURCE} {self._name}` says more"


class KServeBundle:
    """A manifest in the project that somebody else applies. See :class:`~mlopsctl.servers.contract.Serving`."""

    def __init__(self, settings: KServeServer, place: Place) -> None:
        self._settings = settings
        self._place = place
        self._file = place.bundle / FILE

    def status(self) -> ServerStatus:
        try:
            found = yaml.safe_load(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return ServerStatus(observed=False)
        digest = manifests.model_of(found) if isinstance(found, Mapping) else ""
        text = self._file.read_text(encoding="utf-8")
        return ServerStatus(
            running=True,
            digest=digest,
            traffic={digest: 100},
            observed=False,
            otherwise="" if not digest or text == self._manifest(digest) else "the file is not what the project says",
            note=f"there is no kubectl context here: somebody has to apply {_shown(self._file)}",
        )

    def bring(self, model: Model) -> None:
        publish(model.folder(), self._place.storage, model.digest)

    def step(self, digest: str, percent: int) -> None:
        """The file is written when it is complete."""

    def check(self, model: Model, percent: int) -> None:
        """Nobody here can look at the service."""

    def withdraw(self, model: Model) -> None:
        """It was never written."""

    def finish(self, model: Model, previous: str) -> ServerStatus:
        text = self._manifest(model.digest)
        if not self._file.is_file() or self._file.read_text(encoding="utf-8") != text:
            self._place.unchanged()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._file, text.encode("utf-8"))
        return self.status()

    def stop(self) -> str:
        if not self._file.exists():
            return ""
        self._file.unlink()
        name, namespace = service_name(self._settings, self._place), self._settings.namespace
        return (
            f"{_shown(self._file)} is removed; somebody has to remove the service too: "
            f"kubectl --namespace {namespace} delete {RESOURCE} {name}"
        )

    def _manifest(self, digest: str) -> str:
        owner = manifests.owner(self._place.project, self._place.environment)
        name = service_name(self._settings, self._place)
        return manifests.manifest(self._settings, owner, name, self._place.storage, Wanted(digest))


def kserve(settings: KServeServer, place: Place) -> KServeServing | KServeBundle:
    """Through kubectl where a context is set or chosen, else by a file."""
    context = settings.context or current_context()
    return KServeServing(settings, place, context) if context else KServeBundle(settings, place)


def service_name(settings: KServeServer, place: Place) -> str:
    """The name of the service: the project's, with the environment where it declares some."""
    project = place.project.replace("_", "-")
    usual = project if place.environment == "default" else f"{project}-{place.environment}".replace("_", "-")
    return settings.name or usual[:52].rstrip("-")


def _holds(found: Json, wanted: Json) -> bool:
    """Whether what is wanted is found, whatever else is."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(key), one) for key, one in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_holds, found, wanted))
    return found == wanted


def _shown(file: Path) -> str:
    """The file's path from the project's folder."""
    return "/".join(file.parts[-3:])
