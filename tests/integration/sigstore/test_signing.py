"""What can go wrong when an identity is to sign; nothing is written then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mlopsctl.config.load import Loaded
from mlopsctl.ground.errors import InvalidProject, Problem, StepProblem
from mlopsctl.lowering.release_lock import evidence_file
from tests.doubles.sigstore import Sigstore
from tests.doubles.sigstore.issuer import MAIL
from tests.integration.sigstore.scene import FORK, ROOT, WORKFLOW, asking
from tests.unit.delivery.promotion.scene import lock_of, promoted


def not_signed(loaded: Loaded) -> str:
    """The message and the hint when nothing could be signed; nothing is written then."""
    with pytest.raises(Problem) as caught:
        promoted(loaded, lock_of("prod", "staging"))
    assert isinstance(caught.value, StepProblem | InvalidProject)
    (told,) = caught.value.diagnostics
    assert told.span is not None
    assert told.hint
    assert not evidence_file(loaded.folder, "prod").exists()
    return f"{told.message} | {told.hint}"


@pytest.fixture
def ready(tmp_path: Path, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """All is there to sign, and nothing signed yet."""
    (tmp_path / ROOT).write_text(sigstore.trusted_root)
    (tmp_path / "signing.json").write_text(sigstore.signing_config)
    monkeypatch.setenv("TOKEN", sigstore.issuer.workflow(WORKFLOW))
    return asking(tmp_path)


def test_where_nobody_vouches_it_is_said_what_to_do(ready: Loaded) -> None:
    told = not_signed(asking(ready.folder, without="token"))
    assert "nobody vouches for one here" in told
    assert "id-token: write" in told
    assert "token: {secret: NAME}" in told


def test_a_job_that_may_not_ask_for_its_identity_is_told_what_to_allow(
    ready: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    told = not_signed(asking(ready.folder, without="token"))
    assert "insufficient OIDC token permissions" in told
    assert "id-token: write" in told


@pytest.mark.parametrize("token", ["no token", "a.b.c", "expired", "for somebody else"])
def test_a_token_that_is_none_signs_nothing(
    ready: Loaded, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    calls = len(sigstore.asked)
    made = {
        "expired": sigstore.issuer.workflow(WORKFLOW, iat=1, nbf=1, exp=2),
        "for somebody else": sigstore.issuer.workflow(WORKFLOW, aud="elsewhere"),
    }
    monkeypatch.setenv("TOKEN", made.get(token, token))
    assert "there is no token to sign with" in not_signed(ready)
    assert len(sigstore.asked) == calls


def test_a_token_of_another_issuer_is_not_even_shown_to_sigstore(
    ready: Loaded, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = len(sigstore.asked)
    monkeypatch.setenv("TOKEN", sigstore.issuer.person("ada@example.com"))
    assert f"the token is from {MAIL}, and prod asks for" in not_signed(ready)
    assert len(sigstore.asked) == calls


def test_a_signature_of_another_identity_is_not_kept(
    ready: Loaded, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", sigstore.issuer.workflow(FORK))
    assert f"not as prod asks: it is signed by {FORK}" in not_signed(ready)


@pytest.mark.parametrize(("service", "status"), [("fulcio", 500), ("fulcio", 403), ("rekor", 500), ("rekor", 409)])
def test_a_sigstore_that_refuses_is_told(ready: Loaded, sigstore: Sigstore, service: str, status: int) -> None:
    sigstore.statuses[service] = status
    told = not_signed(ready)
    assert "Sigstore did not sign" in told
    assert str(status) in told


def test_a_sigstore_that_is_not_there_is_told(ready: Loaded) -> None:
    file = ready.folder / "signing.json"
    config = json.loads(file.read_text())
    for services in ("caUrls", "rekorTlogUrls"):
        config[services][0]["url"] = "http://127.0.0.1:1"
    file.write_text(json.dumps(config))
    assert "Sigstore did not sign" in not_signed(ready)


def test_a_certificate_that_no_known_log_promised_signs_nothing(
    ready: Loaded, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = len(sigstore.asked)
    monkeypatch.setattr(sigstore.fulcio, "_log_key", ec.generate_private_key(ec.SECP256R1()))
    assert "SCT" in not_signed(ready)
    assert sigstore.asked[calls:] == ["POST /api/v2/signingCert"]


def test_a_sigstore_of_ones_own_needs_its_addresses(ready: Loaded) -> None:
    told = not_signed(asking(ready.folder, without="signing_config"))
    assert "nothing says where to get one" in told
    assert "signing_config: FILE" in told


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "[" * 100_000])
def test_a_signing_config_that_is_none_is_told_at_its_line(ready: Loaded, text: str | None) -> None:
    file = ready.folder / "signing.json"
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    assert "cannot be used to sign" in not_signed(ready)
