"""Calls to Cloud Build: what may be repeated is, a build is never begun twice, and what fails says what to do.

Over REST: an answer carries ``Retry-After``, and proxies understand it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from mlopsctl.ci.cloud_build import CloudBuild as Settings
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.objects.patience import Patience, passing
from mlopsctl.objects.problems import reason
from mlopsctl.orchestrators.specs.image import Image

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.devtools.cloudbuild_v1 import Build, CloudBuildClient

SECONDS = 60.0
"""How long one call may take."""

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LOGIN = "run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name a key file"
_LONGEST_WORDS = 600

Answer = TypeVar("Answer")


class CloudBuild:
    """The builds of one project and region."""

    def __init__(self, image: Image | Settings) -> None:
        if image.project is None:
            raise AssertionError("a project is asked for before Cloud Build is called")
        self._project = image.project
        self._url = image.api_endpoint or "https://cloudbuild.googleapis.com"
        # The global region has the older paths, which name the project alone.
        regional = image.location != "global"
        self._parent = f"projects/{image.project}/locations/{image.location}" if regional else ""
        self._where = {"parent": self._parent} if regional else {"project_id": image.project}

    def tagged(self, tag: str) -> tuple[Build, ...]:
        """The builds with this tag, newest first.

        Raises:
            StepProblem: when they cannot be read.
        """
        asked = {**self._where, "filter": f'tags="{tag}"'}

        def call() -> tuple[Build, ...]:
            found = self._client.list_builds(request=asked, retry=None, timeout=SECONDS)
            return tuple(build for build in found if tag in build.tags)

        return self._made(f"list builds in {self._project}", call)

    def get(self, id: str) -> Build:
        """A build as it stands now.

        Raises:
            StepProblem: when it cannot be read.
        """
        named = {"name": f"{self._parent}/builds/{id}"} if self._parent else {"project_id": self._project, "id": id}
        return self._made(
            f"look at build {id}", lambda: self._client.get_build(request=named, retry=None, timeout=SECONDS)
        )

    def create(self, build: dict[str, Any], attempt: str) -> Build:
        """Begin a build; ``attempt`` is a tag of it that no other build has.

        Raises:
            StepProblem: when it cannot be begun.
        """
        asked = {**self._where, "build": build}

        def call() -> Build:
            operation = self._client.create_build(request=asked, retry=None, timeout=SECONDS)
            found: Build = operation.metadata.build
            return found

        def done() -> Build | None:
            return next(iter(self.tagged(attempt)), None)

        return self._made(f"begin a build in {self._project}", call, done)

    def _made(self, doing: str, call: Callable[[], Answer], done: Callable[[], Answer | None] = lambda: None) -> Answer:
        """The answer, after some tries where that may help; ``done`` looks whether an earlier try took effect."""
        patience = Patience()
        while True:
            try:
                return call()
            except Exception as error:
                status = _status(error)
                if status is None:
                    raise
                again = patience.once_more(error)
                if again:
                    patience.pause(error)
                # Also after the last try: it may have taken effect.
                found = done() if passing(error) else None
                if found is not None:
                    return found
                if not again:
                    raise self._problem(doing, error, status, patience.tries) from error

    def _problem(self, doing: str, error: BaseException, status: int, tries: int) -> Problem:
        host = urlsplit(self._url).netloc
        often = f" ({tries} tries)" if tries > 1 else ""
        if not status:
            what = f"cannot {doing}: {host} cannot be reached: {_short(reason(error))}{often}"
            return StepProblem.because("cloud-build", what, hint=self._hint(error, status))
        said = _short(str(getattr(error, "message", "") or error))
        what = f"cannot {doing}: {host} answers {status}{often}: {said}"
        return StepProblem.because("cloud-build", what, hint=self._hint(error, status))

    def _hint(self, error: BaseException, status: int) -> str:
        from google.auth.exceptions import DefaultCredentialsError, RefreshError

        if status == 401 or isinstance(error, DefaultCredentialsError | RefreshError):
            return _LOGIN
        if status == 403:
            return (
                f"give these credentials the role roles/cloudbuild.builds.editor in {self._project}, and enable the "
                f"API: `gcloud services enable cloudbuild.googleapis.com --project {self._project}`"
            )
        if status == 404:
            return f"check `project` ({self._project}) and `location` of the image"
        if status == 429:
            return f"wait and push again, or raise the quota of {self._project}"
        if status and status < 500:
            return "correct what the answer names, and push again"
        return "push again later; a build that was begun is found again"

    @cached_property
    def _client(self) -> CloudBuildClient:
        import google.auth
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.devtools.cloudbuild_v1 import CloudBuildClient

        if self._url.startswith("http://"):
            credentials: Credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # a token goes over TLS only
        else:
            credentials, _ = google.auth.default(scopes=[_SCOPE])
        return CloudBuildClient(credentials=credentials, transport="rest", client_options={"api_endpoint": self._url})


def _status(error: BaseException) -> int | None:
    """The HTTP status of an answer, 0 where there was none; ``None`` for what is no failure of a call."""
    import requests
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, GoogleAPICallError):
        return int(error.code or 0)
    return 0 if isinstance(error, requests.RequestException | ConnectionError | GoogleAuthError) else None


def _short(said: str) -> str:
    return printable(" ".join(said.split()))[:_LONGEST_WORDS].rstrip(".")
