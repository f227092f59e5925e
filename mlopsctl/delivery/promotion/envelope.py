"""The evidence file: the statement in a DSSE envelope, signed where the environment says with which key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.promotion import Signature
from mlopsctl.ground.errors import InvalidProject, StepProblem
from mlopsctl.ground.secrets import secret_value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from securesystemslib.dsse import Envelope

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MOST_BYTES = 1 << 16


class NotProved(Exception):
    """An envelope that proves nothing, with the reason as a phrase."""


def sealed(loaded: Loaded, payload: bytes) -> bytes:
    """The envelope's text, signed where the environment's ``promotion`` names a key.

    Raises:
        StepProblem: when the private key is not set, or is not the other half of the public one.
        InvalidProject: when the public key cannot be read.
    """
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    signature = _signature(loaded)
    if signature is not None:
        from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

        public = _public_key(loaded, signature)
        private = _private_key(loaded, signature)
        if private.public_key() != public:
            raise StepProblem.because(
                "wrong-key",
                f"the private key is not the other half of {signature.public_key}",
                hint="set the secret to the private key of this pair",
                span=loaded.span(("promotion", "signature")),
            )
        envelope.sign(CryptoSigner(private, SSlibKey.from_crypto(public)))
    return (json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n").encode()


def opened(loaded: Loaded, content: bytes) -> tuple[bytes, bool]:
    """The payload of an envelope, and whether it is signed by the environment's key. Nothing is asked elsewhere.

    Raises:
        NotProved: when it is no envelope, or lacks the signature that the environment asks for.
        InvalidProject: when the public key cannot be read.
    """
    envelope = _envelope(content)
    signature = _signature(loaded)
    if signature is None:
        return envelope.payload, False
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

    if not envelope.signatures:
        raise NotProved("it is not signed")
    try:
        envelope.verify([SSlibKey.from_crypto(_public_key(loaded, signature))], 1)
    except VerificationError:
        raise NotProved(f"it is not signed with {signature.public_key}") from None
    return envelope.payload, True


def _envelope(content: bytes) -> Envelope:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError

    try:
        data = json.loads(content)
        if not isinstance(data, dict) or set(data) != {"payload", "payloadType", "signatures"}:
            raise NotProved("it is not a DSSE envelope")
        envelope = Envelope.from_dict(data)
    except (ValueError, KeyError, TypeError, AttributeError, FormatError, RecursionError) as error:
        raise NotProved(f"it is not a DSSE envelope ({error})") from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise NotProved("its payload is not an in-toto statement")
    return envelope


def _signature(loaded: Loaded) -> Signature | None:
    promotion = loaded.project.promotion
    return None if promotion is None else promotion.signature


def _public_key(loaded: Loaded, signature: Signature) -> Ed25519PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    why = "it is not an Ed25519 key in PEM"
    try:
        key = load_pem_public_key(_read(loaded.folder / signature.public_key))
        if isinstance(key, Ed25519PublicKey):
            return key
    except OSError as error:
        why = error.strerror or str(error)
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise InvalidProject.because(
        "unreadable-key",
        f"the public key {signature.public_key} cannot be used: {why}",
        hint="`openssl genpkey -algorithm ed25519` makes a pair, `openssl pkey -pubout` writes its public half",
        span=loaded.span(("promotion", "signature", "public_key")),
    )


def _private_key(loaded: Loaded, signature: Signature) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    place = loaded.span(("promotion", "signature"))
    if signature.private is None:
        raise StepProblem.because(
            "no-private-key",
            f"evidence for {loaded.environment} must be signed, and no private key is named",
            hint="add `private: {secret: NAME}` to promotion.signature",
            span=place,
        )
    try:
        key = load_pem_private_key(secret_value(signature.private.secret).encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise StepProblem.because(
        "unreadable-key",
        f"the secret {signature.private.secret} does not hold an Ed25519 private key in PEM without a password",
        span=place,
    )


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_MOST_BYTES)
