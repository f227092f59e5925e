"""Targets as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from mlopsctl.frameworks import PythonTarget, SklearnTarget, Target, XGBoostTarget

ADAPTER: TypeAdapter[object] = TypeAdapter(Target)

WRITTEN = [
    {"kind": "sklearn", "estimator": "sklearn.svm.SVC", "params": {"C": 1.5, "class_weight": {"0": 2}}},
    {"kind": "xgboost", "params": {"max_depth": 10}},
    {"kind": "python", "entrypoint": "trainers.own:fit", "output": "logits", "requirements": ["scipy"]},
    {"kind": "pytorch", "entrypoint": "trainers.torch_mlp:fit", "params": {"epochs": 2}},
    {"kind": "tensorflow", "entrypoint": "trainers.keras_mlp:fit"},
    {"kind": "command", "command": ["Rscript", "train.R", "--in", "{inputs.examples}"], "output": "probability"},
    {"kind": "container", "image": "r-base@sha256:" + "0" * 64, "command": ["Rscript", "train.R"]},
    {
        "kind": "sklearn",
        "estimator": "sklearn.linear_model.SGDClassifier",
        "tune": {
            "method": "tpe",
            "metric": "accuracy",
            "trials": 20,
            "parallel": 2,
            "space": {
                "alpha": {"low": 1e-5, "high": 0.1, "log": True},
                "penalty": ["l1", "l2", "elasticnet"],
                "l1_ratio": {"low": 0.0, "high": 1.0, "when": {"penalty": "elasticnet"}},
                "loss": {"values": ["hinge", "log_loss"], "when": {"penalty": "l2"}},
            },
        },
    },
]


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: str(written["kind"]))
def test_a_target_is_read_and_survives_json(written: dict[str, object]) -> None:
    target = ADAPTER.validate_python(written)
    assert ADAPTER.validate_python(ADAPTER.dump_python(target, mode="json")) == target


def test_what_cannot_be_executed_yet_says_so() -> None:
    waiting = {str(written["kind"]): bool(ADAPTER.validate_python(written).not_yet) for written in WRITTEN}  # type: ignore[attr-defined]
    assert waiting == {
        "sklearn": False, "xgboost": False, "python": False, "pytorch": True, "tensorflow": True, "command": False,
        "container": False,
    }  # fmt: skip


def tuned(space: dict[str, object]) -> dict[str, object]:
    tune = {"method": "tpe", "trials": 1, "space": {"a": space}}
    return {"kind": "sklearn", "estimator": "a.B", "tune": tune}


def searched(space: dict[str, object]) -> dict[str, object]:
    return {"kind": "sklearn", "estimator": "a.B", "tune": {"space": space}}


def test_a_condition_may_be_about_a_parameter_that_is_not_searched() -> None:
    ADAPTER.validate_python({**searched({"b": {"values": [3], "when": {"a": 7}}}), "params": {"a": 7}})


@pytest.mark.parametrize(
    ("written", "id"),
    [
        ({"kind": "sklearn", "estimator": "SVC"}, None),
        ({"kind": "python", "entrypoint": "own.fit"}, None),
        ({"kind": "sklearn", "estimator": "a.B", "param": {}}, "extra_forbidden"),
        ({"kind": "sklearn", "estimator": "a.B", "tune": {"space": {}}}, "too_short"),
        ({"kind": "sklearn", "estimator": "a.B", "tune": {"space": {"a": {"low": 0, "high": 1}}}}, "grid-range"),
        ({"kind": "sklearn", "estimator": "a.B", "tune": {"method": "random", "space": {"a": [1]}}}, "missing-trials"),
        ({"kind": "sklearn", "estimator": "a.B", "tune": {"metric": "acc", "space": {"a": [1]}}}, "unknown-metric"),
        (tuned({"low": 2, "high": 1}), "empty-range"),
        (tuned({"low": 0, "high": 1, "log": True}), "empty-range"),
        (tuned({"low": 0.1, "high": 1, "log": True, "step": 0.1}), "range-step"),
        (tuned({"low": 0.5, "high": 3, "int": True}), "range-int"),
        (tuned({"low": 1, "high": 9, "int": True, "step": 0.5}), "range-int"),
        (tuned({"values": [1], "when": {"b": 1}}), "condition-unknown"),
        (tuned({"values": [1], "when": {"a": 1}}), "condition-cycle"),
        (searched({"a": [1, 2], "b": {"values": [3], "when": {"a": 7}}}), "condition-never"),
        (searched({"a": {"values": [1], "when": {"b": 3}}, "b": {"values": [3], "when": {"a": 1}}}), "condition-cycle"),
        (searched({"a": list(range(101)), "b": list(range(100))}), "large-grid"),
        ({"kind": "command", "command": []}, "too_short"),
        ({"kind": "keras"}, "union_tag_invalid"),
    ],
)  # fmt: skip
def test_a_wrong_target_is_refused(written: dict[str, object], id: str | None) -> None:
    with pytest.raises(ValidationError) as raised:
        ADAPTER.validate_python(written)
    assert id is None or id in {error["type"] for error in raised.value.errors()}


def test_every_key_has_a_title_and_a_description() -> None:
    for name, definition in ADAPTER.json_schema()["$defs"].items():
        for key, field in definition.get("properties", {}).items():
            assert field.get("title"), f"{name}.{key}"
            assert field.get("description"), f"{name}.{key}"


def test_only_targets_with_an_entrypoint_have_code(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import helper\n")
    (tmp_path / "helper.py").write_text("")
    assert PythonTarget(entrypoint="own:fit").code(tmp_path) == ("helper.py", "own.py")
    assert SklearnTarget(estimator="sklearn.svm.SVC").code(tmp_path) == ()
    assert "xgboost-cpu" in XGBoostTarget().packages()
