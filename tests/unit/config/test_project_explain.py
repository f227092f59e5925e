"""What `render` prints: the whole project, readable again, and where each value comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.config.document import parse_document
from mlopsctl.config.explain import Origins, resolved
from mlopsctl.config.interpolate import interpolate
from mlopsctl.config.load import load_project
from mlopsctl.render.resolved import resolved_yaml

CASES = sorted((Path(__file__).parents[2] / "cases" / "good").glob("*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_what_is_rendered_is_the_same_project_again(file: Path, tmp_path: Path) -> None:
    from mlopsctl.config.overlay import environment_names

    # The functions that the project names stand beside it.
    for code in (path for path in file.parent.iterdir() if path.suffix != ".yaml"):
        (tmp_path / code.name).symlink_to(code)
    for environment in environment_names(parse_document(file.read_bytes(), file.name)):
        loaded = load_project(file, environment)
        again = tmp_path / "mlops.yaml"
        again.write_text(resolved_yaml(resolved(loaded)), encoding="utf-8")
        other = resolved(load_project(again, environment))
        # An environment that one is promoted from stands in the original only; so does the section's order.
        assert other == resolved(loaded)


def test_what_the_user_wrote_stays_as_written() -> None:
    loaded = load_project(next(file for file in CASES if file.stem == "components"))
    assert resolved(loaded)["components"]["clean"]["timeout"] == "15m"  # type: ignore[index, call-overload]


def test_every_value_says_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "mlops.yaml"
    file.write_text(
        "version: 1\nname: p\nparameters: {c: 1.0}\nvars: {root: data}\n"
        'data: {d: {source: {kind: csv, uri: "${vars.root}/x.csv"}, label: y}}\n'
        "training:\n  task: classification\n"
        '  targets: {t: {kind: sklearn, estimator: sklearn.svm.SVC, params: {C: "${parameters.c}"}}}\n'
        "evaluation: {gates: [{name: g, kind: threshold, metric: accuracy, min: 0.5}]}\n"
        "environments:\n  dev: {vars: {root: other}}\n  prod: {}\n",
        encoding="utf-8",
    )
    origins = Origins(load_project(file, "dev", {"c": "2.0"}), ["c"])
    assert str(origins.of(("name",))) == f"{file}:2 base"
    assert str(origins.of(("vars", "root"))) == f"{file}:11 overlay"
    assert str(origins.of(("data", "d", "source", "uri"))) == f"{file}:5 var vars.root ({file}:11)"
    assert origins.of(("data", "d", "split", "train")).layer == "default"
    assert origins.of(("parameters", "c")).layer == "-p"
    through = origins.of(("training", "targets", "t", "params", "C"))
    assert (through.layer, through.through) == ("parameter", (f"parameters.c ({file}:3)",))
    assert origins.of(("evaluation", "gates", 0, "min")).layer == "base"


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Cn", "Co"]), max_size=20
)
values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(texts.filter(bool), values, max_size=4), st.booleans())
def test_any_data_is_read_back_as_it_was(data: dict[str, object], explained: bool) -> None:
    written = resolved_yaml({"version": 1, **data}, (lambda path: "x") if explained else None)  # type: ignore[dict-item]
    document = parse_document(written.encode(), "mlops.yaml")
    assert interpolate(document).document.data == {"version": 1, **data}
