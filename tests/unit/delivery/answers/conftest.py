from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.metadata.store import MetadataStore, open_store


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[MetadataStore]:
    store = open_store(str(tmp_path / "metadata.db"))
    yield store
    store.close()
