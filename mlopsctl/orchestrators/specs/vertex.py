"""``vertex``: Vertex AI Pipelines."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name, refusal
from mlopsctl.orchestrators.specs.image import ImageSetting

OURS = "mlopsctl-"
"""How the labels begin that mlopsctl gives to what it makes; no other may."""

LAUNCHER = "gcr.io/ml-pipeline/google-cloud-pipeline-components:2.22.0"
"""Google's image that starts custom jobs, by its release."""

_THEIRS = "vertex-ai-pipelines-"
_MACHINE = r"^[a-z][a-z0-9]*(-[a-z0-9]+)+$"
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
_VALUE = re.compile(r"[a-z0-9_-]{0,63}", re.ASCII)


class Machine(Spec):
    """A machine for a step, by name."""

    machine_type: str = Field(pattern=_MACHINE, title="Machine type", description="Such as `n2-standard-8`.")
    accelerator: str | None = Field(
        None, pattern=r"^[A-Z][A-Z0-9_]+$", title="Accelerator", description="Its accelerator, such as `NVIDIA_L4`."
    )
    accelerators: int = Field(1, ge=1, le=16, title="Accelerators", description="How many of them; 1 by default.")
    spot: bool = Field(False, title="Spot", description="A spot machine, which may be taken away.")
    disk_size: int = Field(
        100, ge=100, le=64000, title="Disk size", description="The boot disk in gigabytes; 100 by default."
    )


class Vertex(Spec):
    """Compiles to Vertex AI Pipelines."""

    kind: Literal["vertex"] = Field(title="Kind", description="Run on Vertex AI Pipelines.")
    project: str = Field(min_length=1, title="Project", description="The Google Cloud project's id.")
    location: str = Field(
        pattern=r"^[a-z]+(-[a-z0-9]+)+$", title="Location", description="The region, such as `europe-west4`."
    )
    api_endpoint: str | None = Field(
        None,
        pattern=r"^(https://[a-z0-9-]+(\.[a-z0-9-]+)*\.googleapis\.com|http://(localhost|127\.0\.0\.1)(:\d{1,5})?)$",
        title="API endpoint",
        description="Another address of the API than the region's public one, below `googleapis.com` (credentials are "
        "sent nowhere else) or on this machine.",
    )
    pipeline_root: str = Field(
        pattern=r"^gs://\S+$",
        title="Pipeline root",
        description="The `gs://` URL under which the engine keeps its files.",
    )
    service_account: str | None = Field(
        None, min_length=1, title="Service account", description="The account that the pipeline runs as."
    )
    network: str | None = Field(
        None,
        pattern=r"^projects/[^/]+/global/networks/[^/]+$",
        title="Network",
        description="The VPC network of the jobs: `projects/NUMBER/global/networks/NAME`.",
    )
    reserved_ip_ranges: list[str] = Field(
        [], title="Reserved IP ranges", description="The names of the ranges of `network` that the jobs may use."
    )
    encryption_key: str | None = Field(
        None,
        pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$",
        title="Encryption key",
        description="The full name of the Cloud KMS key that encrypts what the pipeline leaves.",
    )
    labels: dict[str, str] = Field({}, title="Labels", description="Labels of the pipeline's jobs, for the bill.")
    image: ImageSetting | None = Field(
        None,
        title="Image",
        description="The container image of the steps: `name@sha256:…`, or a name to build and push it under.",
    )
    allow_tags: bool = Field(
        False, title="Allow tags", description="Accept an image by tag; what runs may then change without a plan."
    )
    caching: bool = Field(
        False,
        title="Caching",
        description="Let the engine's own cache take results of earlier runs too, where a step reads no data outside. "
        "Off by default: steps are reused by their keys, which know more.",
    )
    failure_policy: Literal["slow", "fast"] = Field(
        "slow",
        title="Failure policy",
        description="After a failed step: `slow` runs what does not depend on it, `fast` starts no further step.",
    )
    max_concurrent_runs: int = Field(
        1, ge=1, le=10, title="Concurrent runs", description="How many runs of a schedule may overlap; 1 by default."
    )
    machine_type: str | None = Field(
        None,
        pattern=_MACHINE,
        title="Machine type",
        description="The machines of the steps; chosen from CPU and memory.",
    )
    spot: bool = Field(
        False,
        title="Spot",
        description="Run the steps on spot machines of `machine_type`, which may be taken away; give steps `retry`.",
    )
    machines: dict[Name, Machine] = Field(
        {},
        title="Machines",
        description="The machines of single steps, by step id: `{train-forest: {machine_type: …}}`.",
    )
    launcher: str = Field(
        LAUNCHER,
        min_length=1,
        title="Launcher",
        description="Google's image that starts a step on a machine by name; name it by digest to pin it.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """What Vertex AI would refuse when the job starts."""
        for key, value in self.labels.items():
            if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
                hint = "a key begins with a small letter; key and value hold at most 63 of a-z, 0-9, '_' and '-'"
                raise refusal("bad-label", f"{key}: {value} is no label of Google Cloud", hint, "labels")
            if key.startswith((OURS, _THEIRS)):
                owner = "mlopsctl" if key.startswith(OURS) else "Vertex AI"
                raise refusal("bad-label", f"labels that begin like {key!r} belong to {owner}", "rename it", "labels")
        if self.encryption_key is not None and self.encryption_key.split("/")[3] != self.location:
            message = f"the encryption key is not in the location of the pipeline, {self.location}"
            raise refusal("wrong-region", message, "use a key of that location", "encryption_key")
        if self.reserved_ip_ranges and self.network is None:
            raise refusal("missing-key", "`reserved_ip_ranges` are of a network", "set `network` too", "network")
        return self
