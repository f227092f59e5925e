"""Each kind of feature on good and bad values: what comes out, or the problem that says what to do."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mlopsctl.features import Feature
from mlopsctl.features.chains import chains
from mlopsctl.features.fit import Fitted, fit, pickled
from mlopsctl.features.shipped import as_numbers, bucket
from mlopsctl.features.values import check_held_out
from mlopsctl.frameworks.packed import OwnModules
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


def _one(kind: str, **settings: Any) -> dict[str, Any]:
    return {"kind": kind, "columns": ["x"], **settings}


def _answers(train: list[Any], asked: list[Any], *written: dict[str, Any]) -> list[Any]:
    """What becomes of the asked values: a number each, or a list of them where they become several columns."""
    fitted = _fit(pd.DataFrame({"x": train}), *written)
    frame = pickle.loads(pickled(fitted)).transform(pd.DataFrame({"x": asked}, index=range(10, 10 + len(asked))))
    assert list(frame.columns) == [name for _, name in fitted.outputs]
    assert set(frame.dtypes) == {np.dtype("float64")}
    assert list(frame.index) == list(range(10, 10 + len(asked)))
    rows = [[None if np.isnan(value) else value for value in row] for row in frame.to_numpy().tolist()]
    return [row[0] if len(row) == 1 else row for row in rows]


SIZES = ["s", "m", "l", "m"]
TABLE: list[tuple[str, list[Any], list[dict[str, Any]], list[Any], list[Any]]] = [
    ("ordinal sorts as text", SIZES, [_one("ordinal")], ["l", "m", "s"], [0, 1, 2]),
    ("ordinal in the given order", SIZES, [_one("ordinal", order=["s", "m", "l"])], ["l", "m", "s"], [2, 1, 0]),
    ("ordinal keeps missing", SIZES, [_one("ordinal")], [None, NAN, "m"], [None, None, 1]),
    ("ordinal: missing in train", [None, "a", NAN, "b"], [_one("ordinal")], ["b", None], [1, None]),
    ("ordinal makes unseen missing", SIZES, [_one("ordinal", unseen="ignore")],
     ["xl", "", 5, "s"], [None, None, None, 2]),
    ("ordinal: a value of the order that train lacks", SIZES, [_one("ordinal", order=["xs", "s", "m", "l"])],
     ["xs"], [0]),
    ("ordinal: train has what the order lacks", SIZES,
     [_one("ordinal", order=["s", "m"], unseen="ignore")], ["l"], [None]),
    ("ordinal after impute", [None, "a", "b", "b"],
     [_one("impute", strategy="most_frequent"), _one("ordinal")], [None, "a"], [1, 0]),
    ("ordinal of one value", ["a", "a"], [_one("ordinal")], ["a"], [0]),
    ("min_max", [2.0, 4.0, 6.0], [_one("min_max")], [2, 4, 6, 8, 0], [0, 0.5, 1, 1.5, -0.5]),
    ("min_max clipped", [2.0, 4.0, 6.0], [_one("min_max", clip=True)], [8, 0, -1e300], [1, 0, 0]),
    ("min_max: missing is the median", [0.0, 1.0, None, 10.0], [_one("min_max")], [None, NAN], [0.1, 0.1]),
    ("min_max of a constant", [3.0, 3.0], [_one("min_max")], [3.0, 4.0], [0, 1]),
    ("min_max of truth", [True, False], [_one("min_max")], [True, False, None], [1, 0, 0.5]),
    ("bucketize at boundaries", [0.0, 1.0], [_one("bucketize", boundaries=[1, 2.5])],
     [0.999, 1, 2.4, 2.5, 9e9, -9e9], [0, 1, 1, 2, 2, 0]),
    ("bucketize at quantiles", list(range(100)), [_one("bucketize", buckets=4)],
     [0, 24, 25, 50, 75, 99, 1000], [0, 0, 1, 2, 3, 3, 3]),
    ("bucketize: missing is the median", [0.0, 5.0, None, 9.0], [_one("bucketize", boundaries=[4, 6])], [None], [1]),
    ("bucketize of a constant", [7.0] * 5, [_one("bucketize")], [7.0, 6.0], [1, 0]),
    ("bucketize of few values", [1, 1, 1, 2], [_one("bucketize", buckets=10)], [1, 2], [1, 2]),
    ("bucketize of huge values", [-1e308, 1e308, 0.0], [_one("bucketize", buckets=3)], [1e308, -1e308], [2, 0]),
    ("hash", ["a"], [_one("hash", buckets=4)], ["a", "d", None, NAN],
     [[0, 0, 1, 0], [0, 1, 0, 0], [0] * 4, [0] * 4]),
    ("hash of whole numbers", [1, 2], [_one("hash", buckets=2)], [1, 1.0, None], [[0, 1], [0, 1], [0, 0]]),
    ("tfidf", ["red red blue", "blue", None], [_one("tfidf")],
     ["Red!", "green", None, ""], [[0, 1], [0, 0], [0, 0], [0, 0]]),
    ("tfidf keeps the most frequent", ["aa bb aa", "aa cc"], [_one("tfidf", max_features=1)], ["aa bb"], [1]),
    ("tfidf of numbers sent as text", ["10 20", "20"], [_one("tfidf")], [20, 20.0, True], [[0, 1], [0, 1], [0, 0]]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("train", "written", "asked", "expected"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_every_value_has_its_answer(
    train: list[Any], written: list[dict[str, Any]], asked: list[Any], expected: list[Any]
) -> None:
    assert _answers(train, asked, *written) == expected


@pytest.mark.parametrize(
    ("train", "written", "words"),
    [
        ([1.0, INF], _one("min_max"), "infinite in 1 rows"),
        ([1.0, -INF], _one("bucketize"), "infinite in 1 rows"),
        ([1e200, 0.0], _one("min_max"), "squares are infinite"),
        ([NAN, NAN], _one("min_max"), "has no value"),
        ([NAN, NAN], _one("bucketize", boundaries=[1]), "has no value"),
        ([None, None], _one("ordinal"), "has no value"),
        ([None, None], _one("hash", buckets=2), "has no value"),
        ([None, None], _one("tfidf"), "has no value"),
        (["a", "b"], _one("ordinal", order=["a"]), "`order` lacks: 'b'"),
        (["a", "b"], _one("min_max"), "takes numbers"),
        (["a", "b"], _one("bucketize"), "takes numbers"),
        ([1, 2], _one("ordinal"), "takes text"),
        ([1.5, 2], _one("hash", buckets=2), "takes text and whole numbers"),
        ([1, 2], _one("tfidf"), "takes text"),
        (["!", "?"], _one("tfidf"), "no word of two letters"),
        (["a"] * 1000, _one("hash", buckets=1_000_000), "use fewer buckets|make more than"),
    ],
)
def test_values_that_cannot_be_learned_from_are_a_clear_problem(
    train: list[Any], written: dict[str, Any], words: str
) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        _fit(pd.DataFrame({"x": train}), written)
    assert all(one.hint for one in caught.value.diagnostics)


@pytest.mark.parametrize(
    "written",
    [
        _one("ordinal", order=["a", "a"]),
        _one("ordinal", unseen="drop"),
        _one("bucketize", boundaries=[2, 1]),
        _one("bucketize", boundaries=[1, 1]),
        _one("bucketize", boundaries=[1, NAN]),
        _one("bucketize", buckets=1),
        _one("hash", buckets=1),
        _one("tfidf", max_features=0),
        _one("min_max", clip="yes"),
        _one("python", entrypoint="make"),
    ],
)
def test_settings_that_say_nothing_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FEATURE.validate_python(written)


def test_an_unseen_value_stops_a_served_row_where_the_project_says_so() -> None:
    with pytest.raises(ValueError, match="unknown categories"):
        _answers(SIZES, ["xl"], _one("ordinal"))


@pytest.mark.parametrize("value", ["abc", "1,5", []])
@pytest.mark.parametrize("kind", ["min_max", "bucketize"])
def test_a_served_value_that_is_no_number_is_refused(kind: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        _answers([1.0, 2.0], [value], _one(kind))


def test_held_out_values_without_a_place_are_told_before_training() -> None:
    planned = chains([FEATURE.validate_python(_one("ordinal"))], [Column("x", ColumnType.STRING)], None)
    train = pd.DataFrame({"x": ["a", "b"]})
    with pytest.raises(StepProblem, match="test split has values that train lacks: 'c'"):
        check_held_out(planned, train, pd.DataFrame({"x": ["c", None]}), "test")
    check_held_out(planned, train, pd.DataFrame({"x": ["a", None]}), "test")


def test_the_buckets_of_a_hash_are_the_same_for_ever() -> None:
    vectors = {"": 2, "a": 0, "Torgersen": 4, "größe": 9, "🐧": 4, "12": 2}
    assert {value: bucket(value, 10) for value in vectors} == vectors
    assert bucket(12, 10) == bucket(12.0, 10) == bucket("12", 10)
    assert bucket(True, 10) == bucket("true", 10)


words = st.text(alphabet="abcdefgh ", max_size=12) | st.none()
numbers = st.floats(-1e6, 1e6) | st.none()
EVERY = [
    {"kind": "ordinal", "columns": ["t"], "unseen": "ignore"},
    {"kind": "hash", "columns": ["u"], "buckets": 7},
    {"kind": "tfidf", "columns": ["w"]},
    {"kind": "min_max", "columns": ["n"]},
    {"kind": "bucketize", "columns": ["m"], "buckets": 4},
]


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["t", "u", "w", "n", "m"])
    return frame.astype({"t": object, "u": object, "w": object, "n": float, "m": float})


FIRST = ("aa", "bb", "some words", 1.0, 2.0)
rows = st.lists(st.tuples(words, words, words, numbers, numbers), min_size=1, max_size=4)


@settings(max_examples=8, deadline=None)
@given(rows, rows)
def test_serving_sees_what_training_saw(train: list[tuple[Any, ...]], held_out: list[tuple[Any, ...]]) -> None:
    """A row has the same numbers alone and among others, as a frame and as JSON, in this process and packed."""
    frame = _frame([FIRST, *train])
    fitted = _fit(frame, *EVERY)
    packed = pickle.loads(pickled(fitted))
    together = packed.transform(_frame([*train, *held_out]))
    assert together.equals(fitted.transformer.transform(_frame([*train, *held_out])))
    for place, row in enumerate([*train, *held_out]):
        sent = pd.DataFrame.from_records(json.loads(json.dumps([dict(zip("tuwnm", row, strict=True))])))
        alone = packed.transform(sent)
        np.testing.assert_allclose(alone.to_numpy()[0], together.to_numpy()[place], rtol=0, atol=1e-12)


@settings(max_examples=8, deadline=None)
@given(rows, rows)
def test_rows_that_are_held_out_do_not_move_the_fit(a: list[tuple[Any, ...]], b: list[tuple[Any, ...]]) -> None:
    """Rows that were checked and transformed change nothing of what was learned from the train split."""
    planned = chains(
        [FEATURE.validate_python(one) for one in EVERY],
        [Column(name, ColumnType.STRING if name in "tuw" else ColumnType.FLOAT) for name in "tuwnm"],
        None,
    )
    train = _frame([FIRST, ("cc", "dd", "other words", 3.0, 5.0)])
    before = fit(planned, train)
    content = pickled(before)
    for held_out in (a, b):
        check_held_out(planned, train, _frame(held_out), "test")
        before.transformer.transform(_frame(held_out))
    assert pickled(before) == content == pickled(fit(planned, train))


_ONCE = """
import hashlib, json, sys, pandas as pd
from pydantic import TypeAdapter
from mlopsctl.features import Feature
from mlopsctl.features.chains import chains
from mlopsctl.features.fit import fit, pickled
from mlopsctl.tables.columns import Column, ColumnType
features = [TypeAdapter(Feature).validate_python(one) for one in json.loads(sys.argv[1])]
train = pd.DataFrame({"t": ["b", "a", None], "u": ["x", "y", "z"], "w": ["one two", "two six", "ten one"],
                      "n": [1.5, 2.0, None], "m": [1.0, 2.0, 3.0]})
