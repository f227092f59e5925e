"""GitHub's own description of its REST API, as the generated models of githubkit, made strict.

A request may hold nothing that the description does not name; an answer is filled up with the least that the
description asks for, and must then be one that it allows.
"""

from __future__ import annotations

import importlib.util
import sys
import types
import typing
from datetime import datetime
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

_VERSION = "githubkit_schemas.v2026_03_10"
NOW = "2026-11-22T04:00:00Z"


def _without_client() -> None:
    """Let the models find the few helpers of githubkit that they need; its HTTP client is of no use here."""
    if "githubkit" not in sys.modules:
        found = importlib.util.find_spec("githubkit")
        assert found is not None, "githubkit is in the development environment"
        package = types.ModuleType("githubkit")
        package.__path__ = list(found.submodule_search_locations or ())
        sys.modules["githubkit"] = package


_without_client()


def model(group: int, name: str) -> type[BaseModel]:
    """A model by the generated file it stands in."""
    found: type[BaseModel] = getattr(import_module(f"{_VERSION}.models.group_{group:04}"), name)
    return found


_BODY = "ReposOwnerRepo"
REQUESTS: dict[str, tuple[type[BaseModel], ...]] = {
    "checks/create": (
        model(1395, f"{_BODY}CheckRunsPostBodyOneof0"),
        model(1396, f"{_BODY}CheckRunsPostBodyOneof1"),
    ),
    "checks/update": (
        model(1398, f"{_BODY}CheckRunsCheckRunIdPatchBodyAnyof0"),
        model(1399, f"{_BODY}CheckRunsCheckRunIdPatchBodyAnyof1"),
    ),
    "repos/create-commit-status": (model(1554, f"{_BODY}StatusesShaPostBody"),),
    "repos/create-deployment": (model(1431, f"{_BODY}DeploymentsPostBody"),),
    "repos/create-deployment-status": (model(1433, f"{_BODY}DeploymentsDeploymentIdStatusesPostBody"),),
    "issues/create": (model(1463, f"{_BODY}IssuesPostBody"),),
    "issues/update": (model(1466, f"{_BODY}IssuesIssueNumberPatchBody"),),
    "issues/create-comment": (model(1472, f"{_BODY}IssuesIssueNumberCommentsPostBody"),),
    "issues/update-comment": (model(1464, f"{_BODY}IssuesCommentsCommentIdPatchBody"),),
    "reactions/create-for-issue-comment": (model(1465, f"{_BODY}IssuesCommentsCommentIdReactionsPostBody"),),
    "pulls/create": (model(1508, f"{_BODY}PullsPostBody"),),
    "pulls/update": (model(1511, f"{_BODY}PullsPullNumberPatchBody"),),
}
"""The body of each operation that has one, by GitHub's operation id."""

CHECK_RUN = model(339, "CheckRun")
ANNOTATION = model(340, "CheckAnnotation")
STATUS = model(382, "Status")
COMMENT = model(51, "IssueComment")
ISSUE = model(53, "Issue")
PULL = model(476, "PullRequest")
PULL_SIMPLE = model(205, "PullRequestSimple")
DEPLOYMENT = model(317, "Deployment")
DEPLOYMENT_STATUS = model(401, "DeploymentStatus")
INSTALLATION = model(18, "Installation")
INSTALLATION_TOKEN = model(22, "InstallationToken")
REPOSITORY = model(222, "FullRepository")
REVIEW = model(312, "EnvironmentApprovals")
ARTIFACT = model(298, "Artifact")
ARTIFACTS = model(1353, "ReposOwnerRepoActionsRunsRunIdArtifactsGetResponse200")
PERMISSION = model(377, "RepositoryCollaboratorPermission")
REACTION = model(379, "Reaction")


def wrong(operation: str, body: Any) -> str:
    """Why GitHub's description does not allow a body; empty when it does."""
    said = ""
    for kind in REQUESTS[operation]:
        try:
            value = kind.model_validate(body)
        except ValidationError as error:
            said = said or str(error.errors()[0]["loc"]) + ": " + error.errors()[0]["msg"]
            continue
        unknown = _unknown(value, body)
        if not unknown:
            return ""
        said = f"{unknown} is not a permitted key."
    return said


def answer(kind: type[BaseModel], given: dict[str, Any]) -> dict[str, Any]:
    """The least answer of that kind with these values in it.

    Raises:
        AssertionError: when GitHub would never answer so; the double lies.
    """
    full = _merged(_least_model(kind), given)
    try:
        kind.model_validate(full)
    except ValidationError as error:
        raise AssertionError(f"the double lies about {kind.__name__}: {error}") from error
    return full


def _unknown(value: Any, given: Any) -> str:
    """The first key that the description does not name."""
    if isinstance(value, BaseModel) and isinstance(given, dict):
        if type(value).__name__.endswith("PropPayloadOneof0"):
            return ""
        known = {info.alias or name: name for name, info in type(value).model_fields.items()}
        for key, item in given.items():
            if key not in known:
                return str(key)
            if found := _unknown(getattr(value, known[key]), item):
                return found
    if isinstance(value, list) and isinstance(given, list):
        return next((found for one, item in zip(value, given, strict=True) if (found := _unknown(one, item))), "")
    return ""


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in over.items():
        there = found.get(key)
        found[key] = _merged(there, value) if isinstance(value, dict) and isinstance(there, dict) else value
    return found


def _least_model(kind: type[BaseModel]) -> dict[str, Any]:
    return {
        info.alias or name: _least(info.annotation) for name, info in kind.model_fields.items() if info.is_required()
    }


def _least(kind: Any) -> Any:
    origin = get_origin(kind)
    if origin is typing.Annotated:
        return _least(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        options = get_args(kind)
        return None if type(None) in options else _least(options[0])
    if origin is Literal:
        return get_args(kind)[0]
    if origin is list or kind is list:
        return []
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _least_model(kind)
    if isinstance(kind, type) and issubclass(kind, datetime):
        return NOW
    for plain in (False, 0, 0.0, ""):
        if kind is type(plain):
            return plain
    if origin is dict or kind is dict:
        return {}
    for guess in (None, "", {}, NOW):
        try:
            TypeAdapter(kind).validate_python(guess)
        except ValidationError:
            continue
        return guess
    raise AssertionError(f"no value of {kind}")


def answer_part(kind: type[BaseModel], field: str, given: dict[str, Any]) -> dict[str, Any]:
    """The least value of one field of an answer, where it is a thing of its own, with these values in it."""
    part = _model_in(kind.model_fields[field].annotation)
    assert part is not None, f"{field} of {kind.__name__} is no thing"
    full = _least_model(part)
    for key, value in given.items():
        info = part.model_fields.get(key)
        inner = _model_in(info.annotation) if info is not None and isinstance(value, dict) else None
        full[key] = value if inner is None else _merged(_least_model(inner), value)
    return full


def _model_in(kind: Any) -> type[BaseModel] | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((found for one in get_args(kind) if (found := _model_in(one)) is not None), None)
