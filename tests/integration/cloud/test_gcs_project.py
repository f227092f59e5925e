"""A project whose data and artifacts are on gs://: the same artifacts as on this machine, and nothing to do twice."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.storage", reason="the environment of the cloud tests is needed")

from tests.doubles.gcs import CloudStorage
from tests.integration.cli import call

BUCKET = "penguins-prod"
PROJECT = """
version: 1
name: penguins
level: 0
stores: {{artifacts: "{artifacts}"}}
data:
  penguins:
    source: {source}
    label: species
training:
  task: classification
  targets:
    logistic: {{kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}}
evaluation:
  gates:
    - {{name: floor, kind: threshold, metric: accuracy, min: 0.6}}
"""


@pytest.fixture
def cloud() -> Iterator[CloudStorage]:
    with CloudStorage([BUCKET]) as running:
        yield running


def rows() -> bytes:
    """Two kinds of birds that differ in their bills."""
    chance = random.Random(7)
    lines = ["bill,flipper,species"]
    for number in range(400):
        kind = number % 2
        lines.append(f"{40 + 8 * kind + chance.gauss(0, 2):.3f},{190 + chance.gauss(0, 5):.3f},{'ab'[kind]}")
    return "\n".join(lines).encode() + b"\n"


def project(folder: Path, *, artifacts: str, source: str) -> Path:
    folder.mkdir()
    (folder / "mlops.yaml").write_text(PROJECT.format(artifacts=artifacts, source=source))
    return folder


def digests(folder: Path) -> list[tuple[str, str]]:
    """The types and digests of all artifacts; those that hold times and versions of a registry are their own."""
    with closing(sqlite3.connect(folder / ".mlops" / "metadata.db")) as connection:
        found = connection.execute(
            "SELECT t.name, a.uri FROM Artifact a JOIN Type t ON a.type_id = t.id "
            "WHERE t.name NOT IN ('InfraBlessing', 'PushedModel') ORDER BY 1, 2"
        ).fetchall()
    return [(name, uri.rpartition("manifests/")[2]) for name, uri in found]


def test_apply_on_gs_gives_the_artifacts_of_a_local_run_and_the_second_plan_is_empty(
    cloud: CloudStorage, tmp_path: Path
) -> None:
    cloud.put(BUCKET, "data/penguins.csv", rows())
    here = project(tmp_path / "here", artifacts=".mlops/artifacts", source="{kind: csv, uri: rows.csv}")
    (here / "rows.csv").write_bytes(rows())
    there = project(
        tmp_path / "there",
        artifacts=f"gs://{BUCKET}/artifacts",
        source=f'{{kind: csv, uri: "gs://{BUCKET}/data/penguins.csv"}}',
    )
    for folder in (here, there):
        applied = call(folder, "apply", "--yes")
        assert applied.code == 0, applied
    assert digests(there) == digests(here)
    assert len(digests(there)) > 5
    assert not (there / ".mlops" / "artifacts").exists()
    with cloud.counted() as made:
        planned = call(there, "plan", "--detailed-exitcode")
    assert planned.code == 0, planned
    assert [one for one in made if one.startswith(("POST", "PUT", "PATCH", "DELETE"))] == [], "a plan writes nothing"
    assert not any("penguins.csv" in one and "alt=media" in one for one in made), "a plan downloads no data"
    # A new object under the name is a change, the same bytes written again are none.
    cloud.put(BUCKET, "data/penguins.csv", rows())
    assert call(there, "plan", "--detailed-exitcode").code == 0
    cloud.put(BUCKET, "data/penguins.csv", rows() + b"41.0,191.0,a\n")
    changed = call(there, "plan", "--detailed-exitcode")
    assert changed.code == 2, changed
    for command in (("doctor",), ("fsck",), ("gc", "--dry-run")):
        done = call(there, *command)
        assert done.code == 0, done


def test_a_missing_object_is_told_at_its_line(cloud: CloudStorage, tmp_path: Path) -> None:
    cloud.put(BUCKET, "data/penguins.csv", rows())
    folder = project(
        tmp_path / "there",
        artifacts=".mlops/artifacts",
        source=f'{{kind: csv, uri: "gs://{BUCKET}/data/pengiuns.csv"}}',
    )
    assert call(folder, "validate").code == 0, "validate asks nobody"
    planned = call(folder, "plan")
    assert planned.code == 65, planned
    assert f"there is no object gs://{BUCKET}/data/pengiuns.csv" in planned.err + planned.out
    assert f"did you mean gs://{BUCKET}/data/penguins.csv" in planned.err + planned.out
    assert "mlops.yaml:8:" in planned.err + planned.out
