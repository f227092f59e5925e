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
_ACTIVE = (DeploymentState.SUCCESS.value, DeploymentState.IN_PROGRESS.value)
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
                "transient_environment": deployment.transient,
            }
            standing = self.calls.once(
                "POST", f"{self.repository}/deployments", body, lambda: self._standing(deployment)
            )
        id = number(standing, "id")
        self._state(id, deployment)
        if (deployment.transient or deployment.production) and deployment.state is DeploymentState.SUCCESS:
            # GitHub itself ends only what went into an environment that stays and is not production.
            self.end(deployment.environment, f"Replaced by {deployment.commit[:12]}", but=id)
        return PostedDeployment(id, str(standing.get("url") or ""))

    def end(self, environment: str, description: str, but: int = 0) -> int:
        """Let none of our deployments into an environment count as active, but one; how many did."""
        found = self.calls.pages(f"{self.repository}/deployments", environment=environment)
        active = [id for id in (number(one, "id") for one in found if self._marked(one)) if id != but]
        active = [id for id in active if (self._newest(id) or {}).get("state") in _ACTIVE]
        for id in active:
            self._state(id, Deployment("", environment, "", DeploymentState.INACTIVE, description))
        return len(active)

    def _standing(self, deployment: Deployment) -> Found | None:
        path = f"{self.repository}/deployments"
        found = self.calls.pages(path, sha=deployment.commit, environment=deployment.environment)
        return next((one for one in found if self._ours(one, deployment.key)), None)

    def _ours(self, found: Found, key: str) -> bool:
        payload: Json = found.get("payload")
        return self._marked(found) and isinstance(payload, Mapping) and payload.get("mlopsctl") == short_key(key)

    def _marked(self, found: Found) -> bool:
        """Whether a deployment is one of ours, of whatever key."""
        payload: Json = found.get("payload")
        return isinstance(payload, Mapping) and "mlopsctl" in payload and self.identity.wrote(found.get("creator"))

    def _newest(self, id: int) -> Found | None:
        """The status that a deployment has now."""
        statuses = self.calls.pages(f"{self.repository}/deployments/{id}/statuses")
        return max(statuses, key=lambda one: number(one, "id"), default=None)

    def _state(self, id: int, deployment: Deployment) -> None:
        path = f"{self.repository}/deployments/{id}/statuses"
        wanted: Found = {
            "state": deployment.state.value,
            "description": deployment.description[:_MOST_DESCRIPTION],
            **({"environment_url": deployment.url} if deployment.url else {}),
        }

        def standing() -> Found | None:
            last = self._newest(id)
            return last if last is not None and _same(last, wanted) else None

        if standing() is None:
            # What stands is not told again for another log: the one that is there is of the job that did the work.
            log: Found = {"log_url": deployment.log_url} if deployment.log_url else {}
            inactivates = deployment.state is DeploymentState.SUCCESS
            self.calls.once("POST", path, {**wanted, **log, "auto_inactive": inactivates}, standing)


def _same(found: Found, wanted: Found) -> bool:
    return all((found.get(key) or "") == value for key, value in wanted.items())
