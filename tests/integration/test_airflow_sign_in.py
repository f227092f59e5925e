"""Google's own library gets the tokens; here a stand-in on loopback gives them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from mlopsctl.ground.errors import StepProblem
from mlopsctl.orchestrators.airflow.api_sign_in import GoogleSignIn


@pytest.fixture(scope="module")
def key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def asked(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    """A service account whose tokens come from this machine; what was asked for, as claims."""
    seen: list[dict[str, object]] = []
    signer = crypt.RSASigner.from_string(key)  # type: ignore[no-untyped-call]

    class Tokens(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            seen.append(jwt.decode(body["assertion"][0], verify=False))  # type: ignore[no-untyped-call]
            now = int(time.time())
            id_token = jwt.encode(signer, {"iat": now, "exp": now + 3600, "aud": "x"}).decode()  # type: ignore[no-untyped-call]
            answer = json.dumps({"access_token": f"access-{len(seen)}", "expires_in": 1, "id_token": id_token}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Tokens)
    account = {
        "type": "service_account", "project_id": "p", "private_key_id": "k", "private_key": key,
        "client_email": "robot@p.iam.gserviceaccount.com", "client_id": "1",
        "token_uri": f"http://127.0.0.1:{server.server_port}/token",
    }  # fmt: skip
    (tmp_path / "key.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_oauth_token_is_renewed_when_it_ends(asked: list[dict[str, object]]) -> None:
    sign_in = GoogleSignIn(None)
    # Tokens of a second are over as soon as they are there.
    assert [sign_in.token("look"), sign_in.token("look")] == ["access-1", "access-2"]
    assert asked[0]["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_an_id_token_is_made_for_its_audience_and_kept(asked: list[dict[str, object]]) -> None:
    sign_in = GoogleSignIn("the-client-id")
    assert sign_in.token("look") == sign_in.token("look")
    assert [one["target_audience"] for one in asked] == ["the-client-id"]


def test_credentials_that_do_not_work_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    for audience in (None, "the-client-id"):
        with pytest.raises(StepProblem, match="cannot look: the Google credentials") as refused:
            GoogleSignIn(audience).token("look")
        assert refused.value.diagnostics[0].id == "airflow-credentials"
