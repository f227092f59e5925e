"""A slip in any key of the language is refused at the key, with the key that was meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.keys import keys_at, known_keys, value_at
from mlopsctl.config.load import check_project
from mlopsctl.config.project import Project
from mlopsctl.ground.model import Spec


def every_model(base: type[BaseModel] = Spec) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith("mlopsctl."):
            yield model
            yield from every_model(model)


MODELS = {model for model in every_model() if known_keys(model)}
KEYS = sorted({(model.__qualname__, key) for model in MODELS for key in known_keys(model)})


def slips(key: str) -> set[str]:
    """The key with one character left out, or with two neighbours swapped."""
    left_out = {key[:i] + key[i + 1 :] for i in range(len(key))}
    swapped = {key[:i] + key[i + 1] + key[i] + key[i + 2 :] for i in range(len(key) - 1)}
    return (left_out | swapped) - {key, ""}


def test_the_language_is_seen_whole() -> None:
    assert len(KEYS) > 200
    assert ("Project", "training") in KEYS
    assert ("Dataset", "schema") in KEYS


def test_nineteen_of_twenty_slips_find_the_key_that_was_meant() -> None:
    asked, wrong = 0, []
    for model in MODELS:
        known = known_keys(model)
        for key in known:
            for slip in slips(key) - set(known):
                asked += 1
                if did_you_mean(slip, known) != key:
                    wrong.append((model.__qualname__, key, slip, did_you_mean(slip, known)))
    assert asked > 2_000
    assert len(wrong) <= 0.05 * asked, wrong[:40]


BASE = """version: 1
name: penguins
data:
  penguins: {source: {kind: csv, uri: a.csv}, label: species}
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.svm.SVC}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.6}
"""


@pytest.mark.parametrize("key", [key for key in known_keys(Project) if key != "promotion"])
def test_every_slip_in_a_section_is_refused_at_the_key(key: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "mlops.yaml"
    for slip in sorted(slips(key) - set(known_keys(Project))):
        file.write_text(f"{BASE}{slip}: {{}}\n", encoding="utf-8")
        found, _ = check_project(file)
        there = [one for one in found if one.id == "unknown-key"]
        assert [(one.span.line, one.span.column) for one in there if one.span] == [(12, 1)], slip


def test_keys_follow_lists_mappings_unions_and_kinds() -> None:
    data = {
        "training": {"targets": {"a": {"kind": "python", "tune": {"space": {"x": {"low": 1}}}}}},
        "evaluation": {"gates": [{"kind": "change"}]},
        "vars": {"free": {"any": 1}},
    }
    assert "entrypoint" in keys_at(Project, data, ("training", "targets", "a"))
    assert "estimator" not in keys_at(Project, data, ("training", "targets", "a"))
    assert {"low", "high", "values"} <= set(keys_at(Project, data, ("training", "targets", "a", "tune", "space", "x")))
    assert "confidence" in keys_at(Project, data, ("evaluation", "gates", 0))
    assert keys_at(Project, data, ("vars",)) == ()
    assert keys_at(Project, data, ("no", "such", "place")) == ()


def test_a_path_that_leads_nowhere_holds_nothing() -> None:
    assert value_at({"a": [1, {"b": 2}]}, ("a", 1, "b")) == 2
    assert value_at({"a": [1]}, ("a", 3)) is None
    assert value_at({"a": "text"}, ("a", 0)) is None
