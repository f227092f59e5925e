"""Cloud Build: it gets the files through a bucket, builds and pushes the image, and says its digest.

A build carries two tags: one follows from the image and what it is built from, so that whoever comes later finds it
instead of building twice; the other is of this one attempt, to find what a lost reply may have begun.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from mlopsctl.delivery.images.cloud_calls import CloudBuild
from mlopsctl.delivery.images.engines import LABEL, Say
from mlopsctl.delivery.images.staging import packed
from mlopsctl.ground.digest import digest_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.lowering.image_context import DOCKERFILE, ImageContext
from mlopsctl.objects.content import Content
from mlopsctl.objects.gcs import GoogleObjects
from mlopsctl.orchestrators.specs.image import Image

if TYPE_CHECKING:
    from google.cloud.devtools.cloudbuild_v1 import Build

_BUILDER = "gcr.io/cloud-builders/docker"
_GOING_ON = frozenset({"PENDING", "QUEUED", "WORKING"})
_SECONDS_BETWEEN_LOOKS = 3.0
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def build_in_cloud(
    image: Image,
    context: ImageContext,
    tag: str,
    say: Say,
    *,
    again: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Have the image built and pushed as ``tag``, and return its digest.

    A build of the same that goes on is followed, and one that succeeded is taken, unless asked to build ``again``.

    Raises:
        StepProblem: when it cannot be built, or Cloud Build or the bucket cannot be reached.
    """
    api = CloudBuild(image)
    same = f"mlopsctl-{digest_json('mlopsctl/cloud-build/v1', [tag, context.digest]).partition(':')[2][:32]}"
    for found in api.tagged(same):
        if _status(found) in _GOING_ON or (_status(found) == "SUCCESS" and not again):
            say(f"Following build {found.id}, which builds the same: {_log(found)}")
            return _followed(api, found, tag, say, pause)
    bucket, name, generation = _handed_over(image, context, say)
    attempt = f"mlopsctl-{secrets.token_hex(12)}"
    wanted = _build(image, context, tag, (bucket, name, generation), (same, attempt))
    begun = api.create(wanted, attempt)
    say(f"Cloud Build builds {tag}: {_log(begun)}")
    return _followed(api, begun, tag, say, pause)


def _handed_over(image: Image, context: ImageContext, say: Say) -> tuple[str, str, int]:
    """Bucket, name and generation of the packed files; its name follows from its bytes, so it is written once."""
    content = packed(context)
    name = f"{sha256(content).hexdigest()}.tar.gz"
    store = GoogleObjects(image.staging or f"gs://{image.project}_cloudbuild/mlopsctl")
    there = store.about(name)
    if there is None:
        say(f"Uploading {len(content):,} bytes to {store.uri(name)}")
        try:
            store.create(name, Content.of(content))
        except FileExistsError:
            say("Somebody else uploaded the same meanwhile")
        there = store.about(name)
    if there is None or there.size != len(content):
        message = f"{store.uri(name)} is not what was uploaded"
        raise StepProblem.because("cloud-build", message, hint="push again; see who else writes to that bucket")
    bucket, _, folder = store.url.removeprefix("gs://").partition("/")
    return bucket, f"{folder.strip('/')}/{name}".lstrip("/"), int(there.version.partition(".")[0] or 0)


def _build(
    image: Image, context: ImageContext, tag: str, source: tuple[str, str, int], tags: tuple[str, ...]
) -> dict[str, Any]:
    """The build that is asked for; ``$`` begins a substitution there, so it is doubled wherever it may stand."""
    words = ["build", "--file", DOCKERFILE, "--tag", tag, "--platform", context.platform]
    words += ["--label", f"{LABEL}={context.digest}"]
    for name, value in sorted(context.arguments.items()):
        words += ["--build-arg", f"{name}={value}"]
    bucket, name, generation = source
    options: dict[str, Any] = {"logging": "GCS_ONLY" if image.logs else "CLOUD_LOGGING_ONLY"}
    if image.machine:
        options["machine_type"] = image.machine
    build: dict[str, Any] = {
        "source": {"storage_source": {"bucket": bucket, "object_": name, "generation": generation}},
        "steps": [{"name": _BUILDER, "args": [word.replace("$", "$$") for word in [*words, "."]]}],
        "images": [tag],
        "timeout": {"seconds": int(image.timeout)},
        "tags": list(tags),
        "options": options,
    }
    if image.logs:
        build["logs_bucket"] = image.logs.rstrip("/")
    if image.service_account:
        build["service_account"] = f"projects/{image.project}/serviceAccounts/{image.service_account}"
    return build


def _followed(api: CloudBuild, build: Build, tag: str, say: Say, pause: Callable[[float], None]) -> str:
    """The digest, once the build has ended well."""
    told = ""
    while _status(build) in _GOING_ON:
        if _status(build) != told:
            told = _status(build)
            say(f"  {told.lower()}")
        pause(_SECONDS_BETWEEN_LOOKS)
        build = api.get(build.id)
    if _status(build) != "SUCCESS":
        said = "; ".join(_said(build)) or "it says no more"
        raise StepProblem.because(
            "cloud-build",
            f"Cloud Build could not build {tag}: {_status(build).lower()}: {said}",
            hint=f"its log is at {_log(build)}",
        )
    digest = next((one.digest for one in build.results.images if one.name == tag), "")
    if not _DIGEST.fullmatch(digest):
        message = f"Cloud Build pushed {tag} and does not say its digest"
        raise StepProblem.because("cloud-build", message, hint=f"push --again; its log is at {_log(build)}")
    return str(digest)


def _said(build: Build) -> Iterator[str]:
    for text in (build.status_detail, build.failure_info.detail):
        if text:
            yield printable(str(text))


def _status(build: Build) -> str:
    return str(build.status.name)


def _log(build: Build) -> str:
    return printable(build.log_url or f"build {build.id}")
