"""The file notifier: one JSON line an event."""

from typing import Literal

from pydantic import Field

from mlopsctl.ground.scalars import RelativePath
from mlopsctl.notifiers.events import Notifying


class FileNotifier(Notifying):
    """Appends one JSON line an event to a file."""

    kind: Literal["file"] = Field(title="Kind", description="Append one JSON line an event to a file.")
    path: RelativePath = Field(title="File", description="The file, relative to the project file.")
