"""The Pythons that have an orchestrator's own package: ``MLOPSCTL_KFP_PYTHON``, ``MLOPSCTL_AIRFLOW_PYTHON``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from mlopsctl.ground.errors import StepProblem

ENGINES = ("local", "kfp", "airflow")
"""The orchestrators that can be run here, in the order in which they are."""

_VARIABLES: Mapping[str, str] = {"kfp": "MLOPSCTL_KFP_PYTHON", "airflow": "MLOPSCTL_AIRFLOW_PYTHON"}
_PACKAGES: Mapping[str, str] = {"kfp": "kfp", "airflow": "apache-airflow"}
_SEEKS = "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)"
_PATIENCE = 120


def python_with(engine: str) -> str:
    """The interpreter that has the package; the one that runs this where no variable names another.

    Raises:
        StepProblem: when it does not have it, saying how to name one that does.
    """
    if engine not in _VARIABLES:
        return sys.executable
    variable = _VARIABLES[engine]
    named = os.environ.get(variable, "")
    python = shutil.which(named) if named else sys.executable
    if python is None or not _has(python, engine):
        where = f"{named}, which {variable} names," if named else "the Python that runs mlopsctl"
        lacks = "does not start" if python is None else f"does not have {_PACKAGES[engine]}"
        raise StepProblem.because(
            "engine-not-installed",
            f"nothing can be run on {engine} here: {where} {lacks}",
            hint=f"install {_PACKAGES[engine]} in an environment of its own, and name it: {variable}=/path/to/python",
        )
    # Not resolved: a link in an environment's folder is what makes it that environment's Python.
    return os.path.abspath(python)


def _has(python: str, module: str) -> bool:
    try:
        done = subprocess.run(
            [python, "-I", "-c", _SEEKS, module],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
