"""Google's generated clients of Vertex AI for one project and region.

Over REST: an answer carries ``Retry-After``, and proxies understand it. The clients below the high-level SDK are taken
for they call nothing but what is asked: no bucket is probed, no project number looked up.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlopsctl.vertexai.calls import Calls

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.aiplatform_v1 import EndpointServiceClient, ModelServiceClient, PredictionServiceClient

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def address(location: str, endpoint: str | None) -> str:
    """The URL of the API: the region's own where no other is set."""
    return endpoint or f"https://{location}-aiplatform.googleapis.com"


def host(url: str) -> str:
    """Whom the clients ask."""
    return urlsplit(url).netloc


class ServingClients:
    """The clients that serving needs, each made when it is first asked for."""

    def __init__(self, url: str, calls: Calls) -> None:
        self._url = url
        self._calls = calls

    @cached_property
    def models(self) -> ModelServiceClient:
        """Models and their versions."""
        from google.cloud.aiplatform_v1 import ModelServiceClient

        return ModelServiceClient(
            credentials=self._credentials, transport="rest", client_options={"api_endpoint": self._url}
        )

    @cached_property
    def endpoints(self) -> EndpointServiceClient:
        """Endpoints, what is deployed there, and their traffic."""
        from google.cloud.aiplatform_v1 import EndpointServiceClient

        return EndpointServiceClient(
            credentials=self._credentials, transport="rest", client_options={"api_endpoint": self._url}
        )

    @cached_property
    def predictions(self) -> PredictionServiceClient:
        """Answers of endpoints."""
        from google.cloud.aiplatform_v1 import PredictionServiceClient

        return PredictionServiceClient(
            credentials=self._credentials, transport="rest", client_options={"api_endpoint": self._url}
        )

    @cached_property
    def _credentials(self) -> Credentials:
        return credentials(self._url, self._calls)


def credentials(url: str, calls: Calls) -> Credentials:
    """The ambient ones; nobody's for an address of this machine without TLS.

    Raises:
        VertexUnavailable: when there are none.
    """
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    if url.startswith("http://"):
        # A token is sent over TLS only.
        return AnonymousCredentials()  # type: ignore[no-untyped-call]

    def ambient() -> Credentials:
        return google.auth.default(scopes=[_SCOPE])[0]

    return calls.read("find credentials", ambient)
