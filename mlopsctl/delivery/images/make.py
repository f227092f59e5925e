"""Build an image from the project, push it, and pin it; each can be repeated and then does only what is left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.images.engines import Say, find_image_engine
from mlopsctl.delivery.images.lock import record
from mlopsctl.delivery.images.staging import staged
from mlopsctl.ground.errors import InvalidProject, StepProblem, UsageProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.resources import resource
from mlopsctl.ground.text import printable
from mlopsctl.lowering.image import image_of
from mlopsctl.lowering.image_context import ImageContext, image_context
from mlopsctl.lowering.image_lock import LOCK, read_lock
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.specs.image import Image


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that stands on this machine: by which tool, under which local name, and what it was built from."""

    name: str
    tag: str
    engine: str
    context: ImageContext


@dataclass(frozen=True, slots=True)
class PushedImage:
    """An image that stands in its registry.

    Attributes:
        fresh: it was pushed now; else it stood there already, built from the same.
        written: the lock file is not what it was.
    """

    name: str
    digest: str
    context: str
    fresh: bool
    written: bool

    @property
    def reference(self) -> str:
        """The image by its digest."""
        return f"{self.name}@{self.digest}"


def build_image(loaded: Loaded, say: Say, *, engine: str | None = None) -> BuiltImage:
    """Build the image of an environment's steps on this machine.

    Raises:
        InvalidProject: when what it is built from cannot be used.
        UsageProblem: when there is nothing to build here.
        StepProblem: when the tool cannot.
    """
    image = _to_build(loaded)
    if image.build == "cloud_build":
        hint = "`mlopsctl image push` has it built and pushed there; take `build` out to build it here"
        raise UsageProblem.because("usage", f"the image {image.name} is built by Cloud Build", hint=hint)
    return _build(loaded, image, image_context(loaded, image), say, engine)


def push_image(loaded: Loaded, say: Say, *, engine: str | None = None, again: bool = False) -> PushedImage:
    """Build the image, push it, and write its digest into the lock file.

    An image that the lock file has, built from the same files, is not pushed again, unless asked so.

    Raises:
        InvalidProject: when what it is built from, or the lock file, cannot be used.
        UsageProblem: when there is nothing to build.
        StepProblem: when it cannot be built or pushed, or its files changed meanwhile.
    """
    image = _to_build(loaded)
    context = image_context(loaded, image)
    locked = read_lock(loaded.folder).images.get(image.name)
    if locked is not None and locked.context == context.digest and not again:
        return PushedImage(image.name, locked.digest, context.digest, fresh=False, written=False)
    digest = _made(loaded, image, context, say, engine, again=again)
    if image_context(loaded, image).digest != context.digest:
        message = "the project's files changed while the image was built from them"
        raise StepProblem.because("image-files", message, hint="push again; nothing was pinned")
    written = record(loaded.folder, image.name, digest, context.digest)
    return PushedImage(image.name, digest, context.digest, fresh=True, written=written)


def eject_dockerfile(loaded: Loaded, file: str = "Dockerfile") -> Path:
    """Write mlopsctl's Dockerfile into the project, for who wants to change it.

    Raises:
        UsageProblem: when there is such a file.
        StepProblem: when it cannot be written.
    """
    path = loaded.folder / file
    if path.exists() or path.is_symlink():
        hint = "name it as `dockerfile:` of the image, or move it away"
        raise UsageProblem.because("file-exists", f"{path} exists, and it is yours", hint=hint)
    image = image_of(loaded)
    text = (resource("templates/image") / "Dockerfile").read_text(encoding="utf-8")
    if image is not None and image.base is not None:
        first = next(line for line in text.splitlines() if line.startswith("ARG BASE="))
        text = text.replace(first, f"ARG BASE={image.base}", 1)
    try:
        write_atomic(path, text.encode())
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise StepProblem.because("unwritable-file", message, hint="see that the folder can be written") from error
    return path


def local_tag(name: str, context: str) -> str:
    """The tag that an image is built and pushed under: it follows from what the image is built from."""
    return f"{name}:mlopsctl-{context.partition(':')[2][:16]}"


def _to_build(loaded: Loaded) -> Image:
    image = image_of(loaded)
    if image is None:
        kind = loaded.project.orchestrator.kind
        message = f"the steps of {loaded.environment} run in no image (`orchestrator: {{kind: {kind}}}`)"
        hint = "write `image: {name: registry/path}` under an orchestrator such as kfp or vertex"
        raise UsageProblem.because("no-image", message, hint=hint)
    if not image.is_built:
        message = f"{image.name} names an image that is there, so there is nothing to build"
        hint = "leave the tag or digest out of the name to have it built from the project"
        raise UsageProblem.because("no-image", message, hint=hint)
    return image


def _made(loaded: Loaded, image: Image, context: ImageContext, say: Say, engine: str | None, *, again: bool) -> str:
    """The digest of the image in its registry, built and pushed here or by Cloud Build."""
    if image.build == "cloud_build":
        from mlopsctl.delivery.images.cloud_build import build_in_cloud

        _require_code(loaded, image, context)
        return build_in_cloud(image, context, local_tag(image.name, context.digest), say, again=again)
    built = _build(loaded, image, context, say, engine)
    say(f"Pushing {built.tag}")
    return find_image_engine(built.engine).push(built.tag, say)


def _build(loaded: Loaded, image: Image, context: ImageContext, say: Say, engine: str | None) -> BuiltImage:
    _require_code(loaded, image, context)
    tool = find_image_engine(engine)
    tag = local_tag(image.name, context.digest)
    with staged(context) as folder:
        count = len(context.files)
        say(f"Building {tag} with {tool.name} from {count} file{'' if count == 1 else 's'}, {_size(context.size)}")
        for file in sorted(context.files, key=lambda one: (-one.size, one.name))[:3]:
            say(f"  {printable(file.name)}, {_size(file.size)}")
        tool.build(folder, tag, context, say)
    return BuiltImage(image.name, tag, tool.name, context)


def _require_code(loaded: Loaded, image: Image, context: ImageContext) -> None:
    """The files that steps run are in the image, where mlopsctl says what is."""
    if image.dockerfile is not None:
        return
    inside = {file.name for file in context.files}
    for step in lower(loaded).pipeline.steps:
        gone = [file for file in step.code if file not in inside]
        if gone:
            message = f"{step.id} runs {printable(gone[0])}, which is left out of the image"
            hint = "let it in again with a line such as `!" + gone[0] + "` in .dockerignore, or add it to git"
            raise InvalidProject.because("code-left-out", message, hint=hint)


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{(count + 1023) >> 10} KiB"


__all__ = ["LOCK", "BuiltImage", "PushedImage", "build_image", "eject_dockerfile", "local_tag", "push_image"]
