"""A model moves into prod by a lock that an identity signed, from the command line; and nobody else's lock does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.sigstore import serving_sigstore
from tests.doubles.sigstore.issuer import MAIL
from tests.integration import cli
from tests.integration.cli import Done
from tests.integration.test_flowers import edit, write_data

pytestmark = pytest.mark.timeout(3600)

PROJECT = f"""\
version: 1
name: flowers
data:
  flowers: {{source: {{kind: csv, uri: flowers.csv}}, label: kind}}
training:
  task: classification
  targets:
    tree: {{kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {{max_depth: 6}}}}
evaluation:
  gates:
    - {{name: floor, kind: threshold, metric: accuracy, min: 0.4}}
environments:
  dev: {{}}
  prod:
    promotion:
      from: dev
      mode: auto
      signature:
        kind: sigstore
        identity: ada@example.com
        issuer: {MAIL}
        token: {{secret: TOKEN}}
        trust_root: root.json
        signing_config: signing.json
"""


def call(folder: Path, *arguments: str) -> Done:
    return cli.call(folder, *arguments, timeout=900)


@pytest.mark.soak
def test_a_model_moves_by_a_lock_that_an_identity_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data(tmp_path, rows=400)
    (tmp_path / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    assert (done := call(tmp_path, "apply", "-e", "dev")).code == 0, done
    with serving_sigstore() as sigstore:
        (tmp_path / "root.json").write_text(sigstore.trusted_root)
        (tmp_path / "signing.json").write_text(sigstore.signing_config)
        lock = tmp_path / "environments" / "prod.lock.yaml"

        done = call(tmp_path, "promote", "dev", "prod")
        assert done.code == 1, done
        assert "the secret TOKEN is not set" in done.err

        monkeypatch.setenv("TOKEN", sigstore.issuer.person("mallory@example.com"))
        done = call(tmp_path, "promote", "dev", "prod")
        assert done.code == 1, done
        assert "it is signed by mallory@example.com" in done.err
        assert "mlops.yaml:" in done.err
        assert not lock.exists()

        token = sigstore.issuer.person("ada@example.com")
        monkeypatch.setenv("TOKEN", token)
        done = call(tmp_path, "promote", "dev", "prod", "-o", "json")
        assert done.code == 0, done
        assert done.json["signed"] is True
        assert token not in done.out + done.err
        # No identity signs twice the same; so what stands there is left alone.
        written = lock.read_bytes()
        assert (done := call(tmp_path, "promote", "dev", "prod")).code == 0, done
        assert lock.read_bytes() == written

    # Sigstore is gone, and nobody signs any more.
    monkeypatch.delenv("TOKEN")
    edit(tmp_path, "ada@example.com", "grace@example.com")
    done = call(tmp_path, "apply", "-e", "prod")
    assert done.code == 4, done
    assert "it is signed by ada@example.com" in done.err
    assert "prod.lock.yaml:" in done.err
    edit(tmp_path, "grace@example.com", "ada@example.com")

    assert "a lock with signed evidence" in call(tmp_path, "plan", "-e", "prod").out
    assert (done := call(tmp_path, "apply", "-e", "prod")).code == 0, done
    models = [call(tmp_path, "status", "-e", name, "-o", "json").json["champion"]["model"] for name in ("dev", "prod")]
    assert models[0] == models[1]
