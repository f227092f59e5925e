"""Unit tests cannot reach out: a socket other than a Unix one fails, and so does a file left in the home folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Close the network before any fixture of the test runs."""
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Open it again for the tests of other folders."""
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _untouched_home() -> Iterator[None]:
    home = Path(os.environ["HOME"])
    yield
    left = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
    for name in left:
        shutil.rmtree(home / name, ignore_errors=True)
        (home / name).unlink(missing_ok=True)
    assert not left, f"the test wrote into the home folder: {', '.join(left)}"
