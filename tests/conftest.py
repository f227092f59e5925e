"""What every test stands on: a home and a temporary folder of its own, and property tests that repeat exactly."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
CHECKOUT = TESTS.parent

settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# Set in the environment, so that processes which tests start live under the same rules.
_ROOT = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a home and a temporary folder of its own, before any test module is imported."""
    root = Path(tempfile.mkdtemp(prefix="mlopsctl-tests-"))
    config.stash[_ROOT] = root
    for name, value in _private_environment(root).items():
        os.environ[name] = value
    tempfile.tempdir = None
    # Their absence is the rule: a test that needs one of them sets it.
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "GITHUB_ACTIONS", "GITHUB_TOKEN", "NO_COLOR", "COLUMNS"):
        os.environ.pop(name, None)


def _private_environment(root: Path) -> dict[str, str]:
    home, temporary, caches = root / "home", root / "tmp", root / "caches"
    for folder in (home, temporary, caches):
        folder.mkdir()
    return {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(caches),
        "MPLCONFIGDIR": str(caches / "matplotlib"),
        "GIT_CONFIG_GLOBAL": str(caches / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    root = config.stash.get(_ROOT, None)
    if root is not None:
        shutil.rmtree(root, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's tier is the folder it stands in."""
    for item in items:
        inside = item.path.relative_to(TESTS).parts if item.path.is_relative_to(TESTS) else ()
        if inside and inside[0] in {"unit", "integration", "soak"}:
            item.add_marker(inside[0])


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder with the contract projects (``projects/``) and their data (``data/``)."""
    value = os.environ.get("MLOPSCTL_CONTRACTS", "")
    if not value:
        pytest.skip("MLOPSCTL_CONTRACTS is not set: the contract projects are not on this machine")
    return Path(value)


@pytest.fixture
def checkout() -> Path:
    """The folder of this repository."""
    return CHECKOUT


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is also the current one, so that nothing leans on where pytest was started."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
