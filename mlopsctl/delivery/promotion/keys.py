"""Evidence signed with a key pair (Ed25519): the private half signs, the public file proves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.signature import KeySignature
from mlopsctl.delivery.promotion.unproved import NotProved
from mlopsctl.ground.errors import InvalidProject, StepProblem
from mlopsctl.ground.secrets import secret_value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from securesystemslib.dsse import Envelope

_MOST_BYTES = 1 << 16


def sign(loaded: Loaded, signature: KeySignature, envelope: Envelope) -> None:
    """Put the signature into the envelope.

    Raises:
        StepProblem: when the private key is not set, or is not the other half of the public one.
        InvalidProject: when the public key cannot be read.
    """
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


def require_signed(loaded: Loaded, signature: KeySignature, envelope: Envelope) -> None:
    """Be sure that the envelope is signed with the private half of the key.

    Raises:
        NotProved: when it is not.
        InvalidProject: when the public key cannot be read.
    """
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

    if not envelope.signatures:
        raise NotProved("it is not signed")
    try:
        envelope.verify([SSlibKey.from_crypto(_public_key(loaded, signature))], 1)
    except VerificationError:
        raise NotProved(f"it is not signed with {signature.public_key}") from None


def _public_key(loaded: Loaded, signature: KeySignature) -> Ed25519PublicKey:
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


def _private_key(loaded: Loaded, signature: KeySignature) -> Ed25519PrivateKey:
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
