"""The program of a serving container: fetch the model, be sure that it is the right one, and answer.

``python3 -P -m mlopsctl.servers.container`` in the image of the steps, or in any with ``mlopsctl[run]``. Vertex AI
names the model's folder in ``AIP_STORAGE_URI``, KServe has it in ``/mnt/models``. What answers is MLflow's own scoring
app: ``/invocations`` and ``/ping``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.servers.publish import fetch
from mlopsctl.servers.quiet import QUIET

COMMAND = ("python3", "-P", "-m", "mlopsctl.servers.container")
MODEL_VARIABLE = "MLOPSCTL_MODEL"
"""The environment variable with the digest of the model that must be there."""
PORT = 8080

_MOUNTED = "/mnt/models"


def main() -> int:
    """Serve until the container is told to end; 1 when there is no model, or another one."""
    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory(prefix="mlopsctl-model-") as folder:
        try:
            model = found_model(os.environ, Path(folder))
            require(model, os.environ.get(MODEL_VARIABLE, ""))
        except Problem as problem:
            print(f"error: {problem}", file=sys.stderr, flush=True)
            return 1
        _answer(model, port(os.environ))
    return 0


def found_model(variables: Mapping[str, str], folder: Path) -> Path:
    """The model's MLflow folder: fetched into ``folder``, or mounted already.

    Raises:
        Problem: when it cannot be fetched, or is not whole.
    """
    url = variables.get("AIP_STORAGE_URI", "")
    model = fetch(url, folder) if url else Path(variables.get("MLOPSCTL_MODEL_FOLDER", _MOUNTED))
    if not (model / "MLmodel").is_file():
        raise StepProblem.because("no-model", f"there is no MLflow model in {url or model}")
    return model


def require(model: Path, digest: str) -> None:
    """Be sure that an MLflow folder holds the model of that digest; any, where it is empty.

    Raises:
        StepProblem: when it holds another.
    """
    from mlopsctl.artifacts.manifest import folder_digest

    packed = next((found.parent for found in sorted((model / "data").glob("*/model.json"))), None)
    there = folder_digest(packed) if packed is not None else "no model of mlopsctl's"
    if digest and there != digest:
        raise StepProblem.because("wrong-model", f"the model that is there is {there}, and {digest} is to be served")


def port(variables: Mapping[str, str]) -> int:
    """Where to listen: Vertex AI and Knative say it each in a variable of its own."""
    said = variables.get("AIP_HTTP_PORT") or variables.get("PORT") or ""
    return int(said) if said.isdecimal() else PORT


def _answer(model: Path, port: int) -> None:
    import uvicorn

    from mlopsctl.servers.scoring import load

    uvicorn.run(load(str(model)), host="0.0.0.0", port=port, log_level="warning")


if __name__ == "__main__":
    sys.exit(main())
