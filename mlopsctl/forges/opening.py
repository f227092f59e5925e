"""The forge of this repository, from what the surroundings say: GitHub's own names of variables where it has them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.forges.calls import Calls
from mlopsctl.forges.contract import Forge, ForgeProblem, NoRights
from mlopsctl.forges.github import GitHubForge
from mlopsctl.forges.github_identity import Identity
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.ground.patience import Patience
from mlopsctl.ground.redact import register_secret

if TYPE_CHECKING:
    from github import Github
    from github.Auth import Auth

API = "https://api.github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}\Z")
_SECONDS = 30
_ACTIONS, _ACTIONS_APP = "github-actions[bot]", 15368


@dataclass(frozen=True, slots=True)
class Access:
    """Where the repository is, and with what we come.

    Attributes:
        token: a token; empty where an App's ``app_id`` and ``app_key`` (PEM, or the file with it) are given.
        in_actions: whether a workflow's own token is meant, which writes as ``github-actions[bot]``.
    """

    repository: str
    token: str = field(default="", repr=False)
    app_id: str = ""
    app_key: str = field(default="", repr=False)
    api: str = API
    in_actions: bool = False


def access(environ: Mapping[str, str] | None = None) -> Access | None:
    """What the environment variables say; nothing where they name no repository or no credentials.

    ``GITHUB_REPOSITORY`` names the repository; ``GITHUB_TOKEN`` is a token, or ``MLOPSCTL_GITHUB_APP_ID`` and
    ``MLOPSCTL_GITHUB_APP_KEY`` are an App; ``GITHUB_API_URL`` is another server than github.com.
    """
    given = os.environ if environ is None else environ
    repository, token = given.get("GITHUB_REPOSITORY", ""), given.get("GITHUB_TOKEN", "") or given.get("GH_TOKEN", "")
    app_id, app_key = given.get("MLOPSCTL_GITHUB_APP_ID", ""), given.get("MLOPSCTL_GITHUB_APP_KEY", "")
    if not repository or not (token or (app_id and app_key)):
        return None
    return Access(
        repository=repository,
        token="" if app_id and app_key else token,
        app_id=app_id,
        app_key=app_key,
        api=given.get("GITHUB_API_URL", "") or API,
        in_actions=given.get("GITHUB_ACTIONS", "") == "true",
    )


def run_page(environ: Mapping[str, str] | None = None) -> str:
    """The page of the workflow's run that we are in; empty outside a workflow."""
    given = os.environ if environ is None else environ
    server, repository, run = (given.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""


def require_forge(environ: Mapping[str, str] | None = None) -> Forge:
    """The forge that the environment variables name.

    Raises:
        UsageProblem: when they name none.
        ForgeProblem: when it does not let us in.
    """
    return open_forge(require_access(environ))


def require_access(environ: Mapping[str, str] | None = None) -> Access:
    """What the environment variables say, before anything is called.

    Raises:
        UsageProblem: when they name no repository or no credentials.
    """
    found = access(environ)
    if found is None:
        hint = "set GITHUB_REPOSITORY=owner/name, and GITHUB_TOKEN or MLOPSCTL_GITHUB_APP_ID with its _KEY"
        raise UsageProblem.because("no-forge", "no repository on a forge was named, or no credentials", hint=hint)
    return found


def open_forge(given: Access, patience: Patience | None = None) -> Forge:
    """The repository on GitHub.

    Raises:
        UsageProblem: when the name, the address or the App's key cannot be one.
        ForgeProblem: when GitHub does not let us in.
    """
    if not _REPOSITORY.match(given.repository):
        raise UsageProblem.because("forge-repository", f"{given.repository!r} is not a repository", hint="owner/name")
    if not given.api.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        hint = "GITHUB_API_URL begins with https://; plain http is only for this machine"
        raise UsageProblem.because("forge-address", f"{given.api!r} is no address of GitHub", hint=hint)
    register_secret(given.token)
    waits = patience or Patience()
    if given.app_id:
        return _as_app(given, waits)
    from github import Auth

    calls = Calls(_client(Auth.Token(given.token), given.api), waits)
    return GitHubForge(calls, given.repository, _identity(calls, given))


def _client(auth: Auth, api: str) -> Github:
    """A client without pauses and tries of its own: ours are the only ones."""
    from github import Github

    return Github(
        auth=auth, base_url=api.rstrip("/"), timeout=_SECONDS, retry=None, seconds_between_requests=0,
        seconds_between_writes=0, user_agent="mlopsctl",
    )  # fmt: skip


def _identity(calls: Calls, given: Access) -> Identity:
    """Who the token is: a person, or some bot that may not ask."""
    if given.in_actions:
        return Identity(app=_ACTIONS_APP if given.api == API else 0, login=_ACTIONS)
    try:
        user = calls.read("/user")
    except NoRights:
        return Identity()
    login = user.get("login") if isinstance(user, Mapping) else ""
    return Identity(login=str(login or ""))


def _as_app(given: Access, patience: Patience) -> Forge:
    """Signed in as the App on this repository, with a token of an hour for it alone."""
    from github import Auth
    from jwt import PyJWTError

    try:
        signed = Auth.AppAuth(given.app_id, _key(given.app_key)).create_jwt()
    except (PyJWTError, ValueError, TypeError) as error:
        hint = "MLOPSCTL_GITHUB_APP_KEY is the private key of the App: PEM text, or a file with it"
        raise UsageProblem.because("forge-key", "the App's private key cannot be read", hint=hint) from error
    app = Calls(_client(Auth.AppAuthToken(signed), given.api), patience)
    try:
        installed = app.read(f"/repos/{given.repository}/installation")
        if not isinstance(installed, Mapping):
            raise ForgeProblem.because("forge-answer", "GitHub did not say how the App is installed")
        name = given.repository.partition("/")[2]
        path = f"/app/installations/{installed.get('id')}/access_tokens"
        granted = app.once("POST", path, {"repositories": [name]}, lambda: None)
    finally:
        app.client.close()
    token = str(granted.get("token"))
    register_secret(token)
    calls = Calls(_client(Auth.Token(token), given.api), patience)
    identity = Identity(app=int(given.app_id), login=f"{installed.get('app_slug')}[bot]")
    return GitHubForge(calls, given.repository, identity)


def _key(key: str) -> str:
    if key.lstrip().startswith("-----BEGIN"):
        return key
    try:
        return Path(key).expanduser().read_text("utf-8")
    except OSError as error:
        raise UsageProblem.because("forge-key", f"cannot read the App's key: {error.strerror}") from error
