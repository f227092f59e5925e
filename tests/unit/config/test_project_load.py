"""Loading: environments, overrides, several problems at once, and what stays without a traceback."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.config.keys import known_keys
from mlopsctl.config.load import check_project, inspect_project, load_project, parse_overrides
from mlopsctl.config.project import Project
from mlopsctl.ground.errors import InvalidProject, Severity, UsageProblem

PENGUINS = """version: 1
name: penguins
parameters: {seed: 3, rows: 10, ratio: 0.5, big: true, tag: "7"}
data:
  penguins:
    source: {kind: csv, uri: "${vars.root}/penguins.csv"}
    label: species
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.svm.SVC, params: {C: "${parameters.ratio}"}}
evaluation:
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.6}
environments:
  dev: {vars: {root: data}}
  prod: {vars: {root: gs://bucket},
         evaluation: {gates: [{name: floor, kind: threshold, metric: accuracy, min: 0.7}]}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "mlops.yaml").write_text(PENGUINS, encoding="utf-8")
    return tmp_path


def test_a_folder_and_its_file_are_the_same_project(project: Path) -> None:
    assert load_project(project, "dev").project == load_project(project / "mlops.yaml", "dev").project
    assert load_project(project, "dev").folder == project.resolve()


def test_an_environment_sees_its_overlay(project: Path) -> None:
    prod = load_project(project, "prod")
    assert prod.project.evaluation.gates[0].min == 0.7
    assert prod.span(("evaluation", "gates", 0)).line == 18
    assert load_project(project, "dev").project.evaluation.gates[0].min == 0.6


def test_several_environments_need_a_choice(project: Path) -> None:
    with pytest.raises(UsageProblem, match="several environments") as caught:
        load_project(project)
    assert "dev, prod" in caught.value.diagnostics[0].hint


def test_an_unknown_environment_is_a_usage_problem(project: Path) -> None:
    with pytest.raises(UsageProblem, match="'pord'"):
        load_project(project, "pord")


def test_the_only_environment_is_taken(tmp_path: Path) -> None:
    text = PENGUINS.partition("environments")[0].replace("${vars.root}", "data")
    (tmp_path / "mlops.yaml").write_text(text, encoding="utf-8")
    assert load_project(tmp_path).environment == "default"


def test_overrides_take_the_type_of_the_default(project: Path) -> None:
    given = parse_overrides(["seed=7", "rows=20", "ratio=1", "big=false", "tag=8"])
    loaded = load_project(project, "dev", given)
    assert dict(loaded.project.parameters) == {"seed": 7, "rows": 20, "ratio": 1.0, "big": False, "tag": "8"}
    assert loaded.project.seed == 7
    assert loaded.bindings == {("training", "targets", "logistic", "params", "C"): "ratio"}
    assert loaded.project.training is not None
    assert loaded.project.training.targets["logistic"].params == {"C": 1.0}


@pytest.mark.parametrize(
    ("given", "told"),
    [("seed=x", "'seed'"), ("sed=1", "'sed'"), ("seed", "NAME=VALUE"), ("=1", "NAME=VALUE"), ("big=yes", "'big'")],
)
def test_an_override_that_does_not_fit_is_a_usage_problem(project: Path, given: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(told)):
        load_project(project, "dev", parse_overrides([given]))


def test_an_override_given_twice_is_refused() -> None:
    with pytest.raises(UsageProblem, match="twice"):
        parse_overrides(["a=1", "a=2"])


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_overrides(["query=a=b"]) == {"query": "a=b"}


def test_a_problem_of_one_environment_names_it(project: Path) -> None:
    file = project / "mlops.yaml"
    file.write_text(PENGUINS.replace("prod: {vars: {root: gs://bucket}", "prod: {vars: {rot: x}"), encoding="utf-8")
    found, sources = check_project(project)
    assert [one.message.endswith("(in prod)") for one in found] == [True]
    assert str(file) in sources


def test_a_problem_of_the_base_is_told_once_and_names_no_environment(project: Path) -> None:
    (project / "mlops.yaml").write_text(PENGUINS.replace("label:", "lable:"), encoding="utf-8")
    found, _ = check_project(project)
    assert len(found) == 1
    assert "(in" not in found[0].message


def test_warnings_do_not_stop(project: Path) -> None:
    text = PENGUINS.replace("evaluation:\n", "evaluation:\n  slices: [island]\n", 1)
    (project / "mlops.yaml").write_text(text, encoding="utf-8")
    loaded = load_project(project, "dev")
    assert [one.severity for one in loaded.warnings] == [Severity.WARNING]


def test_shape_and_references_are_told_together(project: Path) -> None:
    text = PENGUINS.replace("${vars.root}", "${vars.rooot}").replace("label:", "lable:")
    (project / "mlops.yaml").write_text(text, encoding="utf-8")
    found, _ = check_project(project)
    assert {one.id for one in found} == {"unknown-var", "unknown-key"}


def test_a_folder_without_a_project_is_a_located_problem(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match="there is no file"):
        load_project(tmp_path)
    (tmp_path / "mlops.yml").write_text("", encoding="utf-8")
    assert "rename" in check_project(tmp_path)[0][0].hint


def test_the_schema_file_is_checked_at_its_own_lines(project: Path) -> None:
    text = PENGUINS.replace("label: species\n", "label: species\n    schema: p.schema.yaml\n")
    (project / "mlops.yaml").write_text(text, encoding="utf-8")
    (project / "p.schema.yaml").write_text("columns:\n  species: {tpye: string}\n", encoding="utf-8")
    found, sources = check_project(project)
    assert [(Path(one.span.file).name, one.span.line) for one in found if one.span] == [("p.schema.yaml", 2)]
    assert found[0].hint == "did you mean 'type'?"
    assert str(project / "p.schema.yaml") in sources


def test_a_column_that_the_schema_does_not_know_is_a_warning(project: Path) -> None:
    text = PENGUINS.replace("label: species\n", "label: species\n    schema: p.schema.yaml\n")
    (project / "mlops.yaml").write_text(text, encoding="utf-8")
    (project / "p.schema.yaml").write_text("columns:\n  specie: {type: string}\n", encoding="utf-8")
    found, _, loaded = inspect_project(project)
    assert [(one.id, one.severity) for one in found] == [("unknown-column", Severity.WARNING)]
    assert len(loaded) == 2


def test_the_contract_projects_are_valid(contracts: Path) -> None:
    for folder in sorted((contracts / "projects").iterdir()):
        found, _, loaded = inspect_project(folder)
        assert [one for one in found if one.severity is Severity.ERROR] == [], folder.name
        assert loaded


# Anything that YAML can say, at any place of a project.
words = st.sampled_from(["kind", "csv", "name", "min", "data", "training", "targets", "x", "${vars.a}", "accuracy"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-1, 1), words)
trees = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4))
)
SECTIONS = sorted({*known_keys(Project), "environments"} - {"version"})


@given(st.dictionaries(st.sampled_from(SECTIONS), trees, max_size=6))
def test_any_tree_ends_in_located_problems_without_words_of_a_library(tmp_path_factory: Any, tree: object) -> None:
    import json

    file = tmp_path_factory.mktemp("any") / "mlops.yaml"
    file.write_text(json.dumps({"version": 1, **dict(tree)}), encoding="utf-8")  # type: ignore[call-overload]
    found, _ = check_project(file)
    for one in found:
        assert one.span is not None
        assert one.span.line >= 1
        assert "Input should" not in one.message
        assert "pydantic" not in one.message + one.hint
