"""Names of container images: ``registry/path:tag@sha256:…``, in the grammar of the registries.

A name of this grammar begins with a letter or a digit, so no program takes it for an option.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's name without its tag and digest, and these; empty where there is none."""

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def reference(self) -> str:
        """What an engine is given: by digest where there is one, for not every engine takes a tag beside it."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag}" if self.tag else self.name

    @property
    def registry(self) -> str:
        """The host, with its port; Docker Hub's where none is written."""
        host, slash, _ = self.name.partition("/")
        return host if slash and (host == "localhost" or re.search(r"[.:A-Z]", host)) else "docker.io"


def image_name(text: str) -> ImageName | None:
    """The parts of an image's name; nothing where it is none."""
    found = _IMAGE.fullmatch(text)
    if found is None or len(found["name"]) > _LONGEST:
        return None
    return ImageName(found["name"], found["tag"] or "", found["digest"] or "")
