"""A Sigstore that serves, and evidence that it signed."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from mlopsctl.lowering.release_lock import evidence_file
from tests.doubles.sigstore import Sigstore, serving_sigstore
from tests.integration.sigstore.scene import ROOT, WORKFLOW, Signed, asking, put, sign


@pytest.fixture(scope="module")
def sigstore() -> Iterator[Sigstore]:
    with serving_sigstore() as serving:
        yield serving


@pytest.fixture(autouse=True)
def _as_before(sigstore: Sigstore) -> Iterator[None]:
    yield
    sigstore.statuses.clear()
    sigstore.rekor.late = 0
    sigstore.ambient = ""


@pytest.fixture(scope="module")
def first(sigstore: Sigstore, tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return sign(tmp_path_factory.mktemp("signed"), sigstore, sigstore.issuer.workflow(WORKFLOW))


@pytest.fixture
def signed(first: Signed, tmp_path: Path) -> Signed:
    """The evidence of the right workflow, in a folder of the test's own."""
    for name in (ROOT, "signing.json"):
        (tmp_path / name).write_bytes((first.folder / name).read_bytes())
    put(tmp_path, evidence_file(first.folder, "prod").read_bytes())
    return Signed(tmp_path, asking(tmp_path), deepcopy(first.bundle))
