"""CI providers: whose workflow files are generated. One file a kind."""

from typing import Annotated, TypeAlias

from pydantic import Field

from mlopsctl.ci.cloud_build import CloudBuild
from mlopsctl.ci.github_actions import GitHubActions

Ci: TypeAlias = Annotated[GitHubActions | CloudBuild, Field(discriminator="kind")]

__all__ = ["Ci", "CloudBuild", "GitHubActions"]
