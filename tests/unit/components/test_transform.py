"""The transform component: what it proves, and what that must not leave in the transformer."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mlopsctl.components.transform import TransformParameters, run
from mlopsctl.frameworks.packed import OwnModules
from mlopsctl.ground.errors import StepProblem
from tests.unit.frameworks.making import examples, fares, work

KEEPING = """
from sklearn.base import BaseEstimator, TransformerMixin

class Keeping(BaseEstimator, TransformerMixin):
    def fit(self, rows, labels=None):
        self.seen_ = []
        self.fitted_ = len(rows)
        return self

    def transform(self, rows):
        if len(rows) != self.fitted_:
            self.seen_.append(len(rows))
        if len(self.seen_) > LIMIT:
            raise ValueError("seen enough")
        return rows.fillna(0.0)

    def get_feature_names_out(self, names=None):
        return names
"""


def _run(folder: Path, limit: int) -> Path:
    (folder / "keeping.py").write_text(KEEPING.replace("LIMIT", str(limit)))
    data = examples(folder / "data", fares(), "fare")
    doing = work(folder, {"examples": data}, ("transform_graph",), project=folder)
    written = {"columns": ["miles", "hour"], "kind": "python", "entrypoint": "keeping:Keeping"}
    run(doing, TransformParameters.model_validate({"features": [written]}))
    return doing.outputs["transform_graph"]


def test_what_is_packed_has_seen_the_train_split_only(tmp_path: Path) -> None:
    graph = _run(tmp_path, limit=1)
    with OwnModules.of(graph / "code")():
        transformer = pickle.loads((graph / "transform.pkl").read_bytes())
        assert len(transformer.transform(fares(7))) == 7
        with pytest.raises(ValueError, match="seen enough"):
            transformer.transform(fares(8))


def test_a_transformer_that_does_not_take_other_rows_is_told(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="the rows of the validation split cannot be transformed: seen enough"):
        _run(tmp_path, limit=0)
