"""From what ``deployment.server`` says to what does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

from mlopsctl.ground.errors import StepProblem
from mlopsctl.servers import KServeServer, MLflowServer, Server, VertexServer
from mlopsctl.servers.contract import Place, Serving
from mlopsctl.servers.kserve_serving import kserve, service_name
from mlopsctl.servers.local_serving import LocalServing


def serving_for(settings: Server, place: Place) -> Serving:
    """The server of an environment.

    Raises:
        StepProblem: when what it needs is not installed on this machine.
    """
    return _KINDS[settings.kind](settings, place)


def where(settings: Server, place: Place) -> str:
    """Which server it is: two settings with the same text are about the same one."""
    if isinstance(settings, VertexServer):
        title = settings.endpoint or place.project
        return f"the endpoint {title} of {settings.project} in {settings.location}"
    if isinstance(settings, KServeServer):
        return f"the service {service_name(settings, place)} in {settings.namespace}"
    return "the server on this machine"


def _local(settings: Server, place: Place) -> Serving:
    assert isinstance(settings, MLflowServer)
    return LocalServing(settings, place)


def _vertex(settings: Server, place: Place) -> Serving:
    assert isinstance(settings, VertexServer)
    if not _installed("google.cloud.aiplatform_v1"):
        raise StepProblem.because(
            "not-installed",
            "serving on Vertex AI needs google-cloud-aiplatform, which is not installed here",
            hint="pip install 'mlopsctl[gcp]'",
        )
    from mlopsctl.servers.vertex_serving import VertexServing

    return VertexServing(settings, place)


def _kserve(settings: Server, place: Place) -> Serving:
    assert isinstance(settings, KServeServer)
    return kserve(settings, place)


_KINDS: Mapping[str, Callable[[Server, Place], Serving]] = {"mlflow": _local, "vertex": _vertex, "kserve": _kserve}


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