columns = [Column(n, ColumnType.STRING if n in "tuw" else ColumnType.FLOAT) for n in train]
print(hashlib.sha256(pickled(fit(chains(features, columns, None), train))).hexdigest())
"""


def test_equal_fits_give_equal_bytes_whatever_the_hash_seed() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _ONCE, json.dumps(EVERY)],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True,
        ).stdout
        for seed in ("1", "77")
    }  # fmt: skip
    assert len(digests) == 1


OWN = """
import numpy as np
import helper
class Distance:
    def __init__(self, scale=1.0): self.scale = scale
    def fit(self, frame, y=None): self.mean = frame["a"].mean(); return self
    def transform(self, frame):
        same = np.where(frame["t"] == helper.WORD, 1.0, 0.0)
        return np.column_stack([(frame["a"].fillna(self.mean) - frame["b"]) * self.scale, same])
def make(scale): return Distance(scale)
def one_short():
    class Short(Distance):
        def transform(self, frame): return np.zeros(len(frame) - 1)
    return Short()
def text():
    class Text(Distance):
        def transform(self, frame): return frame["t"].to_numpy()
    return Text()
def infinite():
    class Infinite(Distance):
        def transform(self, frame): return np.full((len(frame), 1), np.inf)
    return Infinite()
def nothing(): return None
"""


def _own(tmp_path: Path, train: pd.DataFrame, function: str, **params: object) -> Fitted:
    (tmp_path / "geo.py").write_text(OWN)
    (tmp_path / "helper.py").write_text('WORD = "yes"\n')
    feature = {"kind": "python", "columns": ["a", "b", "t"], "entrypoint": f"geo:{function}", "params": params}
    with OwnModules(tmp_path, {"geo", "helper"})():
        return _fit(train, feature)


MIXED = pd.DataFrame({"a": [1.0, None, 3.0], "b": [1, 2, 3], "t": ["yes", "no", None]})


def test_a_transformer_of_the_project_gets_its_columns_all_together_as_they_are(tmp_path: Path) -> None:
    fitted = _own(tmp_path, MIXED, "make", scale=2.0)
    assert fitted.outputs == (("a, b, t", "make.0"), ("a, b, t", "make.1"))
    assert fitted.inputs == ("a", "b", "t")
    answer = fitted.transformer.transform(MIXED)
    assert answer.to_numpy().tolist() == [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("function", "params", "words"),
    [
        ("missing", {}, "geo has no function missing"),
        ("make", {"size": 1}, "cannot be called"),
        ("nothing", {}, "returned NoneType, which has no fit and transform"),
        ("one_short", {}, r"gives \(2, 1\) for 3 rows"),
        ("text", {}, "something that is no number"),
        ("infinite", {}, "infinite numbers"),
    ],
)
def test_a_transformer_of_the_project_that_breaks_its_promise_is_told(
    tmp_path: Path, function: str, params: dict[str, object], words: str
) -> None:
    with pytest.raises(StepProblem, match=words):
        _own(tmp_path, MIXED, function, **params)


def test_nothing_may_come_before_a_transformer_of_the_project() -> None:
    own = {"kind": "python", "columns": ["x"], "entrypoint": "geo:make"}
    with pytest.raises(StepProblem, match="listed by `impute` and by `python`"):
        chains([FEATURE.validate_python(one) for one in (_one("impute"), own)], [Column("x", ColumnType.INT)], None)


def test_one_number_a_row_may_come_as_a_flat_array() -> None:
    assert as_numbers(np.arange(3), 3, "geo:make").shape == (3, 1)
