"""Evidence that somebody changed, with a lock that fits: certificate, log, payload, any byte."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.promotion.follow import follow
from mlopsctl.ground.digest import PREFIX
from mlopsctl.ground.errors import Undecided
from mlopsctl.lowering.release_lock import evidence_file
from tests.doubles.sigstore import Sigstore
from tests.doubles.sigstore.issuer import GITHUB
from tests.integration.sigstore.scene import WORKFLOW, Json, Signed, proved, put, refused, shut, sign
from tests.unit.delivery.promotion.scene import MODEL, OTHER, lock_of

# A changed certificate may say what cryptography warns of.
ODD = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


def test_another_payload_is_refused_though_the_lock_fits(signed: Signed) -> None:
    envelope = signed.bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"]).replace(
        MODEL.removeprefix(PREFIX).encode(), OTHER.removeprefix(PREFIX).encode()
    )
    envelope["payload"] = base64.b64encode(payload).decode()
    told = refused(signed.with_(signed.bundle, lock_of("prod", "staging", OTHER)))
    assert "DSSE: invalid signature" in told


def test_another_certificate_of_the_right_identity_is_refused(signed: Signed, sigstore: Sigstore) -> None:
    """All of it is true of the certificate, but for its key: that signed nothing."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    then = datetime.fromtimestamp(int(signed.entry["integratedTime"]), UTC)
    certificate = sigstore.fulcio.certificate(key, WORKFLOW, GITHUB, at=then).public_bytes(Encoding.DER)
    signed.bundle["verificationMaterial"]["certificate"]["rawBytes"] = base64.b64encode(certificate).decode()
    assert "DSSE: invalid signature" in refused(signed.with_(signed.bundle))


def test_the_proof_of_another_entry_is_refused(signed: Signed, sigstore: Sigstore) -> None:
    other = inner_entry(sigstore, 1)
    signed.entry["inclusionProof"] = other["inclusionProof"]
    assert "inclusion proof" in refused(signed.with_(signed.bundle))


def test_the_whole_entry_of_another_promotion_is_refused(
    signed: Signed, sigstore: Sigstore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = sign(tmp_path_factory.mktemp("other"), sigstore, sigstore.issuer.workflow(WORKFLOW))
    signed.bundle["verificationMaterial"]["tlogEntries"] = [other.entry]
    assert "log entry" in refused(signed.with_(signed.bundle))


def forged_promise(entry: Json) -> None:
    entry["inclusionPromise"]["signedEntryTimestamp"] = base64.b64encode(b"0" * 70).decode()


def later(entry: Json) -> None:
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)


def moved(entry: Json) -> None:
    entry["logIndex"] = str(int(entry["logIndex"]) + 1)


def forged_checkpoint(entry: Json) -> None:
    """Signed by a log that nobody knows, under the right name."""
    proof = entry["inclusionProof"]
    stranger = Sigstore().rekor.checkpoint(base64.b64decode(proof["rootHash"]), int(proof["treeSize"]))
    known = base64.b64decode(proof["checkpoint"]["envelope"].split()[-1])[:4]
    head, _, signature = stranger.rstrip("\n").rpartition(" ")
    text = base64.b64encode(known + base64.b64decode(signature)[4:]).decode()
    proof["checkpoint"]["envelope"] = f"{head} {text}\n"


def no_checkpoint(entry: Json) -> None:
    del entry["inclusionProof"]["checkpoint"]


def no_promise(entry: Json) -> None:
    del entry["inclusionPromise"]


def no_time(entry: Json) -> None:
    del entry["integratedTime"]


def no_proof(entry: Json) -> None:
    del entry["inclusionProof"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (forged_promise, "SET"),
        (later, "SET"),
        (moved, "SET"),
        (forged_checkpoint, "checkpoint"),
        (no_checkpoint, "checkpoint"),
        (no_promise, "inclusion promise or signed timestamp"),
        (no_time, "not enough sources of verified time"),
        (no_proof, "inclusionProof"),
    ],
)
def test_what_the_log_says_cannot_be_forged(signed: Signed, change: Callable[[Json], None], why: str) -> None:
    change(signed.entry)
    assert why in refused(signed.with_(signed.bundle))


