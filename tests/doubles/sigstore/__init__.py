"""A Sigstore of one's own on 127.0.0.1: who vouches, Fulcio, Rekor, and the files that make a client believe them.

In a test::

    with serving_sigstore() as sigstore:
        (folder / "root.json").write_text(sigstore.trusted_root)
        (folder / "signing.json").write_text(sigstore.signing_config)
        monkeypatch.setenv("TOKEN", sigstore.issuer.person("ada@example.com"))

``GET /oidc/token?audience=…`` gives the token that is put into ``ambient``, as GitHub Actions does to its jobs.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.doubles.sigstore.fulcio import Fulcio, key_digest
from tests.doubles.sigstore.issuer import Issuer, Refused
from tests.doubles.sigstore.rekor import Rekor

AMBIENT_KEY = "the-key-of-the-job"


@dataclass
class Sigstore:
    """All parts, with what a test looks at and turns.

    Attributes:
        ambient: the token that a job of GitHub Actions is given.
        statuses: by the first part of a path (``fulcio``, ``rekor``), an HTTP status that it answers with instead.
        asked: the calls that came, ``VERB path``.
    """

    url: str = ""
    issuer: Issuer = field(default_factory=Issuer)
    rekor: Rekor = field(default_factory=Rekor)
    ambient: str = ""
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fulcio = Fulcio(self.issuer)

    @property
    def trusted_root(self) -> str:
        """The ``TrustedRoot`` (JSON) of this Sigstore."""
        start = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        certificates = [{"rawBytes": _base64(one.public_bytes(Encoding.DER))} for one in self.fulcio.chain]
        authority = {
            "subject": {"organization": "sigstore.example", "commonName": "sigstore"},
            "uri": self.url,
            "certChain": {"certificates": certificates},
            "validFor": {"start": start},
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [_log(self.url, self.rekor.key, start)],
                "certificateAuthorities": [authority],
                "ctlogs": [_log(self.url, self.fulcio.log_key, start)],
                "timestampAuthorities": [],
            }
        )

    @property
    def signing_config(self) -> str:
        """The ``SigningConfig`` (JSON) with the addresses of this Sigstore."""
        service = {
            "url": self.url,
            "majorApiVersion": 1,
            "operator": "sigstore.example",
            "validFor": {"start": "2024-01-01T00:00:00Z"},
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service],
                "oidcUrls": [service],
                "rekorTlogUrls": [service],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [],
            }
        )

    def answer(self, verb: str, path: str, token: str, body: Any) -> tuple[int, dict[str, Any]]:
        """The status and the answer to a call."""
        at = urlsplit(path)
        self.asked.append(f"{verb} {at.path}")
        try:
            match verb, at.path:
                case "GET", "/oidc/token":
                    if token != AMBIENT_KEY or parse_qs(at.query) != {"audience": ["sigstore"]}:
                        return 403, {"message": "no"}
                    return 200, {"value": self.ambient}
                case "POST", "/api/v2/signingCert":
                    if status := self.statuses.get("fulcio"):
                        return status, {"code": 13, "message": "Error creating signing certificate", "details": []}
                    return 200, self.fulcio.answer(body, token)
                case "POST", "/api/v1/log/entries":
                    if status := self.statuses.get("rekor"):
                        return status, {"code": status, "message": "Unexpected result from transparency log"}
                    return 201, self.rekor.add(body)
        except Refused as refused:
            return 400, {"code": 400, "message": str(refused)}
        return 404, {"code": 404, "message": f"path {at.path} was not found"}


@contextmanager
def serving_sigstore() -> Iterator[Sigstore]:
    """A Sigstore that listens until the block ends."""
    sigstore = Sigstore()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do("GET", None)

        def do_POST(self) -> None:
            self._do("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _do(self, verb: str, body: Any) -> None:
            token = self.headers.get("Authorization", "").partition(" ")[2]
            status, answer = sigstore.answer(verb, self.path, token, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Tests read ``asked``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sigstore.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sigstore
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _log(url: str, key: ec.EllipticCurvePublicKey, start: str) -> dict[str, Any]:
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _base64(public),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": start},
        },
        "logId": {"keyId": _base64(key_digest(key))},
    }
