"""The webhook notifier: one HTTP POST an event."""

from typing import Literal

from pydantic import Field

from mlopsctl.ground.scalars import SecretRef
from mlopsctl.notifiers.events import Notifying


class WebhookNotifier(Notifying):
    """Posts one JSON document an event to a URL."""

    kind: Literal["webhook"] = Field(title="Kind", description="Post one JSON document an event to a URL.")
    url: str | SecretRef = Field(title="URL", description="Where to post: an http(s) URL, or `{secret: NAME}`.")
    headers: dict[str, str | SecretRef] = Field(
        {}, title="Headers", description="HTTP headers by name; `{secret: NAME}` for those that hold a token."
    )
