"""A function of the user's own: its number, and every way in which it can give none."""

from __future__ import annotations

import pickle
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mlopsctl.metrics.own import ANSWERS_FILE, JOB_FILE, Answered, Ask, Draw, OwnMetric, Table, _believed, _read, call
from mlopsctl.metrics.own_child import main

SCORING = """\
import os
import signal
import sys
import time

import numpy as np


def profit(truth, predicted, rows):
    return float((rows["price"] * (truth == predicted["prediction"])).sum())


def count(truth, predicted, rows):
    assert list(truth.index) == list(predicted.index) == list(rows.index) == list(range(len(rows)))
    return len(rows)


def greedy(truth, predicted, rows):
    rows["price"] = 0
    predicted["prediction"] = truth
    return float(rows["price"].sum())


def share(truth, predicted, rows):
    return np.float32(0.25)


def text(truth, predicted, rows):
    return "0.9"


def boolean(truth, predicted, rows):
    return True


def nothing(truth, predicted, rows):
    pass


def array(truth, predicted, rows):
    return np.array([1.0])


def nan(truth, predicted, rows):
    return float("nan")


def infinite(truth, predicted, rows):
    return np.inf


def broken(truth, predicted, rows):
    return rows["cost"].sum()


def leaves(truth, predicted, rows):
    sys.exit("enough")


def ends(truth, predicted, rows):
    os._exit(0)


def killed(truth, predicted, rows):
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(truth, predicted, rows):
    if len(rows) > 2:
        return 1.0
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def two(truth):
    return 1.0


number = 3
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "scoring.py").write_text(SCORING)
    # A module of the project that is called like one of Python's own stands in nobody's way.
    (folder / "types.py").write_text("raise RuntimeError('imported by mistake')\n")
    (folder / "wrong.py").write_text("import nowhere_to_be_found\n")
    return folder


def metric(function: str, *, low: float | None = None, high: float | None = None, timeout: float = 60.0) -> OwnMetric:
    entrypoint = function if ":" in function else f"scoring:{function}"
    return OwnMetric(name="profit", entrypoint=entrypoint, direction="higher", range=(low, high), timeout=timeout)


TABLE = Table(
    truth=pd.Series(["a", "b", "a", "b"]),
    predicted={"challenger": pd.DataFrame({"prediction": list("aaaa")}),
               "champion": pd.DataFrame({"prediction": list("abbb")})},
    rows=pd.DataFrame({"price": [1.0, 2.0, 4.0, 8.0]}),
)  # fmt: skip
ALL = Ask("challenger")


def test_it_sees_the_truth_the_answers_and_the_rows(project: Path) -> None:
    first = Ask("challenger", np.array([0, 1]))
    answered = call(metric("profit"), project, TABLE, [ALL, Ask("champion"), first])
    assert [one.values for one in answered] == [(5.0,), (11.0,), (1.0,)]
    assert call(metric("count"), project, TABLE, [ALL, first])[1] == Answered((2.0,))


def test_a_function_that_changes_its_arguments_changes_no_other_call(project: Path) -> None:
    answered = call(metric("greedy"), project, TABLE, [ALL, ALL])
    assert [one.values for one in answered] == [(0.0,), (0.0,)]
    assert list(TABLE.rows["price"]) == [1.0, 2.0, 4.0, 8.0]


def test_a_bootstrap_draws_both_models_on_the_same_rows(project: Path) -> None:
    draw = Draw(("challenger", "champion"), None, 20, seed=3)
    answered = call(metric("profit"), project, TABLE, [draw, draw])
    assert answered[0] == answered[1]
    left, right = np.split(np.array(answered[0].values), 2)
    assert len(set(left)) > 3
    generator = np.random.default_rng(3)
    chosen = generator.integers(0, 4, 4)
    price, truth = TABLE.rows["price"].to_numpy()[chosen], TABLE.truth.to_numpy()[chosen]
    assert left[0] == price[truth == "a"].sum()
    champion = TABLE.predicted["champion"]["prediction"].to_numpy()[chosen]
    assert right[0] == price[truth == champion].sum()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("text", "scoring:text returned str, and a metric is a number"),
        ("boolean", "returned bool"),
        ("nothing", "returned NoneType"),
        ("array", "returned ndarray"),
        ("nan", "its value is nan"),
        ("infinite", "its value is inf"),
        ("broken", "scoring:broken failed: KeyError: 'cost' (scoring.py:53)"),
        ("leaves", "scoring:leaves failed: SystemExit: enough"),
        ("two", "TypeError"),
        ("number", "scoring has no function number"),
        ("absent", "scoring has no function absent"),
        ("wrong:absent", "ModuleNotFoundError: No module named 'nowhere_to_be_found' (wrong.py:1)"),
        ("missing:absent", "ModuleNotFoundError: No module named 'missing'"),
    ],
)
def test_what_is_no_number_is_told(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, said: str
) -> None:
    """What the child does, done here: starting it takes a second."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("scoring", "wrong"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    asked = metric(function)
    with (tmp_path / JOB_FILE).open("wb") as file:
        job = (asked.entrypoint, str(project), TABLE.truth, TABLE.predicted, TABLE.rows, [("ask", "challenger", None)])
        pickle.dump(job, file)
    main(tmp_path)
    answered = _believed(asked, _read(tmp_path / ANSWERS_FILE)[0])
    assert answered.values == ()
    assert said in answered.problem


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("ends", "the process of scoring:ends ended with exit code 0 before it answered"),
        ("killed", "the process of scoring:killed was ended by signal 9"),
        ("broken", "scoring:broken failed: KeyError: 'cost' (scoring.py:53)"),
    ],
)
def test_a_process_that_does_not_answer_is_told(project: Path, function: str, said: str) -> None:
    (answered,) = call(metric(function), project, TABLE, [ALL])
    assert answered == Answered(problem=said)


def test_a_function_that_hangs_is_ended_and_what_it_answered_before_is_kept(project: Path) -> None:
    started = time.monotonic()
    jobs = [ALL, Ask("challenger", np.array([0])), ALL]
    answered = call(metric("hangs", timeout=12.0), project, TABLE, jobs)
    assert time.monotonic() - started < 40
    assert answered[0] == Answered((1.0,))
    assert [one.problem for one in answered[1:]] == ["scoring:hangs did not end within 12 seconds"] * 2


def test_a_value_outside_the_range_is_no_value(project: Path) -> None:
    five = {"values": ["5.0"], "problem": ""}
    refused = _believed(metric("profit", low=6), five)
    assert refused.problem == "scoring:profit answered 5, and its range is 6 to inf"
    assert _believed(metric("profit", high=4.5), five).problem.endswith("its range is -inf to 4.5")
    assert _believed(metric("profit", low=5, high=5.5), five) == Answered((5.0,))


def test_no_rows_are_not_asked(project: Path) -> None:
    (answered,) = call(metric("profit"), project, TABLE, [Ask("challenger", np.array([], dtype=np.int64))])
    assert answered.problem == "there are no rows"


def test_a_name_of_the_catalogue_is_taken() -> None:
    with pytest.raises(ValidationError, match="the catalogue has a metric 'accuracy'"):
        OwnMetric(name="accuracy", entrypoint="scoring:profit", direction="higher")
    with pytest.raises(ValidationError, match="the first number of a range"):
        metric("profit", low=1, high=1)


def test_what_was_written_is_read_from_a_steps_parameters() -> None:
    written = metric("profit", low=0)
    assert OwnMetric.model_validate(written.model_dump(mode="json")) == written
