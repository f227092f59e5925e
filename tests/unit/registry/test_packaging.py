"""What goes into an MLflow model beside the packed model's bytes."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from mlopsctl.evidence import Measurement
from mlopsctl.registry.package import packed_folder, sample
from mlopsctl.registry.requirements import pickled_modules, requirements
from mlopsctl.registry.tracking import metric_values, safe_name


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_modules_of_a_pickle_are_found_without_loading_it(protocol: int) -> None:
    thing = {"pandas": OrderedDict(), "array": np.arange(3), "text": ["sklearn", "sklearn.linear_model", "xgboost"]}
    found = pickled_modules(pickle.dumps([thing, thing, Path("x")], protocol=protocol))
    assert {"collections", "numpy"} <= found
    assert not {"pandas", "sklearn", "xgboost"} & found


def test_requirements_name_what_the_model_is_made_of_at_the_installed_versions(tmp_path: Path) -> None:
    (tmp_path / "estimator.pkl").write_bytes(pickle.dumps(LogisticRegression()))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine.py").write_text("import json\nfrom scipy.special import expit\nfrom . import other\n")
    found = {line.partition("==")[0] for line in requirements(tmp_path)}
    assert found == {"mlflow", "numpy", "pandas", "scikit-learn", "scipy"}
    assert all("==" in line for line in requirements(tmp_path))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("accuracy", "accuracy"),
        ("accuracy/island:Tor'gersen", "accuracy/island:Tor_gersen"),
        ("f1@0.5", "f1_0.5"),
        ("größe", "gr__e"),
        ("a/../b", "a/_/b"),
        ("a//b", "a/_/b"),
        ("/a/", "_/a/_"),
        ("", "_"),
        ("..", "_"),
    ],
)
def test_names_are_made_such_that_mlflow_takes_them(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.text(max_size=400))
def test_every_text_becomes_a_name_that_mlflow_takes(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name) <= 250
    assert all(letter.isascii() and (letter.isalnum() or letter in "_-. :/") for letter in name)
    assert all(part not in ("", ".", "..") for part in name.split("/"))


def test_only_finite_measurements_become_metrics() -> None:
    measured = [
        Measurement("accuracy", 0.5, 10),
        Measurement("auc", None, 0, problem="one class"),
        Measurement("log_loss", float("inf"), 10),
        Measurement("accuracy", 0.25, 4, slice="island=Biscoe"),
    ]
    assert metric_values(measured) == {"accuracy": 0.5, "accuracy/island:Biscoe": 0.25}


def examples(folder: Path, **rows: int) -> Path:
    for split in ("train", "validation", "test"):
        table = pa.table({"b": pa.array(range(rows.get(split, 0)), pa.int64()), "a": ["x"] * rows.get(split, 0)})
        pq.write_table(table, folder / f"{split}.parquet")
    return folder


def test_a_sample_is_the_first_test_rows_in_the_models_order(tmp_path: Path) -> None:
    found = sample(examples(tmp_path, train=9, test=5), ["a", "b"], 3)
    assert found.split == "test"
    assert list(found.rows.columns) == list(found.types.names) == ["a", "b"]
    assert list(found.rows["b"]) == [0, 1, 2]


def test_where_the_test_split_is_empty_the_next_is_sampled(tmp_path: Path) -> None:
    assert sample(examples(tmp_path, train=9), ["b"], 3).split == "train"
    assert sample(examples(tmp_path), ["b"], 3).rows.empty


def test_the_packed_model_is_found_inside_the_mlflow_model(tmp_path: Path) -> None:
    assert packed_folder(tmp_path) is None
    (tmp_path / "data" / "anything").mkdir(parents=True)
    (tmp_path / "data" / "anything" / "model.json").write_text("{}")
    assert packed_folder(tmp_path) == tmp_path / "data" / "anything"
