"""The container image that serves a model elsewhere, by its digest."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from mlopsctl.ground.image_name import image_name
from mlopsctl.ground.scalars import refusal


def _by_digest(text: str) -> str:
    found = image_name(text)
    if found is None:
        hint = "write it like europe-docker.pkg.dev/my-project/my-repository/my-image@sha256:…"
        raise refusal("bad-image", f"{text[:200]!r} is not the name of an image", hint)
    if not found.digest:
        hint = "write NAME@sha256:…; what a tag names can change, and then another program serves without a release"
        raise refusal("image-tag", f"{text!r} is not named by its digest", hint)
    return text


ServingImage: TypeAlias = Annotated[str, AfterValidator(_by_digest)]
