"""The Google credentials of this machine, as Airflow's API is asked with them.

Cloud Composer takes an OAuth token; an Airflow behind the Identity-Aware Proxy an ID token that is made for it. Both
end after an hour and are renewed while a run is followed.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import register_secret
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LONGEST_WORDS = 300


class GoogleSignIn:
    """Tokens for one Airflow; with an audience they are good for nothing else."""

    def __init__(self, audience: str | None) -> None:
        self._audience = audience

    def token(self, doing: str) -> str:
        """A token that is good now.

        Raises:
            StepProblem: when this machine has no credentials, or they do not work.
        """
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            if not self._credentials.valid:
                self._credentials.refresh(Request())  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            why = printable(str(error.args[0] if error.args else error))[:_LONGEST_WORDS]
            raise StepProblem.because(
                "airflow-credentials",
                f"cannot {doing}: the Google credentials of this machine do not work: {why}",
                hint="run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name a key "
                "file; for an `audience` it must be a service account's",
            ) from error
        token = str(self._credentials.token)
        register_secret(token)
        return token

    @cached_property
    def _credentials(self) -> Credentials:
        import google.auth
        from google.auth.transport.requests import Request
        from google.oauth2 import id_token

        if self._audience is not None:
            made: Credentials = id_token.fetch_id_token_credentials(self._audience, Request())  # type: ignore[no-untyped-call]
            return made
        found, _ = google.auth.default(scopes=[_SCOPE])
        return found
