"""Google Cloud Build as the CI provider."""

from typing import Literal

from pydantic import Field

from mlopsctl.ci.words import WORD, Branch, File, SampleValue, ServiceAccount
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name


class CloudBuild(Spec):
    """Build files under ``cloudbuild/`` that verify pull requests and apply what was merged, and their triggers."""

    kind: Literal["cloud_build"] = Field(title="Kind", description="Generate files for Google Cloud Build.")
    project: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9-]{0,61}[a-z0-9]?$",
        title="Project",
        description="The Google Cloud project's id; needed for what is generated.",
    )
    location: str = Field(
        "global",
        pattern=r"^[a-z][a-z0-9-]{1,62}$",
        title="Location",
        description="The region of the builds; `global` by default.",
    )
    repository: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$",
        title="Repository",
        description="The repository on GitHub, as `owner/name`; needed for the triggers.",
    )
    branch: Branch = Field(
        "main", title="Branch", description="The branch whose commits are applied; `main` by default."
    )
    tag: str = Field(
        "v",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,60}$",
        title="Tag",
        description="How the tags begin that release to the last environment; `v` by default.",
    )
    service_account: ServiceAccount | None = Field(
        None,
        title="Service account",
        description="The account that applies; `mlopsctl-NAME` of the Google Cloud project by default.",
    )
    pull_request_account: ServiceAccount | None = Field(
        None,
        title="Pull request account",
        description="The account that pull requests run as, which may write logs and nothing else; `mlopsctl-NAME-pr` "
        "by default.",
    )
    publish: Literal["token", "app"] | None = Field(
        None,
        title="Publish",
        description="With what pull requests are told of their checks and given a comment: `token`, which Secret "
        "Manager keeps as GITHUB_PULL_REQUEST_TOKEN, or `app`, with MLOPSCTL_GITHUB_APP_ID and MLOPSCTL_GITHUB_APP_KEY "
        "beside it. By default the findings stand in the log of the build.",
    )
    builder: str | None = Field(
        None,
        pattern=WORD,
        title="Builder",
        description="The image of the stages, by digest, with Python 3.11 or newer; Debian's Python 3.12 by default.",
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
    api_endpoint: str | None = Field(
        None,
        pattern=r"^(https://[a-z0-9-]+(\.[a-z0-9-]+)*\.googleapis\.com|http://(localhost|127\.0\.0\.1)(:\d{1,5})?)$",
        title="API endpoint",
        description="Another address of Cloud Build's API than the public one, below `googleapis.com` (credentials "
        "are sent nowhere else) or on this machine.",
    )
