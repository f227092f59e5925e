"""The Pub/Sub notifier: one message an event."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from mlopsctl.ground.errors import StepProblem
from mlopsctl.notifiers.events import Happening, Notifying

_SECONDS = 30.0


class PubSubNotifier(Notifying):
    """Publishes one message an event to a Google Cloud Pub/Sub topic."""

    kind: Literal["pubsub"] = Field(title="Kind", description="Publish one message an event to a Pub/Sub topic.")
    topic: str = Field(
        pattern=r"^projects/[^/]+/topics/[^/]+$",
        title="Topic",
        description="The topic's full name: `projects/PROJECT/topics/TOPIC`.",
    )

    def send(self, happening: Happening, project: Path) -> None:
        """Publish the payload, with the event, the project and the environment as attributes to filter by."""
        try:
            from google.api_core.exceptions import GoogleAPIError
            from google.api_core.retry import Retry
            from google.auth.exceptions import GoogleAuthError
            from google.cloud.pubsub_v1 import PublisherClient
            from google.pubsub_v1 import PublisherClient as Generated
        except ImportError as error:
            raise _failed(self.topic, "the package google-cloud-pubsub is not installed") from error
        attributes = {
            "event": happening.event, "project": happening.project, "environment": happening.environment
        }  # fmt: skip
        try:
            client = PublisherClient()
            message = {"data": happening.body(), "attributes": attributes}
            with client:
                # One call, not the client's batches: their threads outlive it.
                Generated.publish(
                    client,
                    request={"topic": self.topic, "messages": [message]},
                    retry=Retry(timeout=_SECONDS),
                    timeout=_SECONDS,
                )
        except (GoogleAPIError, GoogleAuthError, TimeoutError) as error:
            raise _failed(self.topic, str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def _failed(topic: str, why: str) -> StepProblem:
    return StepProblem.because(
        "not-notified",
        f"publishing to {topic} (pubsub.googleapis.com) failed: {why}",
        hint="check that the topic exists and that the account has roles/pubsub.publisher on it",
    )
