"""A small project with stores, and runs that are recorded by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.stores import Stores, open_stores
from tests.unit.delivery.triggers.recorded import PROJECT


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    (tmp_path / "mlops.yaml").write_text(PROJECT)
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,x\n" * 10)
    return load_project(tmp_path)


@pytest.fixture
def stores(loaded: Loaded) -> Iterator[Stores]:
    with open_stores(loaded) as opened:
        yield opened
