"""Projects whose files for a CI are looked at: from one that has everything by default to one that has everything."""

from __future__ import annotations

import subprocess
from pathlib import Path

PLAIN = """version: 1
name: plain
data:
  numbers: {source: {kind: csv, uri: numbers.csv}}
"""

CHAIN = """version: 1
name: chain
level: 1
parameters: {seed: 1, rows: 1000}
data:
  numbers: {source: {kind: csv, uri: numbers.csv}}
triggers:
  - {kind: schedule, cron: "0 3 * * 1"}
previews: {of: staging}
environments:
  dev: {}
  staging:
    promotion: {from: dev, mode: approval}
    stores: &shared
      metadata: {secret: CHAIN_DATABASE}
      artifacts: gs://chain/artifacts
      tracking: https://mlflow.example
  prod:
    promotion:
      from: staging
      mode: approval
      signature: {kind: key, public_key: key.pem, private: {secret: CHAIN_KEY}}
    stores: *shared
    orchestrator:
      kind: kfp
      host: https://kfp.example
      image: europe-docker.pkg.dev/p-1234/team/chain
    notify:
      - {kind: webhook, url: {secret: CHAIN_HOOK}}
"""

GOOGLE = """    google:
      provider: projects/12/locations/global/workloadIdentityPools/pool/providers/github
      service_account: deployer@p-1234.iam.gserviceaccount.com
"""
CLOUD_BUILD = "  - {kind: cloud_build, project: p-1234, repository: me/chain}\n"


def put(place: Path, text: str, *, tests: bool = False, repository: Path | None = None) -> Path:
    """The project in a folder, below a git repository where one is named."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "mlops.yaml").write_text(text)
    (place / "numbers.csv").write_text("a,b\n1,2\n")
    if tests:
        (place / "tests").mkdir(exist_ok=True)
    if repository is not None:
        subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    return place
