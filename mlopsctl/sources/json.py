"""``json``: objects in a file, one a line or as one list."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.sources.files import FileSource


class JsonFile(FileSource):
    """A JSON file whose objects are the rows."""

    not_yet: ClassVar[str] = "reading JSON files"

    kind: Literal["json"] = Field(default="json", title="Kind", description="A JSON file whose objects are the rows.")
    lines: bool = Field(
        default=True,
        title="One object a line",
        description="true: each line is one object; false: the file is one list of objects.",
    )
