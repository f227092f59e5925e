"""A project whose prod asks for an identity, and what is made of its evidence with all sockets shut."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.promotion.follow import follow
from mlopsctl.delivery.promotion.lock_text import lock_text
from mlopsctl.delivery.promotion.proof import Proof
from mlopsctl.ground.digest import PREFIX
from mlopsctl.ground.errors import ExitCode, Undecided
from mlopsctl.lowering.release_lock import ReleaseLock, evidence_file, lock_file
from tests.doubles.sigstore import Sigstore
from tests.doubles.sigstore.issuer import GITHUB
from tests.unit.delivery.promotion.scene import PROJECT, lock_of, promoted

WORKFLOW = "https://github.com/acme/models/.github/workflows/mlopsctl-flowers-deliver.yml@refs/heads/main"
FORK = "https://github.com/mallory/models/.github/workflows/mlopsctl-flowers-deliver.yml@refs/heads/main"
KEY = "{kind: key, public_key: release.pub, private: {secret: PROMOTION_KEY}}"
ROOT = "root.json"

Json = dict[str, Any]


def asking(folder: Path, identity: str | list[str] = WORKFLOW, issuer: str = GITHUB, *, without: str = "") -> Loaded:
    """The project where prod asks for an identity; ``without`` a setting."""
    settings = {
        "kind": "sigstore",
        "identity": json.dumps(identity),
        "issuer": json.dumps(issuer),
        "token": "{secret: TOKEN}",
        "trust_root": ROOT,
        "signing_config": "signing.json",
    }
    left = {key: value for key, value in settings.items() if key not in without.split()}
    written = ", ".join(f"{key}: {value}" for key, value in left.items())
    (folder / "mlops.yaml").write_text(PROJECT.replace(KEY, "{" + written + "}"), encoding="utf-8")
    return load_project(folder, "prod")


def asking_a_key(folder: Path) -> Loaded:
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    return load_project(folder, "prod")


def asking_nothing(folder: Path) -> Loaded:
    (folder / "mlops.yaml").write_text(PROJECT.replace(f"signature: {KEY}", ""), encoding="utf-8")
    return load_project(folder, "prod")


def put(folder: Path, content: bytes, draft: ReleaseLock | None = None) -> None:
    """Evidence with a lock that names it, as somebody leaves them who may write both."""
    lock = (draft or lock_of("prod", "staging")).model_copy(
        update={"evidence": PREFIX + hashlib.sha256(content).hexdigest()}
    )
    lock_file(folder, "prod").parent.mkdir(exist_ok=True)
    evidence_file(folder, "prod").write_bytes(content)
    lock_file(folder, "prod").write_bytes(lock_text(lock).encode())


@contextmanager
def shut() -> Iterator[None]:
    """No socket can even be made."""
    pytest_socket.disable_socket()
    try:
        yield
    finally:
        pytest_socket.enable_socket()


def proved(loaded: Loaded) -> Proof:
    with shut():
        found = follow(loaded)
    assert found is not None
    return found


def refused(loaded: Loaded) -> str:
    """The message and the hint of what proves nothing."""
    with pytest.raises(Undecided) as caught:
        proved(loaded)
    assert caught.value.exit_code is ExitCode.UNDECIDED
    (told,) = caught.value.diagnostics
    assert told.id == "not-proved"
    assert told.span is not None
    assert "promote again: `mlopsctl promote staging prod`" in told.hint
    return f"{told.message} | {told.hint}"


@dataclass(frozen=True)
class Signed:
    """A project with signed evidence, and the bundle to play with."""

    folder: Path
    loaded: Loaded
    bundle: Json

    def with_(self, bundle: Json, draft: ReleaseLock | None = None) -> Loaded:
        """The project once somebody put another bundle there, and a lock that fits."""
        put(self.folder, json.dumps(bundle).encode(), draft)
        return self.loaded

    @property
    def entry(self) -> Json:
        entry: Json = self.bundle["verificationMaterial"]["tlogEntries"][0]
        return entry


def sign(folder: Path, sigstore: Sigstore, token: str, *asked: str) -> Signed:
    """Evidence as ``promote`` writes it where ``asked`` (identity, issuer) must sign."""
    (folder / ROOT).write_text(sigstore.trusted_root)
    (folder / "signing.json").write_text(sigstore.signing_config)
    loaded = asking(folder, *asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN", token)
        promoted(loaded, lock_of("prod", "staging"))
    return Signed(folder, loaded, json.loads(evidence_file(folder, "prod").read_bytes()))