def inner_entry(sigstore: Sigstore, index: int | None = None) -> Json:
    """An entry of the log (the newest by default), as a bundle holds it."""
    from sigstore.models import TransparencyLogEntry

    at = len(sigstore.rekor._leaves) - 1 if index is None else index
    answer = sigstore.rekor.entry(at)
    if index is not None:
        # What others logged is no DSSE entry; only its proof is looked at.
        answer["body"] = base64.b64encode(sigstore.rekor._leaves[-1]).decode()
    inner: Json = TransparencyLogEntry._from_v1_response({"x": answer})._inner.to_dict()
    return inner


@pytest.mark.parametrize("late", [3600, -3600])
def test_a_certificate_counts_only_while_it_is_valid_by_the_logs_clock(
    tmp_path: Path, sigstore: Sigstore, late: int
) -> None:
    """Everything is signed by whom it should, and the log took it when the certificate did not count."""
    found = sign(tmp_path, sigstore, sigstore.issuer.workflow(WORKFLOW))
    sigstore.rekor.late = late
    found.bundle["verificationMaterial"]["tlogEntries"] = [inner_entry(sigstore)]
    assert "did not count when it signed" in refused(found.with_(found.bundle))


def test_an_entry_proved_again_by_a_grown_log_is_as_good(tmp_path: Path, sigstore: Sigstore) -> None:
    """The certificate is long gone when the log is asked again; the time that it promised first is what counts."""
    found = sign(tmp_path, sigstore, sigstore.issuer.workflow(WORKFLOW))
    index = len(sigstore.rekor._leaves) - 1
    sigstore.rekor._leaves += [b"one more", b"and one"]
    proof = sigstore.rekor.entry(index)["verification"]["inclusionProof"]
    found.entry["inclusionProof"] |= {
        "rootHash": base64.b64encode(bytes.fromhex(proof["rootHash"])).decode(),
        "treeSize": str(proof["treeSize"]),
        "hashes": [base64.b64encode(bytes.fromhex(one)).decode() for one in proof["hashes"]],
        "checkpoint": {"envelope": proof["checkpoint"]},
    }
    assert proved(found.with_(found.bundle)).signed


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b"{" * 5000, b'{"dsseEnvelope": {}}'])
def test_what_is_no_bundle_is_refused(signed: Signed, content: bytes) -> None:
    put(signed.folder, content)
    assert "proves nothing" in refused(signed.loaded)


def test_lost_evidence_is_refused(signed: Signed) -> None:
    evidence_file(signed.folder, "prod").unlink()
    assert "cannot be read" in refused(signed.loaded)


def harmless(loaded: Loaded, content: bytes) -> bool:
    """Whether changed evidence proves just what it proved; anything else must be refused."""
    put(loaded.folder, content)
    try:
        found = follow(loaded)
    except Undecided:
        return False
    assert found is not None
    assert found.signed
    assert found.statement.models == (MODEL,)
    return True


@ODD
@pytest.mark.timeout(900)
def test_every_flipped_byte_is_refused_or_harmless(signed: Signed) -> None:
    """The lock fits each time, as if somebody had changed both files; so it is the signature that must notice."""
    good = evidence_file(signed.folder, "prod").read_bytes()
    flipped = ((at, good[:at] + bytes([good[at] ^ (1 << at % 7)]) + good[at + 1 :]) for at in range(0, len(good), 3))
    with shut():
        passed = [at for at, bad in flipped if harmless(signed.loaded, bad)]
    # Nothing is proved by white space, nor by bits of base64 that encode nothing.
    assert len(passed) < len(good) / 20
    for name in ("payload", "sig", "rawBytes", "signedEntryTimestamp", "rootHash"):
        start = good.index(f'"{name}": "'.encode()) + len(name) + 5
        end = good.index(b'"', start)
        assert not [at for at in passed if start <= at < end - 3], name


@ODD
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_other_bytes_prove_anything_else(signed: Signed, data: st.DataObject) -> None:
    good = json.dumps(signed.bundle, indent=1, sort_keys=True).encode()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 20)))
    bad = good[:start] + data.draw(st.binary(max_size=20)) + good[end:]
    with shut():
        harmless(signed.loaded, bad)
