"""Where Airflow reads DAGs from: a folder, a bucket of Cloud Composer, or a git repository that is a DAG bundle."""

from __future__ import annotations

import re
from typing import Annotated, Self, TypeAlias

from pydantic import Field, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator, model_validator

from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import RelativePath, SecretRef, refusal

_BUCKET = "gs://"
_BUCKET_FOLDER = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[A-Za-z0-9._-]+)*/?", re.ASCII)
_REPOSITORY = r"^(https?://[^\s@]+|ssh://[A-Za-z0-9][^\s]*|file:///\S+|/[^\x00-\x1f]+|[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s:]\S*)$"
_PERSON = r"^[^<>\x00-\x1f]*[^<>\x00-\x20][^<>\x00-\x1f]* <[^<>\s]+@[^<>\s]+>$"
_BAD_BRANCH = re.compile(r"\.\.|//|@\{|\.lock(/|$)|(^|/)\.|[/.]$|^[-/]|^@$")


def _place(value: str, inner: ValidatorFunctionWrapHandler) -> str:
    """A folder of the project, or a folder of a bucket without a slash at its end."""
    if not str(value).startswith(_BUCKET):
        return str(inner(value))
    if not _BUCKET_FOLDER.fullmatch(value) or any(part in (".", "..") for part in value.split("/")):
        hint = "write it like gs://europe-west3-composer-1a2b-bucket/dags, as Composer shows it"
        raise refusal("bad-url", "this is not a folder of a bucket", hint)
    return value.rstrip("/")


class GitDags(Spec):
    """A git repository that Airflow reads DAGs from: a DAG bundle of Airflow 3, or a checkout that is kept fresh."""

    repository: str = Field(
        pattern=_REPOSITORY,
        title="Repository",
        description="Where it is pushed to: `https://…`, `ssh://…`, `git@host:path`, or an absolute path.",
    )
    branch: str = Field(
        "main", pattern=r"^[A-Za-z0-9._/@+-]{1,200}$", title="Branch", description="The branch that Airflow follows."
    )
    folder: RelativePath = Field(
        ".", title="Folder", description="The folder of the repository that holds DAGs; its root by default."
    )
    author: str = Field(
        "mlopsctl <mlopsctl@localhost.localdomain>",
        pattern=_PERSON,
        title="Author",
        description="Who stands in the commits as their author: `Name <address>`.",
    )
    committer: str | None = Field(
        None, pattern=_PERSON, title="Committer", description="Who stands in them as committer; the author by default."
    )
    token: SecretRef | None = Field(
        None,
        title="Token",
        description="The password or access token for an `https://` repository, as a secret; by default what git "
        "knows itself.",
    )
    user: str = Field(
        "x-access-token",
        pattern=r"^[^\s:]{1,100}$",
        title="User",
        description="The user's name that goes with the token; the one GitHub asks for by default.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if _BAD_BRANCH.search(self.branch):
            message = f"{self.branch!r} is not the name of a branch"
            raise refusal("bad-branch", message, "write it like main, without refs/heads/", "branch")
        if self.token is not None and not self.repository.startswith(
            ("https://", "http://127.0.0.1", "http://localhost")
        ):
            message = "a token is only sent to an https:// repository"
            raise refusal(
                "token-in-the-clear", message, "name the repository by https://, or take the token out", "token"
            )
        return self


DagsText: TypeAlias = Annotated[
    RelativePath,
    WrapValidator(_place),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "description": "A folder below the project's, or a bucket's.",
            "examples": ["build/dags", "gs://europe-west3-composer-1a2b-bucket/dags"],
        }
    ),
]
Dags: TypeAlias = DagsText | GitDags


def is_bucket(dags: Dags) -> bool:
    """Whether DAGs lie in a bucket."""
    return isinstance(dags, str) and dags.startswith(_BUCKET)


def is_folder(dags: Dags) -> bool:
    """Whether DAGs lie in a folder of the project."""
    return isinstance(dags, str) and not is_bucket(dags)
