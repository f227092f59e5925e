"""What is proved with all sockets shut, by whom it must be signed, and whom to believe."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

import pytest

from mlopsctl.ground.digest import PREFIX
from mlopsctl.ground.errors import InvalidProject, StepProblem
from mlopsctl.lowering.release_lock import evidence_file
from tests.doubles.sigstore import AMBIENT_KEY, Sigstore
from tests.doubles.sigstore.issuer import GITHUB, MAIL
from tests.integration.sigstore.scene import (
    FORK,
    ROOT,
    WORKFLOW,
    Signed,
    asking,
    asking_a_key,
    asking_nothing,
    proved,
    refused,
    sign,
)
from tests.unit.delivery.promotion.scene import MODEL, SECRET, key_pair, lock_of, promoted

# What is proved.


def test_what_the_right_workflow_signed_is_proved_offline(signed: Signed, sigstore: Sigstore) -> None:
    calls, home = list(sigstore.asked), sorted(Path(os.environ["HOME"]).rglob("*"))
    found = proved(signed.loaded)
    assert found.signed
    assert found.followed.lock.model.digest == MODEL
    assert sigstore.asked == calls
    assert sorted(Path(os.environ["HOME"]).rglob("*")) == home


def test_the_evidence_is_a_sigstore_bundle_that_others_can_read(signed: Signed) -> None:
    from sigstore.models import Bundle

    assert signed.bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    payload = json.loads(base64.b64decode(signed.bundle["dsseEnvelope"]["payload"]))
    assert payload["subject"][0]["digest"]["sha256"] == MODEL.removeprefix(PREFIX)
    assert Bundle.from_json(evidence_file(signed.folder, "prod").read_bytes())


def test_a_person_signs_by_their_address(tmp_path: Path, sigstore: Sigstore) -> None:
    found = sign(tmp_path, sigstore, sigstore.issuer.person("ada@example.com"), "ada@example.com", MAIL)
    assert proved(found.loaded).signed


def test_a_job_of_github_actions_signs_with_the_identity_it_is_given(
    tmp_path: Path, sigstore: Sigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ROOT).write_text(sigstore.trusted_root)
    (tmp_path / "signing.json").write_text(sigstore.signing_config)
    sigstore.ambient = sigstore.issuer.workflow(WORKFLOW)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{sigstore.url}/oidc/token")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", AMBIENT_KEY)
    loaded = asking(tmp_path, without="token")
    promoted(loaded, lock_of("prod", "staging"))
    assert proved(loaded).signed


def test_where_no_signature_is_asked_for_a_bundle_is_bound_by_its_digest(signed: Signed) -> None:
    loaded = asking_nothing(signed.folder)
    assert not proved(loaded).signed
    file = evidence_file(signed.folder, "prod")
    file.write_bytes(file.read_bytes() + b" ")
    assert "is not the evidence that was locked" in refused(loaded)


# Who signed.


def test_another_workflow_is_refused(tmp_path: Path, sigstore: Sigstore) -> None:
    sign(tmp_path, sigstore, sigstore.issuer.workflow(FORK), FORK)
    told = refused(asking(tmp_path))
    assert f"it is signed by {FORK}, for whom {GITHUB} vouches" in told
    assert f"asked for is {WORKFLOW}" in told
    assert "promotion.signature" in told


def test_one_of_several_identities_is_enough(tmp_path: Path, sigstore: Sigstore) -> None:
    other = WORKFLOW.replace("deliver", "commands")
    sign(tmp_path, sigstore, sigstore.issuer.workflow(other), other)
    assert f"asked for is {WORKFLOW} or {FORK}" in refused(asking(tmp_path, [WORKFLOW, FORK]))
    assert proved(asking(tmp_path, [WORKFLOW, other])).signed


def test_another_branch_is_another_identity(tmp_path: Path, sigstore: Sigstore) -> None:
    branch = WORKFLOW.replace("/main", "/main2")
    sign(tmp_path, sigstore, sigstore.issuer.workflow(branch), branch)
    assert "refs/heads/main2" in refused(asking(tmp_path))


def test_the_same_name_by_another_issuer_is_refused(tmp_path: Path, sigstore: Sigstore) -> None:
    other = "https://login.elsewhere.example"
    token = sigstore.issuer.person("ada@example.com", other)
    sign(tmp_path, sigstore, token, "ada@example.com", other)
    told = refused(asking(tmp_path, "ada@example.com", MAIL))
    assert f"for whom {other} vouches" in told
    assert f"for whom {MAIL} vouches" in told


# Whom to believe.


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("certificateAuthorities", "its certificate is not of this trust root"),
        ("ctlogs", "SCT"),
        ("tlogs", "invalid log entry"),
    ],
)
def test_a_trust_root_that_knows_another_part_refuses(signed: Signed, part: str, why: str) -> None:
    root, other = json.loads((signed.folder / ROOT).read_text()), json.loads(Sigstore().trusted_root)
    (signed.folder / ROOT).write_text(json.dumps({**root, part: other[part]}))
    told = refused(signed.loaded)
    assert why in told
    assert "promotion.signature.trust_root" in told


def test_the_public_sigstore_is_what_the_library_carries(signed: Signed) -> None:
    assert "its certificate is not of this trust root" in refused(
        asking(signed.folder, without="trust_root signing_config")
    )
    assert not any(Path(os.environ["HOME"]).rglob("trusted_root.json"))


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", '{"mediaType": "x"}', "[" * 100_000, "emptied", "device", " " * 2_000_000]
)
def test_a_trust_root_that_is_none_is_told_at_its_line(signed: Signed, text: str | None) -> None:
    file = signed.folder / ROOT
    if text is None:
        file.unlink()
    elif text == "device":
        file.unlink()
        file.symlink_to("/dev/zero")
    elif text == "emptied":
        root = json.loads(file.read_text())
        file.write_text(json.dumps({**root, "certificateAuthorities": []}))
    else:
        file.write_text(text)
    with pytest.raises(InvalidProject, match=r"the trust root root\.json cannot be used") as caught:
        proved(signed.loaded)
    (told,) = caught.value.diagnostics
    assert told.span is not None
    assert told.hint


# The other way to sign.


def test_what_a_key_signed_is_refused_where_an_identity_is_asked(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, key_pair(signed.folder))
    promoted(asking_a_key(signed.folder), lock_of("prod", "staging"))
    told = refused(asking(signed.folder))
    assert "it carries the signature of a key, and prod asks for the identity" in told


def test_what_nobody_signed_is_refused_where_an_identity_is_asked(signed: Signed) -> None:
    promoted(asking_nothing(signed.folder), lock_of("prod", "staging"))
    assert "it is not signed, and prod asks for the identity" in refused(asking(signed.folder))


def test_what_an_identity_signed_is_refused_where_a_key_is_asked(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, key_pair(signed.folder))
    told = refused(asking_a_key(signed.folder))
    assert "it is signed by an identity, and prod asks for the key release.pub" in told


def test_without_the_library_the_extra_is_named(signed: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sigstore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sigstore", None)
    for action in (proved, lambda loaded: promoted(loaded, lock_of("prod", "staging"))):
        with pytest.raises(StepProblem, match="is not installed") as caught:
            action(signed.loaded)
        (told,) = caught.value.diagnostics
        assert told.hint == "pip install 'mlopsctl[sigstore]'"
        assert told.span is not None
    assert not proved(asking_nothing(signed.folder)).signed
