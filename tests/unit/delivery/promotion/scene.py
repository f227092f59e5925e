"""A project on disk with a lock and evidence for it, as ``promote`` leaves them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.promotion.envelope import sealed
from mlopsctl.delivery.promotion.lock_text import lock_text
from mlopsctl.delivery.promotion.statement import GateProof, Predicate, state
from mlopsctl.ground.digest import PREFIX
from mlopsctl.lowering.release_lock import ReleaseLock, evidence_file, lock_file

MODEL = PREFIX + "a" * 64
OTHER = PREFIX + "b" * 64
SECRET = "PROMOTION_KEY"

PROJECT = """\
version: 1
name: flowers
data:
  flowers: {source: {kind: csv, uri: flowers.csv}, label: kind}
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.4}
environments:
  dev: {}
  staging:
    promotion: {from: dev, mode: auto}
  prod:
    promotion:
      from: staging
      mode: approval
      prevent_destroy: true
      signature: {kind: key, public_key: release.pub, private: {secret: PROMOTION_KEY}}
"""


def project(folder: Path, environment: str = "staging") -> Loaded:
    """The project as that environment sees it."""
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    return load_project(folder, environment)


def key_pair(folder: Path) -> str:
    """Write the public half where the project names it; the private half as PEM."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "release.pub").write_bytes(public)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def lock_of(environment: str = "staging", source: str = "dev", model: str = MODEL) -> ReleaseLock:
    """A lock without evidence yet."""
    return ReleaseLock.model_validate(
        {
            "version": 1,
            "project": "flowers",
            "environment": environment,
            "from": source,
            "model": {"name": "flowers", "version": "3", "digest": model},
            "data": {"flowers": PREFIX + "1" * 64},
            "code": {"commit": "c" * 40, "digest": PREFIX + "2" * 64},
            "image": "",
            "pipeline": PREFIX + "3" * 64,
            "evidence": PREFIX + "0" * 64,
        }
    )


def promoted(loaded: Loaded, draft: ReleaseLock, subject: str = "", verdict: str = "pass") -> ReleaseLock:
    """Write the lock with evidence for it."""
    predicate = Predicate.model_validate(
        {
            "release": dict(draft.release),
            "run": "20260101T000000-abcdef",
            "plan": PREFIX + "4" * 64,
            "commit": "c" * 40,
            "policy": PREFIX + "5" * 64,
            "verdict": verdict,
            "preflight": "pass",
            "evaluation": PREFIX + "6" * 64,
            "blessing": PREFIX + "7" * 64,
            "gates": (GateProof(name="floor", verdict="pass", decides=True, reason="0.9 >= 0.4"),),
        }
    )
    envelope = sealed(loaded, state(subject or draft.model.digest, "flowers", predicate).content)
    lock = draft.model_copy(update={"evidence": PREFIX + hashlib.sha256(envelope).hexdigest()})
    lock_file(loaded.folder, loaded.environment).parent.mkdir(exist_ok=True)
    evidence_file(loaded.folder, loaded.environment).write_bytes(envelope)
    lock_file(loaded.folder, loaded.environment).write_bytes(lock_text(lock).encode())
    return lock
