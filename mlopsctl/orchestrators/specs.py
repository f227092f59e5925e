"""The settings of every orchestrator, as users write them; importing them imports no engine."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import RelativePath


class Local(Spec):
    """Runs the steps on this machine, each in a process of its own."""

    kind: Literal["local"] = Field("local", title="Kind", description="Run the steps as processes on this machine.")
    jobs: int | None = Field(
        None, ge=1, le=1024, title="Jobs", description="How many steps may run side by side; one a core by default."
    )


class Kubeflow(Spec):
    """Compiles to Kubeflow Pipelines."""

    not_yet: ClassVar[str] = "runs on Kubeflow Pipelines"

    kind: Literal["kfp"] = Field(title="Kind", description="Run on Kubeflow Pipelines.")
    host: str = Field(pattern=r"^https?://\S+$", title="Host", description="The URL of the Kubeflow Pipelines API.")
    experiment: str | None = Field(
        None, min_length=1, title="Experiment", description="The experiment of the runs; the project's name by default."
    )
    namespace: str | None = Field(
        None, min_length=1, title="Namespace", description="The Kubernetes namespace of the runs."
    )
    image: str | None = Field(
        None, min_length=1, title="Image", description="The container image of the steps, by digest (`name@sha256:…`)."
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


class Vertex(Spec):
    """Compiles to Vertex AI Pipelines."""

    not_yet: ClassVar[str] = "runs on Vertex AI Pipelines"

    kind: Literal["vertex"] = Field(title="Kind", description="Run on Vertex AI Pipelines.")
    project: str = Field(min_length=1, title="Project", description="The Google Cloud project's id.")
    location: str = Field(min_length=1, title="Location", description="The region, such as `europe-west4`.")
    pipeline_root: str = Field(
        pattern=r"^gs://\S+$",
        title="Pipeline root",
        description="The `gs://` URL under which the engine keeps its files.",
    )
    service_account: str | None = Field(
        None, min_length=1, title="Service account", description="The account that the pipeline runs as."
    )
    network: str | None = Field(None, min_length=1, title="Network", description="The VPC network of the jobs.")
    image: str | None = Field(
        None, min_length=1, title="Image", description="The container image of the steps, by digest (`name@sha256:…`)."
    )
    allow_tags: bool = Field(
        False, title="Allow tags", description="Accept an image by tag; what runs may then change without a plan."
    )


class Airflow(Spec):
    """Compiles to an Apache Airflow DAG."""

    not_yet: ClassVar[str] = "runs on Airflow"

    kind: Literal["airflow"] = Field(title="Kind", description="Run on Apache Airflow.")
    dags: RelativePath = Field(
        title="DAG folder", description="The folder the DAG is written to, relative to the project file."
    )
    url: str | None = Field(
        None, pattern=r"^https?://\S+$", title="URL", description="The URL of Airflow's API, to start and watch runs."
    )
    image: str | None = Field(
        None, min_length=1, title="Image", description="The container image of the steps, by digest; none by default."
    )
    allow_tags: bool = Field(
        False, title="Allow tags", description="Accept an image by tag; what runs may then change without a plan."
    )
    pool: str | None = Field(None, min_length=1, title="Pool", description="The Airflow pool of the tasks.")
    queue: str | None = Field(None, min_length=1, title="Queue", description="The Airflow queue of the tasks.")


Orchestrator: TypeAlias = Annotated[Local | Kubeflow | Vertex | Airflow, Field(discriminator="kind")]

__all__ = ["Airflow", "Kubeflow", "Local", "Orchestrator", "Vertex"]
