"""An orchestrator that is not installed is said, with the variable that names where it is."""

from __future__ import annotations

import sys

import pytest

from mlopsctl.delivery.conformance.interpreters import python_with
from mlopsctl.ground.errors import StepProblem


def test_this_machine_needs_nothing() -> None:
    assert python_with("local") == sys.executable


@pytest.mark.parametrize(
    ("engine", "variable"), [("kfp", "MLOPSCTL_KFP_PYTHON"), ("airflow", "MLOPSCTL_AIRFLOW_PYTHON")]
)
def test_what_is_not_there_is_said(engine: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/nowhere/python")
    with pytest.raises(StepProblem, match="does not start") as missing:
        python_with(engine)
    assert f"{variable}=" in missing.value.diagnostics[0].hint
    monkeypatch.setenv(variable, "/bin/true" if engine == "kfp" else "/bin/false")
    if engine == "kfp":
        assert python_with(engine).endswith("true")
    else:
        with pytest.raises(StepProblem, match="does not have apache-airflow"):
            python_with(engine)
