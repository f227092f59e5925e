"""A registered model that is adopted: which version is meant, and what tells it from one of the same number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlopsctl.components.adopt import AdoptParameters
from mlopsctl.config.load import load_project
from mlopsctl.delivery.adopt import adopting
from mlopsctl.lowering.lower import lower
from mlopsctl.registry import adopt
from mlopsctl.step.key import Surroundings, key_material, step_key

PROJECT = """
version: 1
name: x
data: {d: {source: {kind: csv, uri: rows.csv}, label: y}}
training:
  task: classification
  targets: {lr: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}}
evaluation: {gates: [{name: floor, kind: threshold, metric: accuracy, min: 0.6}]}
"""


@dataclass(frozen=True)
class Version:
    """What MLflow says of a version."""

    version: str = "3"
    run_id: str | None = "r1"
    source: str = "models:/m-1"
    creation_timestamp: int = 1_700_000_000_000


class Client:
    """A registry that holds one version."""

    def __init__(self, held: Version) -> None:
        self.held = held

    def get_model_version(self, name: str, version: str) -> Version:
        return self.held

    def get_model_version_by_alias(self, name: str, alias: str) -> Version:
        return self.held


def _held(monkeypatch: pytest.MonkeyPatch, version: Version) -> None:
    @contextmanager
    def asking(tracking: str, what: str = "") -> Iterator[Client]:
        yield Client(version)

    monkeypatch.setattr(adopt, "asking", asking)


def test_a_version_is_known_by_its_run_its_source_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    _held(monkeypatch, Version(run_id=None))
    found = adopt.resolve("sqlite:///x.db", "models:/iris@champion")
    assert (found.name, found.version) == ("iris", "3")
    assert found.origin == {"run": "", "source": "models:/m-1", "created": "1700000000000"}


def test_a_registry_made_anew_is_another_origin_for_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlops.yaml").write_text(PROJECT)
    loaded = load_project(tmp_path / "mlops.yaml")
    stores: Any = SimpleNamespace(tracking="sqlite:///x.db")

    def key(version: Version) -> str:
        _held(monkeypatch, version)
        lowered = adopting(loaded, stores, lower(loaded), "models:/iris/3")
        step = next(step for step in lowered.pipeline.steps if step.component == "adopt")
        assert AdoptParameters.model_validate(step.parameters).version == "3"
        around = Surroundings(packages=dict.fromkeys(step.packages, "1"))
        return step_key(key_material(step, {}, around))

    first = Version()
    others = [replace(first, run_id="r2"), replace(first, source="models:/m-2"), replace(first, creation_timestamp=1)]
    assert key(first) == key(Version())
    assert len({key(first), *map(key, others)}) == 4
