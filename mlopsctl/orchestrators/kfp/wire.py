"""Calls to the server, each with a deadline, tried again where that is safe; through ``kfp.Client`` only.

The client is held to what ``mlops.yaml`` says. Left to itself it would also read ``~/.config/kfp/context.json``,
variables named ``KF_PIPELINES_…``, kubeconfig and the pod it runs in; it would ask ``healthz`` while it is made, write
links to the standard output, wait without end, and follow a redirect to the page of a sign-in.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.patience import Patience
from mlopsctl.ground.secrets import secret_value
from mlopsctl.orchestrators.kfp.problems import Failure, answered, not_the_api, problem, unanswered
from mlopsctl.orchestrators.specs.kfp import Kubeflow

if TYPE_CHECKING:
    import kfp
    import kfp_server_api

_CONNECT, _READ = 10.0, 60.0
"""Seconds until a connection stands, and between two pieces of an answer."""

_CONFLICT, _MISSING = 409, 404


class Raw(Protocol):
    """An answer as it came."""

    @property
    def data(self) -> bytes: ...


Ask = Callable[["kfp.Client", Mapping[str, object]], Raw]
"""One call: the client, and the arguments that every call is given (its deadline)."""

Done = Callable[[], "Mapping[str, Json] | None"]
"""What a call would have made, if it is there already."""


class Wire:
    """The way to one server."""

    def __init__(
        self, settings: Kubeflow, patience: Patience | None = None, ambient: Mapping[str, str] = os.environ
    ) -> None:
        self._settings, self._ambient = settings, ambient
        self._patience = patience or Patience()
        self._client: kfp.Client | None = None

    def read(self, call: str, ask: Ask) -> Mapping[str, Json]:
        """Ask for something; ``call`` says what, as in «cannot …».

        Raises:
            StepProblem: when no answer came, or one that is no success.
        """
        return self._insist(call, ask) or {}

    def find(self, call: str, ask: Ask) -> Mapping[str, Json] | None:
        """Ask for one thing by its id; ``None`` where there is none."""
        return self._insist(call, ask, missing=True)

    def write(self, call: str, ask: Ask, done: Done = lambda: None) -> Mapping[str, Json]:
        """Change something. After a try whose outcome is not known, ``done`` looks for what it would have made.

        Returns:
            the answer, or what ``done`` found.
        """
        return self._insist(call, ask, done) or {}

    def delete(self, call: str, ask: Ask) -> None:
        """Remove something; that it is gone already is as good."""
        self._insist(call, ask, missing=True)

    def _insist(
        self, call: str, ask: Ask, done: Done = lambda: None, *, missing: bool = False
    ) -> Mapping[str, Json] | None:
        """Try until there is an answer; ``None`` where the thing itself is missing and ``missing`` allows that."""
        for tried in range(1, self._patience.tries + 1):
            try:
                return self._once(call, ask)
            except Failure as failure:
                if failure.status == _MISSING and missing:
                    return None
                again = failure.passing and tried < self._patience.tries
                if again:
                    self._patience.pause(tried, failure.asked)
                # A conflict may be with what an earlier try made, whose answer was lost.
                found = done() if failure.passing or failure.status == _CONFLICT else None
                if found is not None:
                    return found
                if not again:
                    raise problem(call, self._settings, failure, tried) from None
        raise AssertionError("the last try returns or raises")

    def _once(self, call: str, ask: Ask) -> Mapping[str, Json]:
        client = self._connected()
        import kfp_server_api
        import urllib3

        try:
            raw = ask(client, {"_preload_content": False, "_request_timeout": (_CONNECT, _READ)}).data
        except kfp_server_api.ApiException as error:
            raise _failure(error) from error
        except (AttributeError, UnicodeDecodeError) as error:
            # The client stumbles over its own error where that has no body, or one that is not UTF-8.
            if not isinstance(error.__context__, kfp_server_api.ApiException):
                raise
            raise _failure(error.__context__) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unanswered(error) from error
        try:
            answer = json.loads(raw) if raw.strip() else {}
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise not_the_api(call, self._settings, raw.decode("utf-8", "replace"))
        return answer

    def _connected(self) -> kfp.Client:
        if self._client is None:
            self._client = _client(self._settings, self._ambient)
        return self._client


def _failure(error: kfp_server_api.ApiException) -> Failure:
    if not error.status:
        return Failure(0, str(error.reason).rpartition("\n")[2], passing=False)
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else str(error.body or "")
    return answered(int(error.status), body, dict(error.headers or {}))


def _client(settings: Kubeflow, ambient: Mapping[str, str]) -> kfp.Client:
    """The vendor's client, with our configuration instead of its surroundings'."""
    try:
        with warnings.catch_warnings():
            # It warns of servers before version 2, on every start.
            warnings.simplefilter("ignore")
            import kfp
            import kfp_server_api
    except ImportError as error:
        raise StepProblem.because(
            "kfp-not-installed",
            f"Kubeflow Pipelines is not asked, for its client is not installed: {error}",
            hint="pip install 'mlopsctl[kfp]'",
        ) from error

    configuration = kfp_server_api.Configuration(host=settings.host.rstrip("/"))
    # We try again ourselves; the library below would, without end to what it waits, and only for some calls.
    configuration.retries = False
    if settings.certificates:
        configuration.ssl_ca_cert = settings.certificates
    if settings.token:
        variable = settings.token

        def renewed(asked: kfp_server_api.Configuration) -> None:
            # Read for every call: where it is a file, it may have been renewed.
            asked.api_key["authorization"] = secret_value(variable, ambient)

        configuration.api_key_prefix["authorization"] = "Bearer"
        configuration.refresh_api_key_hook = renewed
        renewed(configuration)

    class Client(kfp.Client):  # type: ignore[misc] # the vendor ships no types
        def _load_config(self, *_: object) -> kfp_server_api.Configuration:
            return configuration

        def _load_context_setting_or_default(self) -> None:
            self._context_setting = {"namespace": settings.namespace or ""}

        def get_kfp_healthz(self, sleep_duration: int = 5) -> kfp_server_api.V2beta1GetHealthzResponse:
            return kfp_server_api.V2beta1GetHealthzResponse(multi_user=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Client(host=configuration.host)
