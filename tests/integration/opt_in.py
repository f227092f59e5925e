"""A repository whose project asked for a publisher and for commands, as the tests of both workflows start from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.integration.pulls import TREE, begin, corners
from tests.integration.workflow_runner import Workflows, workflows

PROJECT = (
    """version: 1
name: corners
data:
  corners:
    source: {kind: csv, uri: corners.csv}
    label: label
    checks:
      - {name: enough-rows, kind: row_count, min: 100}
"""
    + TREE
    + """ci:
  - {kind: github_actions, environment: trial, forks: publisher, commands: true}
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
"""
)


def workflow(name: str) -> str:
    """Where a workflow of the project stands."""
    return f".github/workflows/mlopsctl-corners-{name}.yml"


@contextlib.contextmanager
def corners_with_opt_ins() -> Iterator[Workflows]:
    """The project with its workflows, committed to main."""
    with workflows() as running:
        begin(running, PROJECT, {"corners.csv": corners()})
        yield running
