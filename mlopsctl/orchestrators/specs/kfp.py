"""``kfp``: Kubeflow Pipelines."""

from typing import Literal

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import TimeZone
from mlopsctl.orchestrators.specs.image import ImageSetting


class KubernetesSecret(Spec):
    """A key of a Kubernetes secret, which steps get as an environment variable."""

    name: str = Field(
        pattern=r"^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$", title="Name", description="The Kubernetes secret's name."
    )
    key: str = Field(pattern=r"^[-._a-zA-Z0-9]{1,253}$", title="Key", description="The key in the secret.")


class KubernetesAccelerator(Spec):
    """How a cluster calls a kind of accelerator."""

    resource: str = Field(
        "nvidia.com/gpu",
        pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$",
        title="Resource",
        description="The Kubernetes resource that is asked for; `nvidia.com/gpu` by default.",
    )
    node_selector: dict[str, str] = Field(
        {}, title="Node selector", description="The labels of the nodes that have it, beside those of all steps."
    )


class Toleration(Spec):
    """A taint of nodes that the steps may run on all the same."""

    key: str = Field("", title="Key", description="The taint's key; every taint where it is empty.")
    operator: Literal["Exists", "Equal"] = Field(
        "Equal", title="Operator", description="`Exists`: whatever its value; `Equal`: only with this value."
    )
    value: str = Field("", title="Value", description="The taint's value.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        "", title="Effect", description="The taint's effect; every effect where it is empty."
    )


class Kubeflow(Spec):
    """Compiles to Kubeflow Pipelines."""

    kind: Literal["kfp"] = Field(title="Kind", description="Run on Kubeflow Pipelines.")
    host: str = Field(pattern=r"^https?://\S+$", title="Host", description="The URL of the Kubeflow Pipelines API.")
    experiment: str | None = Field(
        None, min_length=1, title="Experiment", description="The experiment of the runs; the project's name by default."
    )
    namespace: str | None = Field(
        None, min_length=1, title="Namespace", description="The Kubernetes namespace of the runs."
    )
    image: ImageSetting | None = Field(
        None,
        title="Image",
        description="The container image of the steps: `name@sha256:…`, or a name to build and push it under.",
    )
    allow_tags: bool = Field(
        False, title="Allow tags", description="Accept an image by tag; what runs may then change without a plan."
    )
    pipeline_root: str | None = Field(
        None, min_length=1, title="Pipeline root", description="The URL under which the engine keeps its files."
    )
    service_account: str | None = Field(
        None, min_length=1, title="Service account", description="The Kubernetes service account of the runs."
    )
    caching: bool = Field(
        False,
        title="Caching",
        description="Let the engine's own cache take results of earlier runs too, where a step reads no data outside. "
        "Off by default: steps are reused by their keys, which know more.",
    )
    max_concurrent_runs: int = Field(
        1, ge=1, le=10, title="Concurrent runs", description="How many runs of a schedule may overlap; 1 by default."
    )
    node_selector: dict[str, str] = Field(
        {}, title="Node selector", description="The labels of the nodes that the steps may run on."
    )
    tolerations: tuple[Toleration, ...] = Field(
        (), title="Tolerations", description="The taints of nodes that the steps may run on all the same."
    )
    accelerators: dict[str, KubernetesAccelerator] = Field(
        {},
        title="Accelerators",
        description="How the cluster calls each kind of accelerator that `resources.accelerators` of a component "
        "names, such as `nvidia-tesla-t4`; a Kubernetes resource (`nvidia.com/gpu`) needs no entry.",
    )
    image_pull_secrets: tuple[str, ...] = Field(
        (), title="Image pull secrets", description="The Kubernetes secrets with which images are pulled."
    )
    secrets: dict[str, KubernetesSecret] = Field(
        {},
        title="Secrets",
        description="Where the steps find each `{secret: NAME}`: by its name, a key of a Kubernetes secret.",
    )
    token: str | None = Field(
        None,
        pattern=r"^[A-Z][A-Z0-9_]*$",
        title="Token",
        description="The environment variable that holds the API's bearer token, where it asks for one.",
    )
    certificates: str | None = Field(
        None,
        min_length=1,
        title="Certificates",
        description="A file (PEM) of the authorities that vouch for the host, where they are not the usual ones.",
    )
    ui: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        title="Pages",
        description="The URL of the web pages, which links to runs lead to; `host` by default.",
    )
    timezone: TimeZone = Field(
        "UTC",
        title="Time zone",
        description="The time zone in which the server reads all schedules: its `CRON_SCHEDULE_TIMEZONE`, which is UTC "
        "unless somebody changed it.",
    )
