"""The Pub/Sub notifier: one message an event."""

from typing import Literal

from pydantic import Field

from mlopsctl.notifiers.events import Notifying


class PubSubNotifier(Notifying):
    """Publishes one message an event to a Google Cloud Pub/Sub topic."""

    kind: Literal["pubsub"] = Field(title="Kind", description="Publish one message an event to a Pub/Sub topic.")
    topic: str = Field(
        pattern=r"^projects/[^/]+/topics/[^/]+$",
        title="Topic",
        description="The topic's full name: `projects/PROJECT/topics/TOPIC`.",
    )
