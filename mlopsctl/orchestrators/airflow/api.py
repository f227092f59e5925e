"""Airflow's REST API: version 2 of Airflow 3, and version 1 of Airflow 2, by the same few calls.

Which of them it is, the answers tell: Airflow 2 has no version 2, and Airflow 3 no version 1. Each call has a deadline.
Calls are tried again when Airflow is busy or the line breaks: a write carries a name of ours, so that the same write
twice is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.patience import PASSING, Patience, seconds_asked
from mlopsctl.ground.redact import register_secret
from mlopsctl.ground.secrets import secret_value
from mlopsctl.ground.text import printable
from mlopsctl.orchestrators.airflow.api_sign_in import GoogleSignIn
from mlopsctl.orchestrators.specs import Airflow

if TYPE_CHECKING:
    import requests

_DEADLINE = (10.0, 60.0)
"""Seconds until a connection stands, and between two pieces of an answer."""

_LONGEST_WORDS = 400
_PAGE = 100
"""As many as Airflow gives at once, unless it is told otherwise."""

_UNKNOWN, _MISSING, _CONFLICT = 401, 404, 409


class Api:
    """One Airflow, asked in the name of one user."""

    def __init__(self, settings: Airflow, patience: Patience | None = None) -> None:
        if settings.url is None:
            raise AssertionError("an API without an address")
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._patience = patience or Patience()
        self._session: requests.Session | None = None
        self._google = GoogleSignIn(settings.audience) if settings.auth == "google" else None
        self.version = 0

    def find(self, doing: str, path: str, **query: str) -> Mapping[str, Json] | None:
        """What stands at a path below the API's root; ``None`` where there is nothing.

        Args:
            doing: what is done, as in «cannot …».

        Raises:
            StepProblem: when Airflow does not answer, or refuses.
        """
        return self._call(doing, "GET", path, query=query, missing=True)

    def read(self, doing: str, path: str, **query: str) -> Mapping[str, Json]:
        """The same for what must be there."""
        return self._call(doing, "GET", path, query=query) or {}

    def listed(self, doing: str, path: str, field: str) -> Iterator[Mapping[str, Json]]:
        """Every element of a list that must be there, page by page."""
        offset = 0
        while True:
            found = self.read(doing, path, limit=str(_PAGE), offset=str(offset))
            page = mappings(found.get(field))
            yield from page
            offset += len(page)
            total = found.get("total_entries")
            if not page or not isinstance(total, int) or offset >= total:
                return

    def change(self, doing: str, path: str, content: Json) -> Mapping[str, Json]:
        """Set fields of a thing; the same again changes nothing."""
        return self._call(doing, "PATCH", path, content=content) or {}

    def make(self, doing: str, path: str, content: Json) -> Mapping[str, Json] | None:
        """Make a thing with a name of ours; ``None`` where there is one of that name already."""
        return self._call(doing, "POST", path, content=content, taken=True)

    def answering(self, doing: str) -> int:
        """The version of the API that answers: 2 of Airflow 3, 1 of Airflow 2."""
        self._connected(doing)
        return self.version

    @staticmethod
    def name(text: str) -> str:
        """A name as a part of a path."""
        return quote(text, safe="")

    def _call(
        self,
        doing: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: Json = None,
        missing: bool = False,
        taken: bool = False,
    ) -> Mapping[str, Json] | None:
        session = self._connected(doing)
        url = f"{self._url}/api/v{self.version}/{path}"
        answer = self._insist(session, doing, method, url, query, content)
        if answer.status_code == _UNKNOWN and self._gets_token:
            # A token that was given for a password ends after a day; a run may take longer.
            self._sign_in(session, doing)
            answer = self._insist(session, doing, method, url, query, content)
        if (answer.status_code == _MISSING and missing) or (answer.status_code == _CONFLICT and taken):
            return None
        return self._content(doing, answer)

    def _connected(self, doing: str) -> requests.Session:
        """A session with credentials, and the version that answers."""
        if self._session is not None:
            return self._session
        import requests

        session = requests.Session()
        # Neither ~/.netrc nor a proxy's environment speaks for the user.
        session.trust_env = False
        if self._settings.token is not None:
            session.headers["Authorization"] = f"Bearer {secret_value(self._settings.token.secret)}"
        for version in (2, 1):
            self.version = version
            if version == 1 and self._settings.username and self._settings.password:
                session.auth = (self._settings.username, secret_value(self._settings.password.secret))
            answer = self._insist(session, doing, "GET", f"{self._url}/api/v{version}/version")
            if answer.status_code != _MISSING:
                break
        self._content(doing, answer)
        if self._gets_token:
            self._sign_in(session, doing)
        self._session = session
        return session

    @property
    def _gets_token(self) -> bool:
        """Whether the API itself gives the token: Airflow 3 does, where the project has none."""
        return self.version != 1 and self._google is None and self._settings.token is None

    def _sign_in(self, session: requests.Session, doing: str) -> None:
        """Get a token for the user's password; an Airflow for one user gives one to whoever asks."""
        settings, url = self._settings, f"{self._url}/auth/token"
        session.headers.pop("Authorization", None)
        if settings.username and settings.password:
            who: Json = {"username": settings.username, "password": secret_value(settings.password.secret)}
            answer = self._insist(session, "sign in to Airflow", "POST", url, content=who)
        else:
            answer = self._insist(session, "sign in to Airflow", "GET", url)
        token = self._content(doing, answer).get("access_token") if answer.status_code != _MISSING else ""
        if not isinstance(token, str) or not token:
            raise StepProblem.because(
                "airflow-credentials", f"cannot {doing}: {self._host} wants to know who asks", hint=_SIGN_IN
            )
        register_secret(token)
        session.headers["Authorization"] = f"Bearer {token}"

    def _insist(
        self,
        session: requests.Session,
        doing: str,
        method: str,
        url: str,
        query: Mapping[str, str] | None = None,
        content: Json = None,
    ) -> requests.Response:
        """Ask until there is an answer that is more than «later»."""
        import requests

        tried = 0
        while True:
            tried += 1
            if self._google is not None:
                session.headers["Authorization"] = f"Bearer {self._google.token(doing)}"
            try:
                answer = session.request(
                    method, url, params=query, json=content, timeout=_DEADLINE, allow_redirects=False
                )
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                if tried == self._patience.tries:
                    raise self._unreachable(doing, error, tried) from error
                self._patience.pause(tried)
                continue
            if answer.status_code not in PASSING or tried == self._patience.tries:
                return answer
            self._patience.pause(tried, seconds_asked(answer.headers.get("Retry-After", "")))

    def _content(self, doing: str, answer: requests.Response) -> Mapping[str, Json]:
        if not answer.ok or 300 <= answer.status_code < 400:
            raise self._refused(doing, answer)
        try:
            found = answer.json() if answer.content else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StepProblem.because(
                "airflow-not-the-api",
                f"cannot {doing}: {self._host} answers with something else than the API does",
                hint="orchestrator.url is the address of Airflow's own pages, without /api",
            )
        return found

    @property
    def _host(self) -> str:
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def _unreachable(self, doing: str, error: Exception, tries: int) -> StepProblem:
        why = printable(str(error.args[0] if error.args else error).rpartition(">: ")[2] or str(error))[:_LONGEST_WORDS]
        return StepProblem.because(
            "airflow-unreachable",
            f"cannot {doing}: {self._host} cannot be reached: {why} ({tries} tries)",
            hint="check orchestrator.url, and that Airflow's API server runs and this machine reaches it",
        )

    def _refused(self, doing: str, answer: requests.Response) -> StepProblem:
        status = answer.status_code
        said = printable(" ".join(_words(answer).split()))[:_LONGEST_WORDS]
        id, hint = "airflow-refused", "its API server's log says more"
        if status in (_UNKNOWN, 302, 303, 307):
            id, hint = "airflow-credentials", self._who_asks()
        elif status == 403:
            id, hint = "airflow-permission", "let this user edit DAGs and DAG runs"
            if self.version == 1:
                # Airflow 2 takes who gives a wrong password for nobody in particular.
                hint = f"{hint}; {self._who_asks()}"
        elif status == _MISSING:
            id, hint = "airflow-not-found", "orchestrator.url is the address of Airflow's own pages, without /api"
        elif status in PASSING:
            id, hint = "airflow-busy", "run the same command again; what is done already is not done twice"
        return StepProblem.because(
            id, f"cannot {doing}: {self._host} answers {status}{f': {said}' if said else ''}", hint=hint
        )

    def _who_asks(self) -> str:
        """What to do where Airflow does not know who asks."""
        settings = self._settings
        if self._google is not None:
            return "let the credentials of this machine into Airflow: on Composer the role roles/composer.user"
        if settings.token is not None:
            return f"the token in {settings.token.secret} is not, or no longer, good there; make a new one"
        if settings.username and self.version == 1:
            return "check the password; Airflow 2 takes one only if its [api] auth_backends names basic_auth"
        return "check orchestrator.username and orchestrator.password" if settings.username else _SIGN_IN


_SIGN_IN = (
    "give orchestrator.username and orchestrator.password, or orchestrator.token (both name secrets: {secret: NAME}), "
    "or on Cloud Composer orchestrator.auth: google"
)


def mappings(value: Json) -> list[Mapping[str, Json]]:
    """The mappings among the elements of a list; none where it is no list."""
    listed = value if isinstance(value, list | tuple) else ()
    return [one for one in listed if isinstance(one, Mapping)]


def _words(answer: requests.Response) -> str:
    """What an error's body says: version 2 says ``detail``, version 1 ``detail`` or ``title``."""
    try:
        read = json.loads(answer.text)
    except ValueError:
        return "" if answer.text.lstrip().startswith("<") else answer.text
    if isinstance(read, dict):
        for key in ("detail", "title", "message"):
            if read.get(key):
                return read[key] if isinstance(read[key], str) else json.dumps(read[key])
    return answer.text
