"""Which transforms each column goes through, and what does not go together."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mlopsctl.features import Feature
from mlopsctl.features.chains import chains
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import Column, ColumnType

FEATURE: TypeAdapter[Any] = TypeAdapter(Feature)
COLUMNS = [
    Column("i", ColumnType.INT),
    Column("f", ColumnType.FLOAT),
    Column("s", ColumnType.STRING),
    Column("b", ColumnType.BOOL),
    Column("y", ColumnType.INT),
]


def _planned(*written: dict[str, Any], columns: list[Column] | None = None) -> dict[str, list[str]]:
    found = chains([FEATURE.validate_python(one) for one in written], columns or COLUMNS, "y")
    return {column.name: [t.kind for t in chain.transforms] for chain in found for column in chain.columns}


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "standardize", "columns": ["a"]},
        {"kind": "one_hot", "columns": ["a"], "unseen": "error"},
        {"kind": "impute", "columns": ["a"], "strategy": "constant", "value": 0},
        {"kind": "passthrough", "columns": ["a"]},
        {"kind": "drop", "columns": ["a"]},
        {"kind": "ordinal", "columns": ["a"], "order": ["low", "high"]},
        {"kind": "min_max", "columns": ["a"]},
        {"kind": "bucketize", "columns": ["a"], "boundaries": [1, 2.5]},
        {"kind": "hash", "columns": ["a"], "buckets": 8},
        {"kind": "tfidf", "columns": ["a"]},
        {"kind": "python", "columns": ["a"], "entrypoint": "mine:make", "params": {"n": 1}},
    ],
)
def test_a_feature_reads_back_what_it_writes(written: dict[str, Any]) -> None:
    feature = FEATURE.validate_python(written)
    assert FEATURE.validate_python(feature.model_dump(mode="json", by_alias=True)) == feature


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "standardize", "columns": []},
        {"kind": "standardize", "columns": ["a", "a"]},
        {"kind": "one_hot", "columns": ["a"], "unseen": "drop"},
        {"kind": "impute", "columns": ["a"], "value": 3},
        {"kind": "impute", "columns": ["a"], "strategy": "constant"},
        {"kind": "hash", "columns": ["a"]},
    ],
)
def test_a_bad_feature_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FEATURE.validate_python(written)


def test_columns_that_nobody_lists_get_the_default_of_their_type() -> None:
    assert _planned() == {"i": ["standardize"], "f": ["standardize"], "s": ["one_hot"], "b": ["one_hot"]}


def test_listed_columns_get_their_transform_and_the_others_the_default() -> None:
    planned = _planned({"kind": "passthrough", "columns": ["i"]}, {"kind": "drop", "columns": ["s"]})
    assert planned == {"i": ["passthrough"], "s": [], "f": ["standardize"], "b": ["one_hot"]}


def test_impute_goes_on_to_what_is_listed_later_or_ends_in_numbers() -> None:
    impute = {"kind": "impute", "strategy": "most_frequent", "columns": ["f", "s", "i"]}
    planned = _planned(impute, {"kind": "standardize", "columns": ["f"]})
    assert planned["f"] == ["impute", "standardize"]
    assert planned["s"] == ["impute", "one_hot"]
    assert planned["i"] == ["impute"]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([{"kind": "drop", "columns": ["ff"]}], "did you mean 'f'|the data has"),
        ([{"kind": "drop", "columns": ["y"]}], "the label 'y'"),
        ([{"kind": "standardize", "columns": ["s"]}], "takes numbers, and the column is string"),
        ([{"kind": "passthrough", "columns": ["s"]}], "takes numbers, and the column is string"),
        ([{"kind": "impute", "columns": ["s"]}], "`strategy: median` takes numbers"),
        ([{"kind": "impute", "columns": ["s"], "strategy": "constant", "value": 0}], "does not fit the column"),
        ([{"kind": "impute", "columns": ["i"], "strategy": "constant", "value": "none"}], "does not fit the column"),
        ([{"kind": "standardize", "columns": ["i"]}, {"kind": "one_hot", "columns": ["i"]}], "listed by `standardize`"),
        (
            [{"kind": "impute", "columns": ["i"]}, {"kind": "drop", "columns": ["i"]}],
            "listed by `impute` and by `drop`",
        ),
    ],
)
def test_what_does_not_fit_is_a_problem_with_its_column(written: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(StepProblem) as caught:
        _planned(*written)
    told = " ".join(f"{d.message} {d.hint}" for d in caught.value.diagnostics)
    assert any(word in told for word in words.split("|"))
    assert all(d.hint for d in caught.value.diagnostics)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(StepProblem) as caught:
        _planned({"kind": "standardize", "columns": ["s", "b", "nope"]}, {"kind": "passthrough", "columns": ["s"]})
    assert len(caught.value.diagnostics) == 4


def test_a_timestamp_has_no_default() -> None:
    columns = [*COLUMNS, Column("when", ColumnType.TIMESTAMP)]
    with pytest.raises(StepProblem, match="'when' is timestamp"):
        _planned(columns=columns)
    assert _planned({"kind": "drop", "columns": ["when"]}, columns=columns)["when"] == []
