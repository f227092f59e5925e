"""Deployments and commit statuses: what was brought where, and the small form of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlopsctl.forges.calls import Calls, Found
from mlopsctl.forges.contract import CommitStatus, Conclusion, Deployment, DeploymentState, PostedDeployment
from mlopsctl.forges.github_identity import Identity, short_key
from mlopsctl.forges.github_talk import number
from mlopsctl.ground.digest import Json

_MOST_DESCRIPTION = 140
_STATES = {Conclusion.SUCCESS: "success", Conclusion.FAILURE: "failure", Conclusion.ACTION_REQUIRED: "error"}


@dataclass(frozen=True, slots=True)
class Deployments:
    """The deployments and statuses of a repository (``/repos/owner/name``)."""

    calls: Calls
    repository: str
    identity: Identity

    def set_status(self, status: CommitStatus) -> None:
        """Set the status of a context, where the newest of that context does not say so already."""
        wanted: Found = {
            "state": _STATES[status.conclusion],
            "context": status.context,
            "description": status.description[:_MOST_DESCRIPTION],
            **({"target_url": status.url} if status.url else {}),
        }

        def standing() -> Found | None:
            statuses = self.calls.pages(f"{self.repository}/commits/{status.commit}/statuses")
            newest = next((one for one in statuses if one.get("context") == status.context), None)
            return newest if newest is not None and _same(newest, wanted) else None

        if standing() is None:
            self.calls.once("POST", f"{self.repository}/statuses/{status.commit}", wanted, standing)

    def deploy(self, deployment: Deployment) -> PostedDeployment:
        """Let one deployment of this key stand, in this state."""
        standing = self._standing(deployment)
        if standing is None:
            body: Found = {
                "ref": deployment.commit,
                "environment": deployment.environment,
                "description": deployment.description[:_MOST_DESCRIPTION],
                "payload": {"mlopsctl": short_key(deployment.key)},
                "auto_merge": False,
                "required_contexts": [],
                "production_environment": deployment.production,
            }
            standing = self.calls.once(
                "POST", f"{self.repository}/deployments", body, lambda: self._standing(deployment)
            )
        self._state(number(standing, "id"), deployment)
        return PostedDeployment(number(standing, "id"), str(standing.get("url") or ""))

    def _standing(self, deployment: Deployment) -> Found | None:
        path = f"{self.repository}/deployments"
        found = self.calls.pages(path, sha=deployment.commit, environment=deployment.environment)
        return next((one for one in found if self._ours(one, deployment.key)), None)

    def _ours(self, found: Found, key: str) -> bool:
        payload: Json = found.get("payload")
        marked = isinstance(payload, Mapping) and payload.get("mlopsctl") == short_key(key)
        return marked and self.identity.wrote(found.get("creator"))

    def _state(self, id: int, deployment: Deployment) -> None:
        path = f"{self.repository}/deployments/{id}/statuses"
        wanted: Found = {
            "state": deployment.state.value,
            "description": deployment.description[:_MOST_DESCRIPTION],
            **({"environment_url": deployment.url} if deployment.url else {}),
            **({"log_url": deployment.log_url} if deployment.log_url else {}),
        }

        def newest() -> Found | None:
            last = max(self.calls.pages(path), key=lambda one: number(one, "id"), default=None)
            return last if last is not None and _same(last, wanted) else None

        if newest() is None:
            inactivates = deployment.state is DeploymentState.SUCCESS
            self.calls.once("POST", path, {**wanted, "auto_inactive": inactivates}, newest)


def _same(found: Found, wanted: Found) -> bool:
    return all((found.get(key) or "") == value for key, value in wanted.items())
