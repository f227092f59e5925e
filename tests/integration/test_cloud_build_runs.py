"""What `ci init` writes for Cloud Build, run for real: checks on a pull request, and a model's way to production."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.cloud_build_runner import CloudBuilds, Ran, builds, credential
from tests.integration.pulls import begin, change, checks, corners, merge

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
    pytest.mark.timeout(3000),
]

PROJECT = """version: 1
name: corners
data:
  corners:
    source: {kind: csv, uri: corners.csv}
    label: label
training:
  task: classification
  targets:
    forest: {kind: sklearn, estimator: sklearn.ensemble.RandomForestClassifier, params: {n_estimators: 20}}
evaluation:
  metrics: [accuracy]
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.8}
ci:
  - {kind: cloud_build, project: p-1234, repository: acme/models, environment: trialPUBLISH}
environments:
  trial: {}
  dev:
    stores: &shared
      metadata: "sqlite:///SHARED/metadata.db"
      artifacts: "SHARED/artifacts"
      tracking: "sqlite:///SHARED/mlflow.db"
  staging:
    stores: *shared
    promotion: {from: dev, mode: approval}
  prod:
    stores: *shared
    promotion: {from: staging, mode: approval}
"""
WEAK = ("n_estimators: 20", "n_estimators: 1, max_depth: 1")


@pytest.fixture
def cloud() -> Iterator[CloudBuilds]:
    with builds() as running:
        yield running


def start(cloud: CloudBuilds, publish: str = "") -> None:
    """Commit the project, which publishes by an App, by a token, or not at all."""
    more = f", publish: {publish}" if publish else ""
    begin(cloud.repository, PROJECT.replace("PUBLISH", more), {"corners.csv": corners()})


def built(cloud: CloudBuilds, number: int, branch: str) -> Ran:
    """The one build of a pull request."""
    (build,) = cloud.pull_request(number, branch)
    assert (build.name, build.waits) == ("mlopsctl-corners-pull-request", False)
    return cloud.run(build)


def held(cloud: CloudBuilds, kind: str) -> list[Mapping[str, Any]]:
    """What stands on GitHub."""
    found: list[Mapping[str, Any]] = cloud.repository.github.snapshot()[kind]
    return found


def an_app(cloud: CloudBuilds) -> None:
    """The App of the GitHub double, whose key Secret Manager keeps."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    cloud.repository.github.key = public.decode()
    cloud.secrets |= {"MLOPSCTL_GITHUB_APP_ID": "4711", "MLOPSCTL_GITHUB_APP_KEY": private.decode()}


def test_a_pull_request_gets_one_check_for_each_gate_on_its_commit_and_one_comment(cloud: CloudBuilds) -> None:
    an_app(cloud)
    cloud.secrets["GITHUB_PULL_REQUEST_TOKEN"] = "user-reads"
    start(cloud, "app")

    number, commit = change(cloud.repository, "weak", *WEAK)
    ran = built(cloud, number, "weak")
    assert not ran.ok, ran
    assert ran.steps["run"] == ran.steps["report"] == 3, ran
    found = checks(cloud.repository, commit)
    assert found["floor"] == "failure", (found, ran)
    assert found["policy"] == "success", (found, ran)

    number, commit = change(cloud.repository, "more", "n_estimators: 20", "n_estimators: 30")
    ran = built(cloud, number, "more")
    assert ran.ok, ran
    found = checks(cloud.repository, commit)
    assert set(found.values()) == {"success"}, (found, ran)
    assert {"floor", "plan", "policy", "level"} <= set(found)
    assert {one["app"]["id"] for one in held(cloud, "checks")} == {4711}
    pages = {one["details_url"] for one in held(cloud, "checks") if one["head_sha"] == commit}
    assert all(page.startswith("https://console.cloud.google.com/cloud-build/builds;region=global/0") for page in pages)
    (comment,) = [one for one in held(cloud, "comments") if one["issue"] == number]
    assert "changed or not committed" not in comment["body"], "the build's own files are no part of the project"

    # Built again, as by `/gcbrun`, it says the same in the same places.
    ran = built(cloud, number, "more")
    assert ran.ok, ran
    assert set(checks(cloud.repository, commit)) == set(found)
    assert [one["issue"] for one in held(cloud, "comments")].count(number) == 1
    assert "password=user-reads" in credential(ran, "user-reads")


@pytest.mark.parametrize("publish", ["", "token"])
def test_without_an_app_statuses_are_set_or_the_log_has_it_all(cloud: CloudBuilds, publish: str) -> None:
    cloud.repository.github.may = frozenset({"statuses", "issues", "pulls"})
    if publish:
        cloud.secrets["GITHUB_PULL_REQUEST_TOKEN"] = "user-pull-requests"
    start(cloud, publish)
    number, commit = change(cloud.repository, "more", "n_estimators: 20", "n_estimators: 30")
    ran = built(cloud, number, "more")
    assert ran.ok, ran
    assert "mlopsctl / corners / trial: success" in ran.text
    assert held(cloud, "checks") == []
    told = {one["context"].rpartition(" / ")[2]: one["state"] for one in held(cloud, "statuses")}
    assert {one["sha"] for one in held(cloud, "statuses")} <= {commit}
    assert told.get("floor") == ("success" if publish else None)
    assert [one["issue"] for one in held(cloud, "comments")] == ([number] if publish else [])


@pytest.mark.soak
def test_what_was_merged_comes_to_production_behind_an_approval(cloud: CloudBuilds) -> None:
    cloud.secrets["GITHUB_TOKEN"] = "user-delivers"
    start(cloud)

    # What was merged is applied to dev and proposed for staging; staging itself waits.
    (build,) = cloud.push()
    ran = cloud.run(build)
    assert ran.ok, ran
    assert "Nothing was promoted into staging yet." in ran.text
    (proposed,) = held(cloud, "pulls")
    assert proposed["base"]["ref"] == "main"
    assert "password=user-delivers" in credential(ran, "user-delivers")

    # Built again, nothing is proposed twice.
    ran = cloud.run(build)
    assert ran.ok, ran
    assert len(held(cloud, "pulls")) == 1

    # The merge of the lock brings the same model to staging, which proposes it for prod.
    merge(cloud.repository, proposed["head"]["ref"])
    (build,) = cloud.push()
    ran = cloud.run(build)
    assert ran.ok, ran
    assert "Approved by Cloud Build 00000000-" in ran.text
    assert build.name == "mlopsctl-corners-deliver"
    merge(cloud.repository, held(cloud, "pulls")[-1]["head"]["ref"])
    locks = [cloud.repository.clone / "environments" / f"{name}.lock.yaml" for name in ("staging", "prod")]
    staging, prod = (next(line for line in lock.read_text().splitlines() if "digest:" in line) for lock in locks)
    assert staging == prod
    assert "commit: " in locks[0].read_text(), "a model whose commit is not known cannot be made again"

    # A tag asks for the release, which waits until somebody approves the build.
    assert cloud.tag("w1") == []
    (build,) = cloud.tag("v1")
    assert (build.name, build.waits) == ("mlopsctl-corners-release", True)
    assert " -e prod" not in "".join(cloud.repository.called)
    ran = cloud.run(build, approved=True)
    assert ran.ok, ran
    assert list(ran.steps) == ["install", "apply-prod"]
    assert cloud.repository.called[-1] == "apply -e prod --yes"
