"""GitHub Actions as the CI provider."""

from typing import ClassVar, Literal

from pydantic import Field

from mlopsctl.ground.model import Spec


class GitHubActions(Spec):
    """Workflows under ``.github/workflows`` that plan pull requests and apply what was merged."""

    not_yet: ClassVar[str] = "GitHub Actions workflows"
    blocking: ClassVar[bool] = False

    kind: Literal["github_actions"] = Field(title="Kind", description="Generate GitHub Actions workflows.")
    branch: str = Field(
        "main", min_length=1, title="Branch", description="The branch whose commits are applied; `main` by default."
    )
    runner: str = Field(
        "ubuntu-latest",
        min_length=1,
        title="Runner",
        description="The label of the runner; `ubuntu-latest` by default.",
    )
    python: str = Field(
        "3.12",
        pattern=r"^3\.[0-9]{1,2}$",
        title="Python",
        description="The Python version of the jobs, quoted: '3.12' by default.",
    )
