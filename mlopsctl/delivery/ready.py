"""Whether this machine can run steps: the libraries of the ``run`` extra are there."""

from __future__ import annotations

from importlib.util import find_spec

from mlopsctl.ground.errors import StepProblem

_NEEDED = ("duckdb", "mlflow", "numpy", "pandas", "pyarrow", "sklearn")


def require_step_libraries() -> None:
    """Refuse before anything is started.

    Raises:
        StepProblem: naming every library that is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise StepProblem.because(
            "no-step-libraries",
            f"steps cannot run here: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            hint="install what steps need: pip install 'mlopsctl[run]'",
        )
