"""The fitted transform: what it makes of good, missing, strange and hostile values, and its bytes."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import pickletools
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from mlopsctl.features import Feature
from mlopsctl.features.chains import chains
from mlopsctl.features.fit import Fitted, fit, pickled
from mlopsctl.features.values import check_held_out
from mlopsctl.ground.errors import StepProblem
from mlopsctl.tables.columns import Column, ColumnType

FEATURE: TypeAdapter[Any] = TypeAdapter(Feature)
NAN, INF = float("nan"), float("inf")


def _type(values: pd.Series) -> ColumnType:
    if values.dtype.kind in "if":
        return ColumnType.INT if values.dtype.kind == "i" else ColumnType.FLOAT
    known = values.dropna()
    return ColumnType.BOOL if len(known) and all(isinstance(v, bool | np.bool_) for v in known) else ColumnType.STRING


def _fit(train: pd.DataFrame, *written: dict[str, Any]) -> Fitted:
    columns = [Column(str(name), _type(train[name])) for name in train.columns]
    return fit(chains([FEATURE.validate_python(one) for one in written], columns, None), train)


def _transformed(train: pd.DataFrame, rows: pd.DataFrame, *written: dict[str, Any]) -> pd.DataFrame:
    answer = pickle.loads(pickled(_fit(train, *written))).transform(rows)
    assert isinstance(answer, pd.DataFrame)
    assert set(answer.dtypes) == {np.dtype("float64")}
    assert answer.index.equals(rows.index)
    return answer


def test_numbers_are_standardised_and_missing_ones_take_the_median() -> None:
    train = pd.DataFrame({"x": [1.0, 2.0, None, 9.0]})
    answer = _transformed(train, pd.DataFrame({"x": [2.0, None]}, index=[7, 3]))
    filled = np.array([1.0, 2.0, 2.0, 9.0])
    assert answer["x"].tolist() == pytest.approx([(2 - filled.mean()) / filled.std()] * 2)


def test_a_missing_value_where_train_has_none_takes_the_median_too() -> None:
    answer = _transformed(pd.DataFrame({"x": [1, 2, 3]}), pd.DataFrame({"x": [None, 2]}))
    assert answer["x"].tolist() == [0.0, 0.0]


def test_a_constant_column_becomes_zero_and_is_told() -> None:
    train = pd.DataFrame({"c": [0.1] * 5, "x": [1, 2, 3, 4, 5]})
    assert _fit(train).constant == ("c",)
    assert _transformed(train, train)["c"].abs().max() < 1e-9


def test_text_becomes_columns_and_unseen_or_missing_text_is_zero_everywhere() -> None:
    train = pd.DataFrame({"t": ["b", "a", None, "it's", 'say "x"']})
    answer = _transformed(train, pd.DataFrame({"t": ["a", "new", None, NAN, 'say "x"']}))
    assert list(answer.columns) == ["t=a", "t=b", "t=it's", 't=say "x"']
    assert answer.to_numpy().tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_rows_may_come_as_json_gives_them() -> None:
    train = pd.DataFrame({"n": [1, 2, 3], "t": ["a", "b", "a"], "b": [True, False, True]})
    rows = pd.DataFrame.from_records(
        json.loads('[{"b": null, "t": "a", "n": 2.0, "more": 1}, {"b": true, "t": 5, "n": null}]')
    )
    answer = _transformed(train, rows)
    assert answer.to_dict("records") == [
        {"n": 0.0, "t=a": 1.0, "t=b": 0.0, "b=false": 0.0, "b=true": 0.0},
        {"n": 0.0, "t=a": 0.0, "t=b": 0.0, "b=false": 0.0, "b=true": 1.0},
    ]


def test_numbers_can_be_one_hot_encoded() -> None:
    answer = _transformed(
        pd.DataFrame({"hour": [1, 12, 1]}), pd.DataFrame({"hour": [12, 5]}), {"kind": "one_hot", "columns": ["hour"]}
    )
    assert answer.to_dict("list") == {"hour=1": [0.0, 0.0], "hour=12": [1.0, 0.0]}


def test_passthrough_keeps_missing_and_truth_becomes_a_number() -> None:
    train = pd.DataFrame({"x": [1.5, None], "b": [True, False]})
    answer = _transformed(train, train, {"kind": "passthrough", "columns": ["x", "b"]})
    assert answer["b"].tolist() == [1.0, 0.0]
    assert answer["x"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ({"strategy": "median"}, 2.0),
        ({"strategy": "mean"}, 4.0),
        ({"strategy": "most_frequent"}, 2.0),
        ({"strategy": "constant", "value": -1}, -1.0),
    ],
)
def test_impute_fills_numbers(strategy: dict[str, Any], expected: float) -> None:
    train = pd.DataFrame({"x": [10.0, 2.0, 2.0, None, 2.0]})
    answer = _transformed(train, pd.DataFrame({"x": [None]}), {"kind": "impute", "columns": ["x"], **strategy})
    assert answer["x"].tolist() == [expected]


def test_impute_fills_text_before_it_becomes_columns() -> None:
    train = pd.DataFrame({"t": ["b", "a", "b", "a", None]})
    answer = _transformed(
        train, pd.DataFrame({"t": [None]}), {"kind": "impute", "columns": ["t"], "strategy": "most_frequent"}
    )
    assert answer.to_dict("records") == [{"t=a": 1.0, "t=b": 0.0}]
    constant = {"kind": "impute", "columns": ["t"], "strategy": "constant", "value": "none"}
    answer = _transformed(
        train, pd.DataFrame({"t": [None]}), constant, {"kind": "one_hot", "columns": ["t"], "unseen": "error"}
    )
    assert answer.to_dict("records") == [{"t=a": 0.0, "t=b": 0.0, "t=none": 1.0}]


def test_dropped_columns_are_not_needed_to_transform() -> None:
    train = pd.DataFrame({"x": [1, 2], "id": ["a", "b"]})
    fitted = _fit(train, {"kind": "drop", "columns": ["id"]})
    assert fitted.inputs == ("x",)
    assert list(fitted.transformer.transform(pd.DataFrame({"x": [3]})).columns) == ["x"]


def test_columns_that_would_meet_under_one_name_stay_apart() -> None:
    train = pd.DataFrame({"a": ["b=c", "x"], "a=b": ["c", "y"], "n[0]": [1, 2], "n<0]": [3, 4]})
    names = [name for _, name in _fit(train).outputs]
    assert len(set(names)) == len(names) == 6
    assert not any(char in name for name in names for char in "[]<")


@pytest.mark.parametrize("name", ['a"b', "a'b", "x; DROP TABLE y", "line\nbreak", "naïve 🐧", "{}", "%s", "__class__"])
def test_any_name_and_value_may_stand_in_a_column(name: str) -> None:
    train = pd.DataFrame({name: [name, "other", name]})
    answer = _transformed(train, train)
    assert answer[f"{name}={name}"].tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("train", "written", "words"),
    [
        ({"x": [1.0, INF, -INF]}, [], "'x' is infinite in 2 rows"),
        ({"x": [1.0, INF]}, [{"kind": "passthrough", "columns": ["x"]}], "infinite in 1 rows"),
        ({"x": [NAN, NAN]}, [], "'x' has no value"),
        ({"t": [None, None], "x": [1, 2]}, [], "'t' has no value"),
        ({"x": [1e200, 1.0]}, [], "squares are infinite"),
        ({"t": [f"v{n}" for n in range(1001)]}, [], "1001 different values"),
        ({"t": ["a", None]}, [{"kind": "one_hot", "columns": ["t"], "unseen": "error"}], "refuses them"),
        ({"t": ["a", "b"]}, [{"kind": "drop", "columns": ["t"]}], "every column is dropped"),
    ],
)
def test_values_that_cannot_be_learned_from_are_a_clear_problem(
    train: dict[str, list[Any]], written: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        _fit(pd.DataFrame(train), *written)
    assert all(d.hint for d in caught.value.diagnostics)


@pytest.mark.parametrize(
    ("column", "type", "written", "words"),
    [
        (([1.0, 2.0], [INF, 1.0]), ColumnType.FLOAT, [], "infinite in 1 rows of the test split"),
        (
            (["a", "b"], ["c", "a"]),
            ColumnType.STRING,
            [{"kind": "one_hot", "columns": ["x"], "unseen": "error"}],
            "'c'",
        ),
        (
            (["a", "b"], [None, "a"]),
            ColumnType.STRING,
            [{"kind": "one_hot", "columns": ["x"], "unseen": "error"}],
            "missing",
        ),
    ],
)
def test_held_out_rows_that_could_not_be_transformed_are_a_clear_problem(
    column: tuple[list[Any], list[Any]], type: ColumnType, written: list[dict[str, Any]], words: str
) -> None:
    planned = chains([FEATURE.validate_python(one) for one in written], [Column("x", type)], None)
    with pytest.raises(StepProblem, match=words):
        check_held_out(planned, pd.DataFrame({"x": column[0]}), pd.DataFrame({"x": column[1]}), "test")


def test_the_pickle_holds_no_class_of_this_tool() -> None:
    train = pd.DataFrame({"n": [1, 2, None], "t": ["a", "b", None], "b": [True, False, True]})
    content = pickled(_fit(train, {"kind": "impute", "columns": ["n", "t"], "strategy": "most_frequent"}))
    named = {str(argument) for _, argument, _ in pickletools.genops(content) if isinstance(argument, str)}
    assert not [name for name in named if "mlopsctl" in name]


_ONCE = """
import hashlib, pandas as pd
from mlopsctl.features.chains import chains
from mlopsctl.features.fit import fit, pickled
from mlopsctl.tables.columns import Column, ColumnType
train = pd.DataFrame({"n": [1.5, 2.0, None], "t": ["a", "b", "c"], "b": [True, False, True]})
columns = [Column("n", ColumnType.FLOAT), Column("t", ColumnType.STRING), Column("b", ColumnType.BOOL)]
print(hashlib.sha256(pickled(fit(chains([], columns, None), train))).hexdigest())
"""


def test_equal_fits_give_equal_bytes_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _ONCE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == len(hashlib.sha256(b"").hexdigest())
