"""``images.lock.yaml``: the reviewed file that says, by digest, which images mlopsctl built and from what.

It stands beside ``mlops.yaml``; ``mlopsctl image push`` writes it, and what it says is what the orchestrator runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from mlopsctl.config.document import read_document
from mlopsctl.config.keys import keys_at
from mlopsctl.config.translate import diagnostics
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.ground.image_name import image_name
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import refusal

LOCK = "images.lock.yaml"

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


def _plain_name(text: str) -> str:
    found = image_name(text)
    if found is None or found.tag or found.digest:
        raise refusal("bad-image", f"{text[:200]!r} is not an image's name without tag and digest", "push it again")
    return text


class LockedImage(Spec):
    """One image that was pushed."""

    digest: Digest = Field(title="Digest", description="The image's digest, as the registry has it.")
    context: Digest = Field(
        title="Context", description="What it was built from: Dockerfile, files, requirements and mlopsctl."
    )


class ImageLock(Spec):
    """The images that mlopsctl built and pushed, by name."""

    version: Literal[1] = Field(title="Version", description="The version of this file: 1.")
    images: dict[Annotated[str, AfterValidator(_plain_name)], LockedImage] = Field(
        {}, title="Images", description="The images, by their name without tag and digest."
    )


def read_lock(folder: Path) -> ImageLock:
    """The lock file of a project's folder; an empty one where there is none.

    Raises:
        InvalidProject: when it cannot be read, with every problem at its line.
    """
    file = folder / LOCK
    if not file.exists():
        return ImageLock(version=1)
    document = read_document(file, str(file))
    try:
        return ImageLock.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        found = diagnostics(error.errors(include_url=False), document, lambda at: keys_at(ImageLock, document.data, at))
        raise InvalidProject(found) from None
