"""A Rekor (version 1): a Merkle tree (RFC 6962) of entries, a signed checkpoint of it, a signed time for each entry.

Requests are those of the vendor's models (``rekor_types``, generated from its OpenAPI description), answers those of
its ``LogEntry``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import rekor_types
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from tests.doubles.sigstore.fulcio import key_digest
from tests.doubles.sigstore.issuer import Refused

ORIGIN = "rekor.example"
TREE = 1193050959916656506
_DIGEST = {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}

# `LogEntry` and `InclusionProof` of the vendor's description.
ENTRY = Draft202012Validator(
    {
        "type": "object",
        "required": ["logID", "logIndex", "body", "integratedTime"],
        "properties": {
            "logID": _DIGEST,
            "logIndex": {"type": "integer", "minimum": 0},
            "body": {"type": "string"},
            "integratedTime": {"type": "integer"},
            "attestation": {"type": "object"},
            "verification": {
                "type": "object",
                "properties": {
                    "signedEntryTimestamp": {"type": "string", "contentEncoding": "base64"},
                    "inclusionProof": {
                        "type": "object",
                        "required": ["logIndex", "rootHash", "treeSize", "hashes", "checkpoint"],
                        "properties": {
                            "logIndex": {"type": "integer", "minimum": 0},
                            "rootHash": _DIGEST,
                            "treeSize": {"type": "integer", "minimum": 1},
                            "hashes": {"type": "array", "items": _DIGEST},
                            "checkpoint": {"type": "string"},
                        },
                    },
                },
            },
        },
    }
)


class Rekor:
    """A log. ``late`` is by how many seconds its clock is ahead."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        # Others logged before us, so that proofs have a path.
        self._leaves = [f"entry {number}".encode() for number in range(5)]
        self.late = 0

    @property
    def key(self) -> ec.EllipticCurvePublicKey:
        """The key that signs checkpoints and times."""
        return self._key.public_key()

    def add(self, request: Any) -> dict[str, Any]:
        """What ``POST /api/v1/log/entries`` gives.

        Raises:
            Refused: as Rekor refuses.
        """
        body = _body(request)
        self._leaves.append(body)
        answer = self.entry(len(self._leaves) - 1)
        uuid = f"{TREE:016x}" + _leaf(body).hex()
        ENTRY.validate(answer)
        return {uuid: answer}

    def entry(self, index: int) -> dict[str, Any]:
        """An entry with its proofs, as of now."""
        body = self._leaves[index]
        said = {
            "body": base64.b64encode(body).decode(),
            "integratedTime": int(time.time()) + self.late,
            "logID": key_digest(self.key).hex(),
            "logIndex": index,
        }
        promised = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        leaves = [_leaf(one) for one in self._leaves]
        proof = {
            "logIndex": index,
            "rootHash": _root(leaves).hex(),
            "treeSize": len(leaves),
            "hashes": [one.hex() for one in _path(leaves, index)],
            "checkpoint": self.checkpoint(_root(leaves), len(leaves)),
        }
        promise = base64.b64encode(self._sign(promised)).decode()
        return {**said, "verification": {"inclusionProof": proof, "signedEntryTimestamp": promise}}

    def checkpoint(self, root: bytes, size: int) -> str:
        """A signed note: what the tree is."""
        note = f"{ORIGIN} - {TREE}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = key_digest(self.key)[:4] + self._sign(note.encode())
        return f"{note}\n— {ORIGIN} {base64.b64encode(signature).decode()}\n"

    def _sign(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def _body(request: Any) -> bytes:
    """What stands in the log of a proposed ``dsse`` entry, once its signature was verified."""
    try:
        entry = TypeAdapter[Any](rekor_types.ProposedEntry).validate_python(request)
    except ValidationError as error:
        raise Refused(f"validation failure list: {error}") from error
    if not isinstance(entry, rekor_types.Dsse):
        raise Refused("this log takes entries of the kind dsse only")
    proposed = entry.spec.root.proposed_content
    envelope = json.loads(proposed.envelope)
    payload = base64.b64decode(envelope["payload"], validate=True)
    kind = envelope["payloadType"]
    signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    (signature,), (verifier,) = envelope["signatures"], proposed.verifiers
    key = x509.load_pem_x509_certificate(base64.b64decode(verifier, validate=True)).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(base64.b64decode(signature["sig"]), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Refused("error processing entry: could not verify envelope") from error
    spec = {
        "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(proposed.envelope.encode()).hexdigest()},
        "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
        "signatures": [{"signature": signature["sig"], "verifier": verifier}],
    }
    whole = {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}
    return json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()


def _leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    at = _split(len(leaves))
    return hashlib.sha256(b"\x01" + _root(leaves[:at]) + _root(leaves[at:])).digest()


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    at = _split(len(leaves))
    if index < at:
        return [*_path(leaves[:at], index), _root(leaves[at:])]
    return [*_path(leaves[at:], index - at), _root(leaves[:at])]
