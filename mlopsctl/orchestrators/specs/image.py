"""The container image that an orchestrator elsewhere runs the steps in: one that is there, or one to build."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from mlopsctl.ground.image_name import ImageName, image_name
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration, RelativePath, refusal

# Debian's Python 3.12: python:3.12-slim-trixie. A tag beside the digest is more than some engines take.
BASE = "docker.io/library/python@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea"
"""What images are built from, where the project names nothing else."""

_HOUR = 3600.0
_FOLDER = r"^gs://[a-z0-9][a-z0-9._-]{1,221}[a-z0-9](/[A-Za-z0-9._/-]*)?$"
_OF_CLOUD_BUILD = ("project", "location", "staging", "service_account", "timeout", "logs", "machine", "api_endpoint")
_OF_BUILDS = ("dockerfile", "context", "base", "platform", "build", *_OF_CLOUD_BUILD)


def _named(text: str) -> str:
    if image_name(text) is None:
        hint = "write it like europe-docker.pkg.dev/my-project/my-repository/my-image, with @sha256:… where it is there"
        raise refusal("bad-image", f"{text[:200]!r} is not the name of an image", hint)
    return text


def _by_digest(text: str) -> str:
    found = image_name(_named(text))
    if found is None or not found.digest:
        hint = "write NAME@sha256:…, as `docker buildx imagetools inspect NAME` or `skopeo inspect` prints it"
        raise refusal("image-tag", f"{text!r} is not named by its digest", hint)
    return text


ImageText: TypeAlias = Annotated[str, AfterValidator(_named)]


class Image(Spec):
    """An image by its name; without a tag or digest it is built from the project and pushed there."""

    name: ImageText = Field(
        title="Name",
        description="`registry/path@sha256:…` of an image that is there, or `registry/path` of one to build and push.",
    )
    dockerfile: RelativePath | None = Field(
        None,
        title="Dockerfile",
        description="The project's own Dockerfile; by default one of mlopsctl's, which `image build --eject` writes "
        "out.",
    )
    context: RelativePath = Field(
        ".", title="Context", description="The folder that the image is built from; the project's by default."
    )
    base: Annotated[str, AfterValidator(_by_digest)] | None = Field(
        None,
        title="Base",
        description="The image that mlopsctl's Dockerfile begins with, by digest; `python:3.12-slim` by default.",
    )
    platform: str = Field(
        "linux/amd64",
        pattern=r"^linux/[a-z0-9]{1,16}(/[a-z0-9]{1,8})?$",
        title="Platform",
        description="What the machines are that it runs on.",
    )
    build: Literal["engine", "cloud_build"] = Field(
        "engine",
        title="Build",
        description="Who builds it: docker, podman or buildah on this machine, or Cloud Build.",
    )
    project: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9:.-]{4,61}[a-z0-9]$",
        title="Project",
        description="Cloud Build's Google Cloud project.",
    )
    location: str = Field(
        "global", pattern=r"^[a-z][a-z0-9-]{1,62}$", title="Location", description="Cloud Build's region."
    )
    staging: str | None = Field(
        None,
        pattern=_FOLDER,
        title="Staging",
        description="The `gs://` folder that the files are handed over in; `gs://PROJECT_cloudbuild/mlopsctl` by "
        "default.",
    )
    service_account: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._@:-]+$",
        title="Service account",
        description="The e-mail address of the account that Cloud Build builds as.",
    )
    timeout: Duration = Field(_HOUR, title="Timeout", description="How long Cloud Build may take; an hour by default.")
    logs: str | None = Field(
        None,
        pattern=_FOLDER,
        title="Logs",
        description="The `gs://` folder of Cloud Build's logs; Cloud Logging by default.",
    )
    machine: str | None = Field(
        None,
        pattern=r"^[A-Z][A-Z0-9_]{1,40}$",
        title="Machine",
        description="Cloud Build's machine type, such as `E2_HIGHCPU_8`.",
    )

    api_endpoint: str | None = Field(
        None,
        pattern=r"^(https://[a-z0-9-]+(\.[a-z0-9-]+)*\.googleapis\.com|http://(localhost|127\.0\.0\.1)(:\d{1,5})?)$",
        title="API endpoint",
        description="Another address of Cloud Build's API than the public one, below `googleapis.com` (credentials "
        "are sent nowhere else) or on this machine.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Nothing is said of a build that does not happen."""
        given = self.model_fields_set
        if not self.is_built and (extra := [name for name in _OF_BUILDS if name in given]):
            message = f"an image with a tag or digest is not built, so `{extra[0]}` has no meaning"
            raise refusal("image-not-built", message, "take the tag or digest out of `name` to have it built", extra[0])
        if self.build == "engine" and (extra := [name for name in _OF_CLOUD_BUILD if name in given]):
            message = f"`{extra[0]}` is a setting of Cloud Build"
            raise refusal("image-not-built", message, "add `build: cloud_build`, or take it out", extra[0])
        if self.build == "cloud_build" and self.project is None:
            raise refusal("missing-key", "Cloud Build needs a `project`", "write the Google Cloud project's id")
        if self.dockerfile is not None and self.base is not None:
            message = "`base` is for mlopsctl's Dockerfile, and `dockerfile` names another"
            raise refusal("image-not-built", message, "take one of the two out", "base")
        return self

    @property
    def parts(self) -> ImageName:
        """The name's parts."""
        return image_name(self.name) or ImageName(self.name)

    @property
    def is_built(self) -> bool:
        """Whether it is built from the project: a tag or digest names one that is there."""
        return not self.parts.tag and not self.parts.digest


ImageSetting: TypeAlias = ImageText | Image


def as_image(setting: ImageSetting | None) -> Image | None:
    """The image as a value, however it is written."""
    return Image(name=setting) if isinstance(setting, str) else setting
