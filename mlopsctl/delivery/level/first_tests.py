"""The first tests of a project, one file a kind: they run its pipeline once and look at what every step left."""

from __future__ import annotations

from collections.abc import Collection

from mlopsctl.config.load import Loaded

_HEAD = '"""{title}."""\n\nfrom __future__ import annotations\n\n'

_CONFTEST = '''"""One run of the pipeline up to its verdict, for all tests; nothing is released or served."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def outcome() -> dict[str, Any]:
    """What `mlopsctl run` says of it; a refused model is an answer too."""
    command = [sys.executable, "-m", "mlopsctl", "-C", str(PROJECT), "run", {environment}"--output", "json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3, 4), done.stderr
    return json.loads(done.stdout)
'''

_TESTS = {
    "features": (
        "Features are fitted, and the rows keep their number",
        """def test_features_are_fitted(outcome):
    assert outcome["steps"]["transform"]["state"] in ("success", "cached")
""",
    ),
    "models": (
        "Every target gives a model, and one of them is picked",
        """def test_models_are_trained_and_one_is_picked(outcome):
    trained = [step for name, step in outcome["steps"].items() if name.startswith("train-")]
    assert trained
    assert all(step["state"] in ("success", "cached") for step in trained)
    assert outcome["steps"]["select"]["state"] in ("success", "cached")
""",
    ),
    "convergence": (
        "Training comes to something: the model beats one that learned nothing",
        """def test_convergence_is_seen_in_a_gate_that_passes(outcome):
    assert any(gate["verdict"] == "pass" for gate in outcome["gates"] if gate["decides"])
""",
    ),
    "numbers": (
        "No number that decides is NaN or infinite",
        """from math import isfinite


def test_numbers_that_decide_are_finite(outcome):
    observed = [gate["observed"] for gate in outcome["gates"] if gate["decides"]]
    assert observed
    assert all(number is not None and isfinite(number) for number in observed)
""",
    ),
    "artifacts": (
        "Each step leaves what it should: none failed, none was skipped",
        """def test_artifacts_are_left_by_every_step(outcome):
    assert {step["state"] for step in outcome["steps"].values()} <= {"success", "cached"}
""",
    ),
    "integration": (
        "The steps fit together, from the data to the verdict",
        """def test_integration_ends_in_a_verdict(outcome):
    assert {"evaluate", "gate"} <= set(outcome["steps"])
    assert outcome["verdict"] in ("pass", "fail")
""",
    ),
}


def first_tests(loaded: Loaded, there: Collection[str]) -> dict[str, str]:
    """The text of each file that a project lacks, by name.

    Args:
        there: the kinds that it has tests of.
    """
    chosen = "" if loaded.environment == "default" else f'"-e", "{loaded.environment}", '
    files = {"conftest.py": _CONFTEST.replace("{environment}", chosen)}
    for kind, (title, text) in _TESTS.items():
        if kind not in there:
            files[f"test_{kind}.py"] = _HEAD.format(title=title) + (text if text.startswith("from") else f"\n{text}")
    return files
