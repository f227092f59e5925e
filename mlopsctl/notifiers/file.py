"""The file notifier: one JSON line an event."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import RelativePath
from mlopsctl.notifiers.events import Happening, Notifying


class FileNotifier(Notifying):
    """Appends one JSON line an event to a file."""

    kind: Literal["file"] = Field(title="Kind", description="Append one JSON line an event to a file.")
    path: RelativePath = Field(title="File", description="The file, relative to the project file.")

    def send(self, happening: Happening, project: Path) -> None:
        """Append the line with one write, so that lines of several writers do not mix."""
        file = project / self.path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                os.write(descriptor, happening.body() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StepProblem.because(
                "not-notified",
                f"the event {happening.event} cannot be appended to {self.path}: {error.strerror}",
                hint="name a file that can be written under `notify`",
            ) from error
