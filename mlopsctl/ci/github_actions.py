"""GitHub Actions as the CI provider."""

from typing import Literal

from pydantic import Field

from mlopsctl.ci.words import Branch, File, Label, SampleValue, ServiceAccount
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name


class WorkloadIdentity(Spec):
    """How jobs become a Google Cloud service account, without a key."""

    provider: str = Field(
        pattern=r"^projects/[0-9]{1,20}/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}$",
        title="Provider",
        description="The workload identity provider, as `projects/NUMBER/locations/global/workloadIdentityPools/POOL/"
        "providers/PROVIDER`.",
    )
    service_account: ServiceAccount = Field(
        title="Service account", description="The e-mail address of the account that the jobs act as."
    )


class GitHubActions(Spec):
    """Workflows under ``.github/workflows`` that verify pull requests and apply what was merged."""

    kind: Literal["github_actions"] = Field(title="Kind", description="Generate GitHub Actions workflows.")
    branch: Branch = Field(
        "main", title="Branch", description="The branch whose commits are applied; `main` by default."
    )
    runner: Label = Field(
        "ubuntu-latest", title="Runner", description="The label of the runner; `ubuntu-latest` by default."
    )
    python: str = Field(
        "3.12",
        pattern=r"^3\.[0-9]{1,2}$",
        title="Python",
        description="The Python version of the jobs, quoted: '3.12' by default.",
    )
    install: File | None = Field(
        None,
        title="Install",
        description="A requirements file that brings mlopsctl and what the tests need; by default this version of "
        "mlopsctl is installed by its name.",
    )
    environment: Name | None = Field(
        None,
        title="Environment",
        description="The environment that pull requests run in; by default the first that needs nothing but one "
        "machine.",
    )
    sample: dict[Name, SampleValue] = Field(
        {},
        title="Sample",
        description="Run-time parameters of that run, such as a limit of rows that the project reads.",
    )
    forks: Literal["summary", "publisher"] = Field(
        "summary",
        title="Forks",
        description="Where pull requests of forks report: on the page of their run (`summary`, the default), or also "
        "as checks and a comment that are marked as unverified (`publisher`).",
    )
    commands: bool = Field(
        False,
        title="Commands",
        description="Whether people with write access can write `/mlopsctl apply staging` in a comment; false by "
        "default.",
    )
    drift: Literal["report", "issue", "pull_request"] = Field(
        "report",
        title="Drift",
        description="What the hourly look at drift does beside failing: nothing (`report`, the default), one `issue` "
        "for an environment, or a `pull_request` where git can mend the lock or the data asks for a retraining.",
    )
    google: WorkloadIdentity | None = Field(
        None, title="Google Cloud", description="The workload identity of jobs that apply; none by default."
    )
