"""MLflow as this tool wants it: it reports to nobody, looks at nothing around it, and gives up in good time."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlopsctl.servers.quiet import QUIET

# MLflow's own 7 retries with growing pauses keep a person waiting for minutes before a server that is not there.
_PATIENCE: Mapping[str, str] = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Import and call MLflow inside this ``with`` block.

    Its environment variables stand before it is imported; what a user has set of its patience stays. Warnings about its
    own insides (deprecations in what it calls, hints on how to write models) are kept from the user.
    """
    os.environ.update(QUIET)
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    # Before the first import: it silences INFO lines (migrations, "View run at"), not warnings.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    # It says "Retrying" to whoever watches; what failed in the end is said once, by us.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    # Where MLflow was imported before.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
