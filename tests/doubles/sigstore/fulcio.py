"""A Fulcio: it certifies a key for ten minutes for whom a token names, and has a certificate log sign for that.

Requests and answers are those of its API version 2 (``signingCert``), certificates those of its profile: no subject,
the identity as a critical alternative name, the issuer under 1.3.6.1.4.1.57264.1.1 (plain) and .1.8 (DER), and the
promise of the certificate log (RFC 6962) inside.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from jsonschema import Draft202012Validator

from tests.doubles.sigstore.issuer import Issuer, Refused

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_DER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_PROMISES = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_MINUTES = 10

# `CreateSigningCertificateRequest` of the vendor's description; of its two ways to prove a key, clients send the CSR.
REQUEST = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "credentials": {"type": "object", "properties": {"oidcIdentityToken": {"type": "string"}}},
            "publicKeyRequest": {"type": "object", "required": ["publicKey", "proofOfPossession"]},
            "certificateSigningRequest": {"type": "string", "contentEncoding": "base64"},
        },
        "required": ["certificateSigningRequest"],
        "additionalProperties": False,
    }
)


class Fulcio:
    """A root, an intermediate certificate that signs, and the key of a certificate log."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._log_key = ec.generate_private_key(ec.SECP256R1())
        root_key, self._key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
        self._root = _authority("sigstore", root_key.public_key(), "sigstore", root_key, None)
        self._middle = _authority("sigstore-intermediate", self._key.public_key(), "sigstore", root_key, 0)

    @property
    def chain(self) -> list[x509.Certificate]:
        """What every certificate comes from, the root last."""
        return [self._middle, self._root]

    @property
    def log_key(self) -> ec.EllipticCurvePublicKey:
        """The certificate log's."""
        return self._log_key.public_key()

    def answer(self, body: Any, token: str) -> dict[str, Any]:
        """What ``POST /api/v2/signingCert`` gives.

        Raises:
            Refused: as Fulcio refuses.
        """
        if wrong := next(REQUEST.iter_errors(body), None):
            raise Refused(f"The request is not one: {wrong.message}")
        name, issuer, is_mail = self._issuer.identity(token)
        request = x509.load_pem_x509_csr(base64.b64decode(body["certificateSigningRequest"], validate=True))
        if not request.is_signature_valid:
            raise Refused("The signature supplied in the request could not be verified")
        key = request.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        chain = [self.certificate(key, name, issuer, is_mail), *self.chain]
        texts = [one.public_bytes(Encoding.PEM).decode() for one in chain]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": texts}}}

    def certificate(
        self,
        key: ec.EllipticCurvePublicKey,
        name: str,
        issuer: str,
        is_mail: bool = False,
        at: datetime | None = None,
    ) -> x509.Certificate:
        """The certificate of a key, with the log's promise inside; given at a time, or now."""
        now = at or datetime.now(UTC)
        named = x509.RFC822Name(name) if is_mail else x509.UniformResourceIdentifier(name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._middle.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(seconds=1))
            .not_valid_after(now + timedelta(minutes=_MINUTES))
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName([named]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, issuer.encode()), critical=False)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_DER, _der(0x0C, issuer.encode())), critical=False)
        )
        before = builder.sign(self._key, hashes.SHA384())
        promises = _der(0x04, self._promises(before.tbs_certificate_bytes, now))
        return builder.add_extension(x509.UnrecognizedExtension(_PROMISES, promises), critical=False).sign(
            self._key, hashes.SHA384()
        )

    def _promises(self, certificate: bytes, now: datetime) -> bytes:
        """A ``SignedCertificateTimestampList`` of one, for a certificate that it does not stand in yet."""
        entry = key_digest(self._key.public_key()) + len(certificate).to_bytes(3, "big") + certificate
        time = int(now.timestamp() * 1000)
        signed = struct.pack("!BBQH", 0, 0, time, 1) + entry + struct.pack("!H", 0)
        signature = self._log_key.sign(signed, ec.ECDSA(hashes.SHA256()))
        promise = struct.pack("!B32sQH", 0, key_digest(self.log_key), time, 0)
        promise += struct.pack("!BBH", 4, 3, len(signature)) + signature
        return struct.pack("!HH", len(promise) + 2, len(promise)) + promise


def key_digest(key: ec.EllipticCurvePublicKey) -> bytes:
    """A log's id: the SHA-256 of its public key."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _der(tag: int, value: bytes) -> bytes:
    length = len(value)
    size = bytes([length]) if length < 0x80 else bytes([0x82]) + length.to_bytes(2, "big")
    return bytes([tag]) + size + value


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(
    name: str, key: ec.EllipticCurvePublicKey, by: str, signing: ec.EllipticCurvePrivateKey, below: int | None
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        parts = [(NameOID.ORGANIZATION_NAME, "sigstore.example"), (NameOID.COMMON_NAME, text)]
        return x509.Name([x509.NameAttribute(*part) for part in parts])

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(by))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA384())
    )
