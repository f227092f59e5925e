"""``airflow``: Apache Airflow and Cloud Composer."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Duration, SecretRef, refusal
from mlopsctl.orchestrators.specs.airflow_dags import Dags, is_folder
from mlopsctl.orchestrators.specs.image import ImageSetting
from mlopsctl.orchestrators.specs.kfp import KubernetesSecret

_GOOGLES_OWN = re.compile(
    r"(https://[a-z0-9.-]+\.composer(-[a-z]+)?\.googleusercontent\.com|http://(127\.0\.0\.1|localhost)(:\d+)?)(/|$)"
)


class OnWorker(Spec):
    """Steps as processes of Airflow's worker, with a Python of their own."""

    kind: Literal["venv"] = Field("venv", title="Kind", description="A process of the worker, with its own Python.")
    python: str | None = Field(
        None,
        pattern=r"^/[^\x00-\x1f]+$",
        title="Python",
        description="The worker's interpreter that has mlopsctl, an absolute path; by default the one that the "
        "worker's environment variable MLOPSCTL_PYTHON names, else `python3`.",
    )
    folder: str | None = Field(
        None,
        pattern=r"^/[^\x00-\x1f]+$",
        title="Folder",
        description="The project's folder on the worker, an absolute path; by default the one that the DAG folder lies "
        "in.",
    )


class InKubernetes(Spec):
    """Steps as pods of a Kubernetes cluster."""

    kind: Literal["kubernetes"] = Field(title="Kind", description="A pod of Kubernetes for each step.")
    namespace: str = Field(
        "default",
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        title="Namespace",
        description="The Kubernetes namespace of the pods.",
    )
    service_account: str | None = Field(
        None, min_length=1, title="Service account", description="The Kubernetes service account of the pods."
    )
    node_selector: dict[str, str] = Field(
        {}, title="Node selector", description="The labels of the nodes that the pods may run on."
    )
    secrets: dict[str, KubernetesSecret] = Field(
        {},
        title="Secrets",
        description="Where the steps find each `{secret: NAME}`: by its name, a key of a Kubernetes secret.",
    )


class InDocker(Spec):
    """Steps as containers of the worker's Docker."""

    kind: Literal["docker"] = Field(title="Kind", description="A container of Docker for each step.")
    network: str | None = Field(
        None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$", title="Network", description="The network of the containers."
    )


Execution: TypeAlias = Annotated[OnWorker | InKubernetes | InDocker, Field(discriminator="kind")]


class Airflow(Spec):
    """Compiles to an Apache Airflow DAG."""

    kind: Literal["airflow"] = Field(title="Kind", description="Run on Apache Airflow.")
    dags: Dags = Field(
        title="DAGs",
        description="Where the DAG is delivered: a folder relative to the project file, a Composer bucket "
        "(`gs://…/dags`), or a git repository that is a DAG bundle.",
    )
    url: str | None = Field(
        None, pattern=r"^https?://\S+$", title="URL", description="The URL of Airflow's API, to start and watch runs."
    )
    username: str | None = Field(
        None, min_length=1, title="User", description="The user in whose name Airflow's API is asked."
    )
    password: SecretRef | None = Field(
        None, title="Password", description="The user's password, as a secret: `{secret: NAME}`."
    )
    token: SecretRef | None = Field(
        None, title="Token", description="A bearer token for the API in place of a user's name, as a secret."
    )
    auth: Literal["google"] | None = Field(
        None,
        title="Sign-in",
        description="`google`: the API is asked with the Google credentials of this machine, as Cloud Composer wants.",
    )
    audience: str | None = Field(
        None,
        pattern=r"^\S+$",
        title="Audience",
        description="For an Airflow behind Google's Identity-Aware Proxy: the client id that the token is made for.",
    )
    wait: Duration = Field(
        600.0,
        title="Wait",
        description="How long `apply` waits until Airflow has read a new version of the DAG; 10 minutes by default.",
    )
    execution: Execution = Field(
        default_factory=lambda: OnWorker.model_construct(kind="venv"),
        title="Execution",
        description="Where the steps run: on the worker by default, or in pods or containers.",
    )
    image: ImageSetting | None = Field(
        None,
        title="Image",
        description="The container image of the steps: `name@sha256:…`, or a name to build and push it under; none by "
        "default.",
    )
    allow_tags: bool = Field(
        False, title="Allow tags", description="Accept an image by tag; what runs may then change without a plan."
    )
    pool: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_.-]{1,250}$", title="Pool", description="The Airflow pool of the tasks."
    )
    pool_slots: int = Field(1, ge=1, le=1024, title="Pool slots", description="How many slots of it a task takes.")
    priority: int = Field(1, ge=1, le=1_000_000, title="Priority", description="The weight of the tasks in the pool.")
    queue: str | None = Field(
        None, min_length=1, max_length=250, title="Queue", description="The Airflow queue of the tasks."
    )
    max_active_runs: int = Field(
        1, ge=1, le=64, title="Active runs", description="How many runs of the DAG may go on at once; 1 by default."
    )
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        (), title="Tags", description="The DAG's tags, beside the project's name."
    )

    @model_validator(mode="after")
    def _containers_have_an_image(self) -> Self:
        if self.execution.kind != "venv" and self.image is None:
            message = f"steps that run in {self.execution.kind} need an `image`"
            raise refusal("missing-key", message, "name the image, by digest", "image")
        return self

    @model_validator(mode="after")
    def _steps_find_the_project(self) -> Self:
        if not is_folder(self.dags) and isinstance(self.execution, OnWorker) and self.execution.folder is None:
            message = "from a bucket or a repository of DAGs the worker does not find the project's folder"
            hint = "name it: execution: {kind: venv, folder: /path/on/the/worker}; or run the steps in pods"
            raise refusal("missing-key", message, hint, "execution")
        return self

    @model_validator(mode="after")
    def _one_sign_in(self) -> Self:
        """Google's tokens open more than Airflow: they are sent to Google's hosts, or made for one audience."""
        if self.auth is None:
            if self.audience is not None:
                message = "`audience` belongs to `auth: google`"
                raise refusal("missing-key", message, "add `auth: google`, or take it out", "audience")
            return self
        if extra := [name for name in ("username", "password", "token") if getattr(self, name) is not None]:
            message = f"`{extra[0]}` has no meaning with `auth: google`"
            raise refusal("two-sign-ins", message, "take one of the two out", extra[0])
        if self.url is not None and self.audience is None and not _GOOGLES_OWN.match(self.url):
            message = "the credentials of this machine are sent to Cloud Composer only"
            hint = "write Composer's address (https://….composer.googleusercontent.com); for an Airflow behind the "
            raise refusal("not-googles", message, f"{hint}Identity-Aware Proxy name its `audience`", "url")
        return self
