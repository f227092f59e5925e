"""Where the stores of these tests are kept: in a file."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A store that is yet to be made."""
    return str(tmp_path / "state" / "metadata.db")
