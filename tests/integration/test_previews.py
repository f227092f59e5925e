"""An environment for a pull request: made, judged against what its origin serves, listed, and taken down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli import call, processes_of

pytestmark = pytest.mark.timeout(900)

DATA = """
import pandas as pd

def load() -> pd.DataFrame:
    sizes = [float(i % 40) for i in range(400)]
    return pd.DataFrame({"size": sizes, "big": ["yes" if size > 19 else "no" for size in sizes]})
"""

PROJECT = """
version: 1
name: sizes
data:
  sizes:
    source: {kind: python, entrypoint: "sizes_data:load"}
    label: big
    positive: "yes"
training:
  task: classification
  targets:
    tree: {kind: sklearn, estimator: sklearn.tree.DecisionTreeClassifier, params: {max_depth: 3}}
evaluation:
  metrics: [accuracy]
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.5}
    - {name: not-worse, kind: change, metric: accuracy, against: champion, min: -0.02}
deployment:
  server: {kind: mlflow}
triggers:
  - {kind: schedule, cron: "@daily"}
previews: {of: dev, ttl: 2d}
environments:
  dev: {}
  prod: {}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose ``dev`` serves a good model."""
    folder = tmp_path_factory.mktemp("previews")
    (folder / "mlops.yaml").write_text(PROJECT)
    (folder / "sizes_data.py").write_text(DATA)
    done = call(folder, "apply", "-e", "dev", "--yes", timeout=400)
    assert done.code == 0, done
    yield folder
    call(folder, "preview", "remove", "7")
    call(folder, "destroy", "-e", "dev", "--yes")
    assert not [line for line in processes_of(folder) if "serve" in line]


def _steps(project: Path, environment: str) -> dict[str, str]:
    """What the plan says of each step, by its id."""
    lines = call(project, "plan", "-e", environment, "-o", "json").json["plan"]["lines"]
    return {line["name"]: line["action"] for line in lines if line["kind"] == "step"}


@pytest.mark.soak
def test_the_story_of_a_preview(project: Path) -> None:
    served = call(project, "status", "-e", "dev", "-o", "json").json["server"]

    assert set(_steps(project, "pr-7").values()) == {"keep"}, "what dev computed is used again"

    worse = PROJECT.replace("max_depth: 3", "max_depth: 1, max_features: 1, splitter: random")
    (project / "mlops.yaml").write_text(worse.replace("min: -0.02", "min: 0.3"))
    refused = call(project, "apply", "-e", "pr-7", "--yes", timeout=400)
    assert refused.code == 3, refused
    assert "first release" not in refused.out, "it is judged against the champion of dev"

    (project / "mlops.yaml").write_text(worse.replace("min: -0.02", "min: -1"))
    done = call(project, "apply", "-e", "pr-7", "--yes", timeout=400)
    assert done.code == 0, done
    own = call(project, "status", "-e", "pr-7", "-o", "json").json["server"]
    assert own["healthy"]
    assert own["url"] != served["url"]
    assert call(project, "status", "-e", "dev", "-o", "json").json["server"] == served, "dev serves what it served"

    listed = call(project, "preview", "list", "-o", "json").json
    assert [(one["environment"], one["released"], one["expired"]) for one in listed] == [("pr-7", True, False)]
    assert listed[0]["expires"] - listed[0]["last_run"] == 2 * 24 * 3600 * 1000
    assert "No preview is expired" in call(project, "preview", "remove", "--expired").out

    merged = _steps(project, "dev")
    assert merged["train-tree"] == merged["evaluate"] == "keep", "what the preview computed is used after the merge"

    removed = call(project, "preview", "remove", "7", "8")
    assert removed.code == 0, removed
    assert "pr-7 is taken down" in removed.out
    assert "pr-8 does not stand" in removed.out
    assert call(project, "preview", "list").out == "No preview stands.\n"
    assert not call(project, "status", "-e", "pr-7", "-o", "json").json["server"]["running"]
    assert call(project, "status", "-e", "dev", "-o", "json").json["server"] == served
    (project / "mlops.yaml").write_text(PROJECT)


def test_an_expired_preview_goes_by_itself(project: Path) -> None:
    (project / "mlops.yaml").write_text(PROJECT.replace("ttl: 2d", "ttl: 1s"))
    done = call(project, "apply", "-e", "pr-9", "--yes", timeout=400)
    assert done.code == 0, done
    gone = call(project, "preview", "remove", "--expired")
    assert (gone.code, gone.out) == (0, "pr-9 is taken down; its models and results stay.\n")
    assert call(project, "preview", "remove", "--expired").out == "No preview is expired.\n"


def test_a_deployment_that_cannot_be_ended_is_said_before_anything_is_taken_down(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(PROJECT)
    refused = call(tmp_path, "preview", "remove", "7", "--deployment")
    assert refused.code == 64, refused
    assert "GITHUB_REPOSITORY" in refused.err
    assert "pr-7" not in refused.out
