"""What BigQuery and Cloud Storage say when they do not answer, told with the call, the project and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import printable

_LONGEST = 500
_PASSING = frozenset({"rateLimitExceeded", "backendError", "internalError", "jobBackendError", "jobInternalError"})
_PASSING_CODES = frozenset({408, 429, 500, 502, 503, 504})
_QUOTA = frozenset({"quotaExceeded", "rateLimitExceeded", "jobRateLimitExceeded", "resourcesExceeded"})
_SIGN_IN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"


@contextmanager
def told(doing: str, project: str) -> Iterator[None]:
    """Turn what the client raises into problems.

    Args:
        doing: what is asked for and by which call, such as ``run the query (jobs.insert)``.
        project: the project that asks.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except GoogleAuthError as why:
        message = f"BigQuery cannot be asked to {doing}: there are no credentials that work: {_cut(str(why))}"
        raise StepProblem.because("no-credentials", message, hint=_SIGN_IN) from why
    except (GoogleAPIError, RequestException, ConnectionError, TimeoutError) as why:
        raise _problem(doing, project, why) from why


def passes(why: BaseException) -> bool:
    """Whether the same call may succeed in a moment: too many at once, a broken server, a cut connection."""
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import TransportError
    from requests.exceptions import ChunkedEncodingError, SSLError, Timeout
    from requests.exceptions import ConnectionError as Unreachable

    if isinstance(why, GoogleAPICallError):
        reason = reason_of(why)
        return reason in _PASSING or (why.code in _PASSING_CODES and reason not in _QUOTA)
    if isinstance(why, SSLError):
        return False
    return isinstance(why, Unreachable | ChunkedEncodingError | Timeout | ConnectionError | TransportError)


def reason_of(why: BaseException) -> str:
    """BigQuery's own word for what is wrong, such as ``accessDenied``; empty when it gave none."""
    errors = getattr(why, "errors", None) or ()
    first = errors[0] if errors else None
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _problem(doing: str, project: str, why: BaseException) -> StepProblem:
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    if isinstance(why, RetryError) and why.cause is not None:
        why = why.cause
    reason = reason_of(why)
    code = int(why.code or 0) if isinstance(why, GoogleAPICallError) else 0
    said = f"BigQuery did not {doing} for the project {project}: {_said(why)}"
    if reason == "bytesBilledLimitExceeded":
        hint = "raise `max_bytes_billed`, or read less: name columns, bound the partitions"
        return StepProblem.because("over-budget", said, hint=hint)
    if reason in _QUOTA or code == 429:
        hint = f"wait, or raise the quota of the project {project} in the console under IAM & Admin, Quotas"
        return StepProblem.because("quota-exceeded", said, hint=hint)
    if code == 401:
        return StepProblem.because("no-credentials", said, hint=_SIGN_IN)
    if code == 403:
        hint = (
            f"whoever runs this needs roles/bigquery.jobUser on the project {project} and roles/bigquery.dataViewer on "
            f"the data{', and roles/storage.objectAdmin on the bucket' if doing.startswith('export') else ''}; "
            "`gcloud auth list` shows who that is"
        )
        return StepProblem.because("permission-denied", said, hint=hint)
    if code == 404:
        hint = "check the names; when the data lies elsewhere than in the US, say where with `location`"
        return StepProblem.because("missing-data", said, hint=hint)
    if 400 <= code < 500 and code not in _PASSING_CODES:
        return StepProblem.because("bad-query", said, hint="correct the query; try it in the console of BigQuery first")
    hint = "check the network and status.cloud.google.com, and run again; what was started is not started twice"
    return StepProblem.because("no-service", said, hint=hint)


def _said(why: BaseException) -> str:
    """The message without the request's address and the job's number behind it."""
    errors = getattr(why, "errors", None) or ()
    first = errors[0] if errors else None
    own = first.get("message") if isinstance(first, dict) else None
    text = str(own or getattr(why, "message", "")) or str(why) or type(why).__name__
    return _cut(text.split("\n\nLocation:")[0])


def _cut(text: str) -> str:
    shown = printable(redact(" ".join(text.split())))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
