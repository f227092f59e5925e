"""Google's generated clients of Vertex AI Pipelines; see :mod:`mlopsctl.vertexai.clients`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mlopsctl.vertexai.calls import Calls
from mlopsctl.vertexai.clients import credentials

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.aiplatform_v1 import PipelineServiceClient, ScheduleServiceClient


class Clients:
    """The clients that the engine needs, each made when it is first asked for."""

    def __init__(self, url: str, calls: Calls) -> None:
        self._url = url
        self._calls = calls

    @cached_property
    def pipelines(self) -> PipelineServiceClient:
        """Jobs."""
        from google.cloud.aiplatform_v1 import PipelineServiceClient

        return PipelineServiceClient(
            credentials=self._credentials, transport="rest", client_options={"api_endpoint": self._url}
        )

    @cached_property
    def schedules(self) -> ScheduleServiceClient:
        """Schedules."""
        from google.cloud.aiplatform_v1 import ScheduleServiceClient

        return ScheduleServiceClient(
            credentials=self._credentials, transport="rest", client_options={"api_endpoint": self._url}
        )

    @cached_property
    def _credentials(self) -> Credentials:
        return credentials(self._url, self._calls)
