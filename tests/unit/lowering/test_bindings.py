"""Which run-time parameter feeds which parameter of a step, and which places cannot be fed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.lowering.bindings import fixed_parameters
from mlopsctl.lowering.lower import lower
from mlopsctl.pipeline.ir import Step

PARAMETERS = {
    "day": "monday", "n": 3, "x": 0.5, "on": True, "load": "rows:load", "file": "rows.csv", "metric": "accuracy",
    "seed": 4,
}  # fmt: skip


def loaded(folder: Path, **sections: Any) -> Loaded:
    (folder / "rows.py").write_text("def load(**params):\n    return None\n")
    document = {"version": 1, "name": "p", "parameters": PARAMETERS, **sections}
    (folder / "mlops.yaml").write_text(json.dumps(document), encoding="utf-8")
    return load_project(folder)


def step(found: Loaded, id: str) -> Step:
    return lower(found).pipeline.step(id)


def fixed(found: Loaded) -> list[str]:
    return [name for _, name in fixed_parameters(found, lower(found).pipeline.steps)]


def component(**more: Any) -> dict[str, Any]:
    return {"one": {"run": {"kind": "command", "command": ["work"]}, **more}}


def trained(params: dict[str, Any], tune: dict[str, Any] | None = None) -> dict[str, Any]:
    target = {"kind": "sklearn", "estimator": "sklearn.svm.SVC", "params": params, **({"tune": tune} if tune else {})}
    return {
        "data": {"rows": {"source": {"kind": "csv", "uri": "rows.csv"}, "label": "y"}},
        "training": {"task": "classification", "targets": {"t": target}},
    }


def test_a_components_parameters_are_bound_where_they_stand(tmp_path: Path) -> None:
    parameters = {"n": "${parameters.n}", "deep": {"list": [1, "${parameters.x}"]}, "plain": 5}
    found = loaded(tmp_path, components=component(parameters=parameters))
    assert step(found, "one").bindings == {"parameters.n": "n", "parameters.deep.list.1": "x"}
    assert fixed(found) == []


def test_when_is_bound_under_its_own_name(tmp_path: Path) -> None:
    one = step(loaded(tmp_path, components=component(when="${parameters.on}")), "one")
    assert one.bindings == {"when": "on"}
    assert one.condition == "on"


def test_text_around_a_parameter_is_kept_with_everything_else_replaced(tmp_path: Path) -> None:
    text = "${vars.root}/${parameters.day}-${parameters.n}.csv $${parameters.x} $$"
    found = loaded(tmp_path, vars={"root": "$$b"}, components=component(parameters={"t": text}))
    assert step(found, "one").bindings == {
        "parameters.t": "$$b/${parameters.day}-${parameters.n}.csv $${parameters.x} $$"
    }
    assert step(found, "one").parameters["parameters"] == {"t": "$b/monday-3.csv ${parameters.x} $"}


def test_a_target_and_its_search_are_bound_alike(tmp_path: Path) -> None:
    tune = {"method": "grid", "metric": "${parameters.metric}", "space": {"C": [0.1, "${parameters.x}"]}}
    found = loaded(tmp_path, **trained({"degree": "${parameters.n}", "random_state": "${parameters.seed}"}, tune))
    params = {"target.params.degree": "n", "target.params.random_state": "seed"}
    assert step(found, "train-t").bindings == params
    assert step(found, "tune-t").bindings == {
        **params, "tune.metric": "metric", "metric": "metric", "tune.space.C.1": "x",
    }  # fmt: skip
    assert fixed(found) == []


def test_a_source_is_bound_but_not_the_code_it_runs(tmp_path: Path) -> None:
    source = {"kind": "python", "entrypoint": "${parameters.load}", "params": {"day": "${parameters.day}"}}
    found = loaded(tmp_path, data={"rows": {"source": source}})
    assert step(found, "ingest-rows").bindings == {"source.params.day": "day"}
    assert fixed(found) == ["load"]


def test_a_location_is_bound(tmp_path: Path) -> None:
    found = loaded(tmp_path, data={"rows": {"source": {"kind": "csv", "uri": "${parameters.file}"}}})
    assert step(found, "ingest-rows").bindings == {"source.uri": "file"}


def test_features_are_bound_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("class T:\n    def __init__(self, n):\n        pass\n")
    features = [
        {"kind": "drop", "columns": ["a"]},
        {"kind": "python", "entrypoint": "own:T", "columns": ["b"], "params": {"n": "${parameters.n}"}},
    ]
    found = loaded(tmp_path, features=features, **trained({}))
    assert step(found, "transform").bindings == {"features.1.params.n": "n"}


@pytest.mark.parametrize(
    "sections",
    [
        trained({}, {"method": "grid", "enabled": "${parameters.on}", "space": {"C": [1.0]}}),
        {"components": component(parameters={"deep": {"a.b": "${parameters.n}"}})},
        {
            "data": {
                "rows": {"source": {"kind": "duckdb", "query": "SELECT * FROM a", "files": {"a": "${parameters.file}"}}}
            }
        },
    ],
)
def test_what_decides_about_the_pipeline_is_fixed(tmp_path: Path, sections: dict[str, Any]) -> None:
    found = loaded(tmp_path, **sections)
    assert len(fixed(found)) == 1
    assert all(not one.bindings for one in lower(found).pipeline.steps)


def test_bindings_change_no_digest(tmp_path: Path) -> None:
    bound = lower(loaded(tmp_path, components=component(parameters={"n": "${parameters.n}"}))).pipeline
    plain = lower(loaded(tmp_path, components=component(parameters={"n": 3}))).pipeline
    assert bound.digest == plain.digest
