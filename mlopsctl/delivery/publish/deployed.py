"""What became of an environment with a commit, as a deployment: released, refused, failed, or rolled back to."""

from __future__ import annotations

from dataclasses import replace

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.environment import Status, status
from mlopsctl.delivery.previews import stands
from mlopsctl.delivery.stores import open_stores
from mlopsctl.forges.contract import Deployment, DeploymentState
from mlopsctl.metadata.records import EnvironmentState, Release, RunRecord


def read_deployment(loaded: Loaded, page: str = "") -> Deployment | None:
    """The deployment that the environment's records and live systems tell of; ``page`` is where its log is."""
    if loaded.preview_of and not stands(loaded):
        return None
    found = status(loaded)
    with open_stores(loaded) as stores:
        release = found.state.release
        released_by = stores.metadata.run(release.run) if release is not None else None
    told = deployment_of(loaded, found, released_by)
    return told if told is None else replace(told, log_url=page)


def end_deployments(loaded: Loaded) -> int:
    """Tell the forge that nothing of the environment is deployed any more; how many deployments that ended.

    Raises:
        UsageProblem: when no forge is named.
        ForgeProblem: when it refuses.
    """
    from mlopsctl.forges.opening import require_forge

    forge = require_forge()
    try:
        return forge.end_deployments(_where(loaded), f"{loaded.environment} is taken down")
    finally:
        forge.close()


def deployment_of(loaded: Loaded, status: Status, released_by: RunRecord | None) -> Deployment | None:
    """The deployment to tell of; ``None`` where nothing was run or released.

    Args:
        released_by: the run of the standing release, whose commit a rollback went back to.
    """
    state, run = status.state, status.run
    url = status.live.served_url if status.live.served_url.startswith(("http://", "https://")) else ""
    if state.hold and state.release is not None and released_by is not None:
        return _deployment(
            loaded, released_by.git.commit, f"rollback/{state.serial}", DeploymentState.SUCCESS,
            f"Rolled back to {_named(state.release)}: {state.hold}", url,
        )  # fmt: skip
    if run is None or run.state == "running" or not run.git.commit:
        return None
    release = state.release
    if release is not None and release.run == run.id:
        return _deployment(loaded, run.git.commit, run.id, DeploymentState.SUCCESS, f"Released {_named(release)}", url)
    if not run.exit_code and not _refused(status):
        return None
    why = "refused by a gate or a check" if _refused(status) else "the run failed"
    return _deployment(
        loaded, run.git.commit, run.id, DeploymentState.FAILURE, f"Nothing was released: {why}; {_standing(state)}", ""
    )


def _refused(status: Status) -> bool:
    return status.run is not None and status.run.exit_code in (3, 4)


def _standing(state: EnvironmentState) -> str:
    return f"{_named(state.release)} stays" if state.release is not None else "nothing is released"


def _named(release: Release) -> str:
    return f"{release.registry_name} version {release.registry_version} (release {release.number})"


def _deployment(
    loaded: Loaded, commit: str, key: str, state: DeploymentState, description: str, url: str
) -> Deployment:
    where = _where(loaded)
    return Deployment(
        commit=commit,
        environment=where,
        key=f"{where}/{key}",
        state=state,
        description=description,
        url=url,
        production=loaded.environment in ("prod", "production"),
        transient=bool(loaded.preview_of),
    )


def _where(loaded: Loaded) -> str:
    """The environment's name on the forge."""
    return f"{loaded.project.name}/{loaded.environment}"
