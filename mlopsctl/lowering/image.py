"""The image that the steps run in: which one, by digest, and why not where it cannot be said.

Pure: reads the project, its lock file and the files that the image is built from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.config.overlay import DEFAULT
from mlopsctl.frameworks.container import ContainerTarget
from mlopsctl.ground.errors import Diagnostic, Span
from mlopsctl.ground.source import DocPath
from mlopsctl.lowering.image_context import image_context
from mlopsctl.lowering.image_lock import LOCK, read_lock
from mlopsctl.orchestrators.specs import Local
from mlopsctl.orchestrators.specs.image import Image, as_image

_PATH: DocPath = ("orchestrator", "image")
_MENDS = "`mlopsctl image push{}` builds and pushes it, and writes its digest into " + LOCK


@dataclass(frozen=True, slots=True)
class ImagePin:
    """What the steps of an environment run in.

    Attributes:
        name: as ``mlops.yaml`` has it; empty where it names none.
        reference: by digest; by tag only where ``allow_tags`` says so; empty where neither can be said.
        why: what is missing, as a sentence; empty where it can be run as it is.
        stale: it was built from other files than those that are there now.
        span: where the image stands in ``mlops.yaml``.
        built: mlopsctl builds it.
        locked, context: what the lock file says it was built from, and what it would be built from now; empty for an
            image that mlopsctl does not build, or that was never pushed.
    """

    name: str
    reference: str
    why: str
    stale: bool
    span: Span
    built: bool = False
    locked: str = ""
    context: str = ""


def image_of(loaded: Loaded) -> Image | None:
    """The image that the orchestrator names; nothing where steps run on this machine, or none is named."""
    orchestrator = loaded.project.orchestrator
    return None if isinstance(orchestrator, Local) else as_image(orchestrator.image)


def image_reference(loaded: Loaded) -> str:
    """The reference alone, as :func:`pinned` has it, without a look at the files that it is built from.

    Raises:
        InvalidProject: when the lock file cannot be read.
    """
    image = image_of(loaded)
    if image is None:
        return ""
    if image.is_built:
        locked = read_lock(loaded.folder).images.get(image.name)
        return f"{image.name}@{locked.digest}" if locked is not None else ""
    return image.parts.reference if image.parts.digest or _allows_tags(loaded) else ""


def pinned(loaded: Loaded) -> ImagePin:
    """Which image the steps run in, and what is wrong with it.

    Raises:
        InvalidProject: when the lock file, or a file that the image is built from, cannot be read.
    """
    image, span = image_of(loaded), loaded.span(_PATH, True)
    if image is None:
        remote = loaded.project.orchestrator.kind in ("kfp", "vertex")
        return ImagePin("", "", "no image is named that the steps can run in" if remote else "", False, span)
    reference = image_reference(loaded)
    if not image.is_built:
        why = "" if reference else f"the image {image.name} is named by a tag alone"
        return ImagePin(image.name, reference, why, False, span)
    context = image_context(loaded, image).digest
    locked = read_lock(loaded.folder).images.get(image.name)
    if locked is None:
        why = f"the image {image.name} was never pushed: {LOCK} does not have it"
        return ImagePin(image.name, "", why, False, span, built=True, context=context)
    stale = locked.context != context
    why = f"the image {image.name} was built from other files than those that are here now" if stale else ""
    return ImagePin(image.name, reference, why, stale, span, built=True, locked=locked.context, context=context)


def image_problems(loaded: Loaded) -> Iterator[Diagnostic]:
    """Why the steps cannot be run elsewhere in the images that the project names, each at its line; nothing where they
    can, or where they run on this machine.

    Raises:
        InvalidProject: when the lock file, or a file that the image is built from, cannot be read.
    """
    if isinstance(loaded.project.orchestrator, Local):
        return
    pin = pinned(loaded)
    if pin.why:
        yield _problem(loaded, pin)
    for path, image in _own_images(loaded):
        if image.startswith("sha256:"):
            yield Diagnostic(
                "image-of-this-machine",
                f"{image[:19]}… is the id of an image of this machine, and the orchestrator runs elsewhere",
                loaded.span(path),
                "push the image to a registry that it reaches, and write NAME@sha256:…",
            )


def image_notes(loaded: Loaded) -> Iterator[str]:
    """What ``allow_tags`` gives up, where an image by tag is really used."""
    image = image_of(loaded)
    if image is not None and image.parts.tag and not image.parts.digest and _allows_tags(loaded):
        yield f"the image {image.name} is named by a tag: it may hold other bytes tomorrow, and results are reused"


def _problem(loaded: Loaded, pin: ImagePin) -> Diagnostic:
    mends = _MENDS.format(f" -e {loaded.environment}" if loaded.environment != DEFAULT else "")
    if pin.stale:
        return Diagnostic("image-stale", pin.why, pin.span, mends)
    if pin.built:
        return Diagnostic("image-not-pushed", pin.why, pin.span, mends)
    if pin.name:
        return Diagnostic(
            "image-tag",
            f"{pin.why}: a tag may name other bytes tomorrow, without a plan, and the engine's cache would take them "
            "for the same (kubeflow/pipelines#13862)",
            pin.span,
            "write NAME@sha256:…, or leave the tag out to have it built; `allow_tags: true` accepts it as it is",
        )
    return Diagnostic(
        "missing-image",
        f"{pin.why} on {loaded.project.orchestrator.kind}",
        pin.span,
        "write `image: {name: registry/path}` under `orchestrator` and run `mlopsctl image push`, or name one that is "
        "there by its digest",
    )


def _allows_tags(loaded: Loaded) -> bool:
    orchestrator = loaded.project.orchestrator
    return not isinstance(orchestrator, Local) and orchestrator.allow_tags


def _own_images(loaded: Loaded) -> Iterator[tuple[DocPath, str]]:
    """The images of the project's own containers, which `validate` accepts by digest only."""
    training = loaded.project.training
    for name, target in training.targets.items() if training is not None else ():
        if isinstance(target, ContainerTarget):
            yield ("training", "targets", name, "image"), target.image
    for name, component in loaded.project.components.items():
        if component.run.kind == "container":
            yield ("components", name, "run", "image"), component.run.image
