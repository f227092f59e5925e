"""Google Cloud Build as the CI provider."""

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.model import Spec


class CloudBuild(Spec):
    """A ``cloudbuild.yaml`` and its triggers."""

    not_yet: ClassVar[str] = "Cloud Build files"
    blocking: ClassVar[bool] = False

    kind: Literal["cloud_build"] = Field(title="Kind", description="Generate files for Google Cloud Build.")
    project: str | None = Field(None, min_length=1, title="Project", description="The Google Cloud project's id.")
    location: str = Field(
        "global", min_length=1, title="Location", description="The region of the builds; `global` by default."
    )
    branch: str = Field(
        "main", min_length=1, title="Branch", description="The branch whose commits are applied; `main` by default."
    )
    service_account: str | None = Field(
        None, min_length=1, title="Service account", description="The account that the builds run as."
    )
