"""The evidence file: the statement in a DSSE envelope, or in a Sigstore bundle where an identity signs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.signature import Signature, SigstoreSignature
from mlopsctl.delivery.promotion import keys, sigstore_proof, sigstore_signing
from mlopsctl.delivery.promotion.statement import PAYLOAD_TYPE
from mlopsctl.delivery.promotion.unproved import NotProved

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope

_ENVELOPE = {"payload", "payloadType", "signatures"}
_IN_BUNDLE = "dsseEnvelope"


def sealed(loaded: Loaded, payload: bytes) -> bytes:
    """The file's bytes, signed as the environment's ``promotion`` asks.

    Raises:
        StepProblem: when what signs is missing, or is not what the environment asks for.
        InvalidProject: when a key or a trust root cannot be read.
    """
    from securesystemslib.dsse import Envelope

    signature = _signature(loaded)
    if isinstance(signature, SigstoreSignature):
        return sigstore_signing.sign(loaded, signature, payload)
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    if signature is not None:
        keys.sign(loaded, signature, envelope)
    return (json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n").encode()


def opened(loaded: Loaded, content: bytes) -> tuple[bytes, bool]:
    """The payload of an evidence file, and whether it is signed as the environment asks. Nothing is asked elsewhere.

    Raises:
        NotProved: when it is no such file, or lacks the signature that the environment asks for.
        InvalidProject: when a key or a trust root cannot be read.
        StepProblem: when the library that verifies is not installed.
    """
    signature = _signature(loaded)
    envelope, is_bundle = _envelope(content)
    if isinstance(signature, SigstoreSignature):
        if not is_bundle:
            how = "it carries the signature of a key" if envelope.signatures else "it is not signed"
            raise NotProved(
                f"{how}, and {loaded.environment} asks for the identity {' or '.join(signature.identities)}"
            )
        return sigstore_proof.proved(loaded, signature, content), True
    if signature is None:
        return envelope.payload, False
    if is_bundle:
        raise NotProved(
            f"it is signed by an identity, and {loaded.environment} asks for the key {signature.public_key}"
        )
    keys.require_signed(loaded, signature, envelope)
    return envelope.payload, True


def _envelope(content: bytes) -> tuple[Envelope, bool]:
    """The envelope, not verified, and whether it stands in a Sigstore bundle."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError

    try:
        data = json.loads(content)
        is_bundle = isinstance(data, dict) and _IN_BUNDLE in data
        inner = data[_IN_BUNDLE] if is_bundle else data
        if not isinstance(inner, dict) or set(inner) != _ENVELOPE:
            raise NotProved("it is not a DSSE envelope")
        if is_bundle:
            # A bundle's signature names no key: the certificate beside it holds it.
            inner = {**inner, "signatures": []}
        envelope = Envelope.from_dict(inner)
    except (ValueError, KeyError, TypeError, AttributeError, FormatError, RecursionError) as error:
        raise NotProved(f"it is not a DSSE envelope ({error})") from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise NotProved("its payload is not an in-toto statement")
    return envelope, is_bundle


def _signature(loaded: Loaded) -> Signature | None:
    promotion = loaded.project.promotion
    return None if promotion is None else promotion.signature
