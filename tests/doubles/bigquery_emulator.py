"""An emulator of BigQuery on the loopback address, from an environment of its own: ``.venvs/bigquery``.

It runs SQL on DuckDB. Right: tables, views, SELECT, bound parameters, paging, ``FARM_FINGERPRINT``, exports to a folder
that stands for Cloud Storage. Other than BigQuery: a dry run says 0 bytes and names no tables, and
``TO_JSON_STRING`` writes floats, timestamps, large numbers and some control characters in another way.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
INTERPRETER = CHECKOUT / ".venvs" / "bigquery" / "bin" / "python"
MISSING = (
    f"the emulator of BigQuery is not installed: fill {INTERPRETER.parents[1].name} from requirements/bigquery.txt"
)
PROJECT = "demo-project"
_SECONDS_TO_START = 60


@contextlib.contextmanager
def emulator(work: Path, storage: Path | None = None) -> Iterator[str]:
    """A running emulator; its base URL, for ``BIGQUERY_EMULATOR_HOST``.

    Args:
        work: a folder for its log.
        storage: the folder that stands for ``gs://``: one folder a bucket.
    """
    rest, grpc = _free_port(), _free_port()
    script = Path(__file__).with_name("bigquery_emulator_main.py")
    command = [str(INTERPRETER), "-P", str(script), "start", "--rest-port", str(rest), "--grpc-port", str(grpc)]
    environment = {"PATH": os.defpath, "HOME": str(work), "TMPDIR": str(work), "TZ": "UTC"}
    if storage is not None:
        environment["BQEMU_GCS_LOCAL_ROOT"] = str(storage)
    with (work / "bigquery.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--project", PROJECT, "--log-level", "error"], env=environment, stdout=log, stderr=log, cwd=work
        )
    base = f"http://127.0.0.1:{rest}"
    try:
        _wait(process, f"{base}/readyz", work / "bigquery.log")
        yield base
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the emulator of BigQuery did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
