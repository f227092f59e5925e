"""A real Airflow for tests: its API server, scheduler and DAG processor on loopback, stopped by their process ids."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
AIRFLOW3 = CHECKOUT / ".venvs" / "airflow3" / "bin" / "airflow"
AIRFLOW2 = CHECKOUT / ".venvs" / "airflow2" / "bin" / "airflow"
_SECONDS_TO_START = 180.0


def surroundings(home: Path, dags: Path, port: int = 0) -> dict[str, str]:
    """The variables of an Airflow of its own, which knows nothing of this machine's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    url = f"http://127.0.0.1:{port}"
    return {
        **kept,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        # On a machine with much to do its own answers come late; a task whose start is not answered counts as failed.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "90",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "240",
    }


class AirflowServer:
    """Airflow 3 with a database of its own."""

    def __init__(self, home: Path, dags: Path, **settings: str) -> None:
        """``settings`` are more of Airflow's variables, without their ``AIRFLOW__``."""
        home.mkdir(parents=True)
        dags.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._home = home
        self._env = surroundings(home, dags, self.port)
        self._env |= {f"AIRFLOW__{name}": value for name, value in settings.items()}
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Make the database, start everything, and wait until the API answers."""
        subprocess.run([AIRFLOW3, "db", "migrate"], env=self._env, check=True, capture_output=True, timeout=300)
        api = ("api-server", "--host", "127.0.0.1", "--port", str(self.port))
        for words in (api, ("scheduler", "--skip-serve-logs"), ("dag-processor",)):
            with (self._home / f"{words[0]}.log").open("wb") as log:
                process = subprocess.Popen(
                    [AIRFLOW3, *words], env=self._env, stdout=log, stderr=log, cwd=self._home, start_new_session=True
                )
            self._processes.append(process)
        until = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < until:
            try:
                self.call("GET", "version")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.5)
            else:
                return
        raise TimeoutError((self._home / "api-server.log").read_text()[-2000:])

    def stop(self) -> None:
        """End every process of it."""
        for process in self._processes:
            _signal(process, signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            # Children that were slower than their parent.
            _signal(process, signal.SIGKILL)

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Ask the API as a person with a browser would."""
        with urllib.request.urlopen(f"{self.url}/auth/token", timeout=30) as answer:
            token = json.load(answer)["access_token"]
        data = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
