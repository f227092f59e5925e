"""Every check kind on every sort of bad evidence: nothing that cannot be judged passes, and nothing crashes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from mlopsctl.evidence import Verdict
from mlopsctl.tables.statistics import Statistics
from tests.unit.checks.making import Made, making

NAN, INF = float("nan"), float("inf")
PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
HOSTILE = ["it's", 'say "hi"', "two\nlines", "'; DROP TABLE x; --", "naïve 🐧", "‮rtl", "$1", "{x}", "NULL", ""]

NUMBERS = [float(n) for n in range(1, 11)]
KINDS = ["a", "b", "a", "c", "a", "b", "a", "c", "a", "b"]
NOW = 1_600_000_000_000
SECONDS = [NOW // 1000 - 60 * n for n in range(10)]

NULL_FRACTION = {"kind": "null_fraction", "column": "x", "max": 0.5}
RANGE = {"kind": "range", "column": "x", "min": 0, "max": 10}
UNIQUE = {"kind": "unique", "columns": ["x"]}
FRESHNESS = {"kind": "freshness", "column": "x", "unit": "s", "max_age": "1h"}
L_INFINITY = {"kind": "drift", "column": "x", "metric": "l_infinity", "max": 0.1}
PSI = {"kind": "drift", "column": "x", "metric": "psi", "max": 0.1}
JENSEN_SHANNON = {**PSI, "metric": "jensen_shannon"}
SKEW = {"kind": "skew", "column": "x", "metric": "psi", "max": 0.1, "serving": "served"}
SKEW_OF_KINDS = {**SKEW, "metric": "l_infinity"}
SCHEMA = {"kind": "schema"}

# A check, and rows on which it passes.
CASES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "row_count": ({"kind": "row_count", "min": 1}, NUMBERS),
    "null_fraction": (NULL_FRACTION, NUMBERS),
    "range": (RANGE, NUMBERS),
    "unique": (UNIQUE, NUMBERS),
    "freshness": (FRESHNESS, SECONDS),
    "l_infinity": (L_INFINITY, KINDS),
    "psi": (PSI, NUMBERS),
    "jensen_shannon": (JENSEN_SHANNON, NUMBERS),
    "skew": (SKEW, NUMBERS),
    "skew_of_kinds": (SKEW_OF_KINDS, KINDS),
    "schema": (SCHEMA, NUMBERS),
}
REVIEWED = {"x": {"type": "float", "min": 0, "max": 10, "presence": 0.5}}

_text = pa.array(["7", "many", "8"])
_null_floats, _null_text = pa.array([None] * 10, pa.float64()), pa.array([None] * 10, pa.string())

BAD: list[tuple[str, str, Any, Verdict]] = [
    # Without the column at all.
    *[(kind, "missing column", None, ERROR) for kind in CASES if kind not in ("row_count", "schema")],
    ("schema", "missing column", None, FAIL),
    # Without any value.
    ("null_fraction", "all null", _null_floats, FAIL),
    ("range", "all null", _null_floats, ERROR),
    ("unique", "all null", _null_floats, ERROR),
    ("freshness", "all null", _null_floats, ERROR),
    ("l_infinity", "all null", _null_text, ERROR),
    ("psi", "all null", _null_floats, ERROR),
    ("jensen_shannon", "all null", _null_floats, ERROR),
    ("skew", "all null", _null_floats, ERROR),
    ("skew_of_kinds", "all null", _null_text, ERROR),
    ("schema", "all null", _null_floats, FAIL),
    # One value that is NaN.
    ("null_fraction", "NaN", [*NUMBERS[:-1], NAN], PASS),
    ("null_fraction", "mostly NaN", [NAN] * 6 + NUMBERS[:4], FAIL),
    ("range", "NaN", [*NUMBERS[:-1], NAN], ERROR),
    ("unique", "NaN", [*NUMBERS[:-1], NAN], ERROR),
    ("freshness", "NaN", [*map(float, SECONDS), NAN], ERROR),
    ("psi", "NaN", [*NUMBERS[:-1], NAN], ERROR),
    ("jensen_shannon", "NaN", [*NUMBERS[:-1], NAN], ERROR),
    ("skew", "NaN", [*NUMBERS[:-1], NAN], ERROR),
    ("schema", "mostly NaN", [NAN] * 6 + NUMBERS[:4], FAIL),
    # One value that is infinite.
    ("range", "infinite", [*NUMBERS[:-1], INF], FAIL),
    ("range", "minus infinite", [*NUMBERS[:-1], -INF], FAIL),
    ("freshness", "infinite", [*map(float, SECONDS), INF], ERROR),
    ("freshness", "minus infinite", [*map(float, SECONDS), -INF], ERROR),
    ("psi", "infinite", [*NUMBERS[:-1], INF], ERROR),
    ("jensen_shannon", "infinite", [*NUMBERS[:-1], -INF], ERROR),
    ("skew", "infinite", [*NUMBERS[:-1], INF], ERROR),
    ("schema", "infinite", [*NUMBERS[:-1], INF], FAIL),
    # One value everywhere.
    ("null_fraction", "constant", [3.0] * 10, PASS),
    ("range", "constant", [3.0] * 10, PASS),
    ("unique", "constant", [3.0] * 10, FAIL),
    ("l_infinity", "constant", ["a"] * 10, FAIL),
    ("psi", "constant", [3.0] * 10, FAIL),
    ("jensen_shannon", "constant", [3.0] * 10, FAIL),
    ("skew", "constant", [3.0] * 10, FAIL),
    # A value that was never seen.
    ("range", "unseen", [*NUMBERS[:-1], 99.0], FAIL),
    ("l_infinity", "unseen", [*KINDS[:-2], "new", "new"], FAIL),
    ("skew_of_kinds", "unseen", [*KINDS[:-2], "new", "new"], FAIL),
    ("psi", "unseen", [*NUMBERS[:-2], 99.0, 99.0], FAIL),
    ("jensen_shannon", "unseen", [*NUMBERS[:-2], -99.0, -99.0], FAIL),
    ("schema", "unseen", [*NUMBERS[:-1], 99.0], FAIL),
    # Text where numbers are, and numbers where text is.
    ("range", "mistyped", _text, ERROR),
    ("freshness", "mistyped", _text, ERROR),
    ("freshness", "truth", [True, False], ERROR),
    ("psi", "mistyped", _text, ERROR),
    ("jensen_shannon", "mistyped", _text, ERROR),
    ("skew", "mistyped", _text, ERROR),
    ("l_infinity", "mistyped", [1, 2, 3], ERROR),
    ("l_infinity", "mistyped floats", NUMBERS, ERROR),
    ("skew_of_kinds", "mistyped", [1, 2, 3], ERROR),
    ("schema", "mistyped", _text, FAIL),
    # No rows.
    ("row_count", "no rows", [], FAIL),
    ("null_fraction", "no rows", [], ERROR),
    ("range", "no rows", [], ERROR),
    ("unique", "no rows", [], ERROR),
    ("freshness", "no rows", [], ERROR),
    ("l_infinity", "no rows", pa.array([], pa.string()), ERROR),
    ("psi", "no rows", [], ERROR),
    ("jensen_shannon", "no rows", [], ERROR),
    ("skew", "no rows", [], ERROR),
    ("skew_of_kinds", "no rows", pa.array([], pa.string()), ERROR),
    ("schema", "no rows", [], ERROR),
    # Text made to harm.
    ("null_fraction", "hostile", HOSTILE, PASS),
    ("range", "hostile", HOSTILE, ERROR),
    ("unique", "hostile", HOSTILE, PASS),
    ("unique", "hostile twice", [*HOSTILE, HOSTILE[3]], FAIL),
    ("freshness", "hostile", HOSTILE, ERROR),
    ("l_infinity", "hostile", HOSTILE, FAIL),
    ("psi", "hostile", HOSTILE, ERROR),
    ("skew_of_kinds", "hostile", HOSTILE, FAIL),
    ("schema", "hostile", HOSTILE, FAIL),
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with making(tmp_path_factory.mktemp("made")) as found:
        yield found


@pytest.fixture(scope="module")
def usual(made: Made) -> dict[str, Statistics]:
    """The statistics of the rows on which each check passes."""
    return {kind: _statistics(made, {"x": _column(good)}) for kind, (_, good) in CASES.items()}


def _column(values: Any) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return pa.array(values, pa.float64() if not values else None, from_pandas=False)


def _statistics(made: Made, values: dict[str, Any]) -> Statistics:
    return made.statistics(made.examples(values))


@pytest.mark.parametrize("kind", CASES)
def test_good_rows_pass(made: Made, usual: dict[str, Statistics], kind: str) -> None:
    check, good = CASES[kind]
    before = usual[kind]
    found = made.judged(
        {"x": _column(good)}, check, previous=before, references={"served": before}, clock=NOW, contract=REVIEWED
    )
    assert found.verdict is PASS, found.reason


@pytest.mark.parametrize(("kind", "what", "values", "verdict"), BAD, ids=[f"{k}-{w}" for k, w, _, _ in BAD])
def test_bad_evidence_gets_its_verdict(
    made: Made, usual: dict[str, Statistics], kind: str, what: str, values: Any, verdict: Verdict
) -> None:
    check, _ = CASES[kind]
    before = usual[kind]
    rows = {"other": [1] * 10} if values is None else {"x": _column(values)}
    found = made.judged(rows, check, previous=before, references={"served": before}, clock=NOW, contract=REVIEWED)
    assert found.verdict is verdict, found.reason
    assert found.reason
    assert "\n" not in found.reason
    assert all("\n" not in example for anomaly in found.anomalies for example in anomaly.examples)


@pytest.mark.parametrize("kind", [kind for kind, (check, _) in CASES.items() if check["kind"] in ("drift", "skew")])
@pytest.mark.parametrize(
    ("what", "reference", "verdict"),
    [
        ("empty", [], ERROR),
        ("all null", pa.array([None] * 5, pa.float64()), ERROR),
        ("constant", [3.0] * 5, ERROR),
        ("NaN", [1.0, 2.0, NAN], ERROR),
        ("infinite", [1.0, 2.0, INF], ERROR),
        ("text", pa.array(["x", "y"]), ERROR),
    ],
)
def test_a_reference_that_says_nothing_is_an_error(
    made: Made, kind: str, what: str, reference: Any, verdict: Verdict
) -> None:
    check, good = CASES[kind]
    categorical = check["metric"] == "l_infinity"
    if categorical:
        odd = {"empty": pa.array([], pa.string()), "all null": _null_text, "text": pa.array([1, 2])}
        reference = odd.get(what, _column(reference))
    before = _statistics(made, {"x": _column(reference)})
    found = made.judged({"x": _column(good)}, check, previous=before, references={"served": before})
    assert found.verdict is verdict, found.reason


@pytest.mark.parametrize("check", [L_INFINITY, PSI, SKEW, {**SKEW, "serving": None}])
def test_a_missing_reference_is_an_error_that_may_be_let_pass(made: Made, check: dict[str, Any]) -> None:
    strict = made.judged({"x": _column(CASES["l_infinity"][1])}, check)
    assert (strict.verdict, strict.severity) == (ERROR, "error")
    loose = made.judged({"x": _column(CASES["l_infinity"][1])}, {**check, "on_missing": "warn"})
    assert (loose.verdict, loose.severity) == (ERROR, "warn")


@pytest.mark.parametrize("check", [L_INFINITY, PSI])
def test_a_column_that_the_reference_lacks_is_a_missing_reference(made: Made, check: dict[str, Any]) -> None:
    before = _statistics(made, {"y": [1, 2]})
    found = made.judged({"x": KINDS}, {**check, "on_missing": "warn"}, previous=before)
    assert (found.verdict, found.severity) == (ERROR, "warn")


def test_a_missing_column_is_an_error_although_a_missing_reference_may_pass(made: Made) -> None:
    before = _statistics(made, {"x": KINDS})
    found = made.judged({"y": KINDS}, {**L_INFINITY, "on_missing": "warn"}, previous=before)
    assert (found.verdict, found.severity) == (ERROR, "error")


@pytest.mark.parametrize("name", ['a"b', "a'b", "x; DROP TABLE y", "naïve 🐧", "a.b", "select", "value", "many"])
def test_any_name_may_name_a_column(made: Made, name: str) -> None:
    numbers, kinds, times = [*range(8)], ["a", "b"] * 4, [datetime(2020, 1, 1)] * 8
    for values, check in (
        (numbers, {**RANGE, "column": name}),
        (numbers, {"kind": "unique", "columns": [name]}),
        (numbers, {**PSI, "column": name}),
        (kinds, {**L_INFINITY, "column": name}),
        (kinds, {**NULL_FRACTION, "column": name}),
        (times, {**FRESHNESS, "column": name}),
    ):
        before = _statistics(made, {name: values})
        found = made.judged({name: values}, check, previous=before, clock=1_577_836_800_000)
        assert found.verdict is PASS, found.reason
