"""Evaluation: what is measured, on which rows, beside which baselines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.evaluate import EvaluateParameters, run
from mlopsctl.components.spec import Notes
from mlopsctl.evidence import EVALUATION_FILE, Evaluation, Verdict, read
from mlopsctl.frameworks.packed import load
from mlopsctl.gates import Change, Threshold
from mlopsctl.gates.judge import judge
from mlopsctl.gates.needs import needs
from mlopsctl.ground.errors import StepProblem
from tests.unit.components.test_train import train
from tests.unit.frameworks.making import examples, fares, flowers, work

DUMMY = {"kind": "sklearn", "estimator": "sklearn.dummy.DummyClassifier"}


def evaluate(
    folder: Path,
    model: Path,
    rows: Path,
    champion: Path | None = None,
    *,
    task: str = "classification",
    label: str = "kind",
    **parameters: object,
) -> tuple[Evaluation, Notes]:
    """Evaluate a model; what was written, read back."""
    state = {"champion": champion} if champion else {}
    doing = work(folder, {"examples": rows, "model": model}, ("evaluation", "predictions"), state=state, seed=3)
    given = {"task": task, "label": label, "metrics": ["accuracy", "macro_f1"], **parameters}
    read_back = EvaluateParameters.model_validate(given)
    notes = run(doing, EvaluateParameters.model_validate(read_back.model_dump(mode="json")))
    return read(Evaluation, doing.outputs["evaluation"], EVALUATION_FILE), notes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A challenger, a champion that only guesses, and more test rows than train rows."""
    folder = tmp_path_factory.mktemp("made")
    found = {
        "good": train(folder / "good", flowers(600), shares=(0.4, 0.1))[0],
        "guess": train(folder / "guess", flowers(600), DUMMY, shares=(0.4, 0.1))[0],
    }
    return found | {"rows": folder / "good" / "examples"}


def test_it_measures_what_scikit_learn_measures(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluation, notes = evaluate(tmp_path, made["good"], made["rows"])
    rows = pd.read_parquet(made["rows"] / "test.parquet")
    predicted = load(made["good"]).predict(rows)["prediction"]
    accuracy = evaluation.measurement("accuracy")
    assert accuracy is not None
    assert accuracy.value == accuracy_score(rows["kind"], predicted)
    assert accuracy.rows == evaluation.rows == len(rows) == 300
    macro = evaluation.measurement("macro_f1")
    assert macro is not None
    assert macro.value == pytest.approx(f1_score(rows["kind"], predicted, average="macro"))
    assert notes.line == f"accuracy {accuracy.value:.4g}, macro_f1 {macro.value:.4g} on 300 rows"


def test_digests_name_the_model_and_the_champion(tmp_path: Path, made: dict[str, Path]) -> None:
    alone, _ = evaluate(tmp_path / "a", made["good"], made["rows"])
    assert (alone.model, alone.champion) == (folder_digest(made["good"]), "")
    against, _ = evaluate(tmp_path / "b", made["good"], made["rows"], made["guess"])
    assert against.champion == folder_digest(made["guess"])


def test_the_trivial_baseline_is_the_majority_of_the_train_split(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], metrics=["accuracy", "log_loss"])
    train_rows = pd.read_parquet(made["rows"] / "train.parquet")["kind"]
    test_rows = pd.read_parquet(made["rows"] / "test.parquet")["kind"]
    accuracy = evaluation.comparison("accuracy", "trivial")
    assert accuracy is not None
    assert accuracy.baseline.value == (test_rows == train_rows.mode()[0]).mean()
    loss = evaluation.comparison("log_loss", "trivial")
    assert loss is not None
    assert loss.baseline.value == pytest.approx(-np.log(test_rows.map(train_rows.value_counts(normalize=True))).mean())


def test_the_trivial_baseline_of_a_regression_is_the_mean(tmp_path: Path) -> None:
    ridge = {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}
    model, _ = train(tmp_path / "m", fares(), ridge, label="fare", task="regression")
    rows = tmp_path / "m" / "examples"
    evaluation, _ = evaluate(tmp_path / "e", model, rows, task="regression", label="fare", metrics=["mae", "r2"])
    mean = pd.read_parquet(rows / "train.parquet")["fare"].mean()
    comparison = evaluation.comparison("mae", "trivial")
    assert comparison is not None
    assert comparison.baseline.value == pytest.approx(
        (pd.read_parquet(rows / "test.parquet")["fare"] - mean).abs().mean()
    )
    assert not (tmp_path / "e" / "outputs" / "evaluation" / "confusion.json").exists()


def test_every_value_of_a_slice_is_measured_and_counted(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], slices=["place", ["place", "kind"]])
    rows = pd.read_parquet(made["rows"] / "test.parquet")
    counts = rows["place"].value_counts().to_dict()
    assert evaluation.slices["place"] == counts
    assert set(evaluation.slices["place,kind"]) == {f"{a},{b}" for a in counts for b in rows["kind"].unique()}
    north = evaluation.measurement("accuracy", "place=north")
    assert north is not None
    part = rows[rows["place"] == "north"]
    assert north.rows == len(part)
    assert north.value == (load(made["good"]).predict(part)["prediction"] == part["kind"]).mean()


def test_missing_values_are_a_slice_of_their_own(tmp_path: Path, made: dict[str, Path]) -> None:
    rows = tmp_path / "rows"
    shutil.copytree(made["rows"], rows)
    frame = pd.read_parquet(rows / "test.parquet")
    frame.loc[:4, "place"] = None
    frame["hour"] = pd.Series([1, 2, None] * 100)
    frame.to_parquet(rows / "test.parquet")
    evaluation, _ = evaluate(tmp_path, made["good"], rows, slices=["place", "hour"])
    assert evaluation.slices["place"]["(missing)"] == 5
    assert evaluation.slices["hour"] == {"1": 100, "2": 100, "(missing)": 100}


def test_a_slice_that_the_rows_do_not_have_stays_unmeasured(tmp_path: Path, made: dict[str, Path]) -> None:
    gate = Threshold(name="everywhere", metric="accuracy", min=0.5, slice="county")
    wanted = [need.model_dump(mode="json") for need in needs([gate])]
    evaluation, notes = evaluate(tmp_path, made["good"], made["rows"], needs=wanted)
    assert notes.values["unmeasured_slices"] == ["county"]
    assert gate.judge(evaluation).verdict is Verdict.ERROR


GATES = (
    Threshold(name="floor", metric="balanced_accuracy", min=0.5),
    Threshold(name="everywhere", metric="accuracy", min=0.5, slice="place"),
    Change(name="beats-trivial", metric="accuracy", against="trivial", min=0.1),
    Change(name="not-worse", metric="accuracy", against="champion", min=-0.01, confidence=0.95),
    Change(name="better-everywhere", metric="macro_f1", against="champion", min=0, confidence=0.9, slice="place"),
    Change(name="half-the-loss", metric="log_loss", against="champion", max=-0.5, relative=True, confidence=0.9),
)


def test_whatever_gates_need_is_measured(tmp_path: Path, made: dict[str, Path]) -> None:
    wanted = [need.model_dump(mode="json") for need in needs(GATES)]
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], made["guess"], metrics=["accuracy"], needs=wanted)
    blessing = judge(GATES, evaluation)
    assert {gate.name: gate.verdict for gate in blessing.gates} == {gate.name: Verdict.PASS for gate in GATES}
    worse, _ = evaluate(tmp_path / "w", made["guess"], made["rows"], made["good"], metrics=["accuracy"], needs=wanted)
    assert {gate.verdict for gate in judge(GATES, worse).gates if "trivial" not in gate.name} <= {
        Verdict.FAIL,
        Verdict.PASS,
    }
    assert judge(GATES, worse).verdict is Verdict.FAIL


def test_replicates_are_drawn_only_where_a_gate_asks_for_confidence(tmp_path: Path, made: dict[str, Path]) -> None:
    wanted = [need.model_dump(mode="json") for need in needs(GATES)]
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], made["guess"], needs=wanted, resamples=50)
    drawn = {(c.metric, c.against, c.slice): len(c.replicates) for c in evaluation.comparisons}
    assert drawn["accuracy", "champion", ""] == 50
    assert drawn["accuracy", "trivial", ""] == 0
    assert drawn["macro_f1", "champion", "place=north"] == 50
    relative = evaluation.comparison("log_loss", "champion")
    assert relative is not None
    assert len(relative.relative_replicates) == 50
    assert list(relative.replicates) == sorted(relative.replicates)


def test_the_same_evaluation_leaves_the_same_bytes(tmp_path: Path, made: dict[str, Path]) -> None:
    wanted = [need.model_dump(mode="json") for need in needs(GATES)]
    for turn in ("a", "b"):
        evaluate(tmp_path / turn, made["good"], made["rows"], made["guess"], needs=wanted, slices=["place"])
    for output in ("evaluation", "predictions"):
        assert folder_digest(tmp_path / "a" / "outputs" / output) == folder_digest(tmp_path / "b" / "outputs" / output)


def test_a_champion_against_itself_does_not_differ(tmp_path: Path, made: dict[str, Path]) -> None:
    gate = Change(name="same", metric="accuracy", against="champion", min=0, confidence=0.95)
    wanted = [need.model_dump(mode="json") for need in needs([gate])]
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], made["good"], needs=wanted)
    result = gate.judge(evaluation)
    assert result.verdict is Verdict.PASS
    assert result.reason.startswith("the model already is the champion")
    comparison = evaluation.comparison("accuracy", "champion")
    assert comparison is not None
    assert set(comparison.replicates) == {0.0}


def other_columns(folder: Path) -> Path:
    frame = flowers(300).rename(columns={"width": "breadth"})
    return train(folder, frame)[0]


def other_labels(folder: Path) -> Path:
    return train(folder, flowers(300, classes=(1, 2, 3)))[0]


def other_task(folder: Path) -> Path:
    target = {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}
    return train(folder, flowers(300, classes=(1, 2, 3)), target, task="regression")[0]


def broken(folder: Path) -> Path:
    model = other_labels(folder)
    (model / "estimator.pkl").unlink()
    return model


def other_code(folder: Path) -> Path:
    """A model whose code leans on a package that is not here."""
    model = other_labels(folder)
    (model / "code").mkdir()
    (model / "code" / "net.py").write_text("import nowhere_to_be_found\n\n\nclass Net:\n    pass\n")
    (model / "estimator.pkl").write_bytes(b"cnet\nNet\n.")
    return model


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (other_columns, "it reads the column breadth, which the rows do not have; keep the column breadth"),
        (other_labels, "none of the labels"),
        (other_task, "predicts kind (regression)"),
        (broken, "cannot be loaded"),
        (other_code, "No module named 'nowhere_to_be_found'"),
    ],
)
def test_a_champion_that_cannot_score_these_rows_is_told_and_decides_nothing(
    tmp_path: Path, made: dict[str, Path], make: object, said: str
) -> None:
    champion = make(tmp_path / "champion")  # type: ignore[operator]
    gate = Change(name="not-worse", metric="accuracy", against="champion", min=-0.5)
    evaluation, _ = evaluate(tmp_path, made["good"], made["rows"], champion)
    result = gate.judge(evaluation)
    assert result.verdict is Verdict.ERROR
    assert result.decides
    assert said in result.reason
    assert folder_digest(champion)[:19] in result.reason
    assert "apply --override" in result.reason
    assert evaluation.measurement("accuracy") is not None


def test_a_champion_with_another_class_is_scored_and_changes_nothing_of_the_challenger(
    tmp_path: Path, made: dict[str, Path]
) -> None:
    champion = train(tmp_path / "champion", flowers(300, classes=("red", "green", "blue", "white")))[0]
    metrics = {"metrics": ["accuracy", "macro_f1", "log_loss", "roc_auc"]}
    alone, _ = evaluate(tmp_path / "a", made["good"], made["rows"], **metrics)
    against, _ = evaluate(tmp_path / "b", made["good"], made["rows"], champion, **metrics)
    assert alone.measurements == against.measurements
    comparison = against.comparison("log_loss", "champion")
    assert comparison is not None
    assert comparison.candidate.value == pytest.approx(alone.measurement("log_loss").value)  # type: ignore[union-attr]
    assert comparison.baseline.value is not None


def test_a_class_that_was_never_trained_counts_as_wrong(tmp_path: Path, made: dict[str, Path]) -> None:
    rows = tmp_path / "rows"
    shutil.copytree(made["rows"], rows)
    frame = pd.read_parquet(rows / "test.parquet")
    frame.loc[:149, "kind"] = "violet"
    frame.to_parquet(rows / "test.parquet")
    evaluation, _ = evaluate(tmp_path, made["good"], rows)
    accuracy = evaluation.measurement("accuracy")
    assert accuracy is not None
    assert accuracy.value is not None
    assert accuracy.value <= 0.5
    confusion = json.loads((tmp_path / "outputs" / "evaluation" / "confusion.json").read_text())
    assert confusion["classes"][-1] == "violet"
    assert np.sum(confusion["rows"][-1]) == 150


def test_no_rows_is_measured_as_undefined(tmp_path: Path, made: dict[str, Path]) -> None:
    rows = tmp_path / "rows"
    shutil.copytree(made["rows"], rows)
    pd.read_parquet(rows / "test.parquet").head(0).to_parquet(rows / "test.parquet")
    evaluation, notes = evaluate(tmp_path, made["good"], rows, made["guess"], slices=["place"])
    assert {m.problem for m in evaluation.measurements} == {"there are no rows"}
    assert notes.line == "accuracy undefined, macro_f1 undefined on 0 rows"
    assert judge([Threshold(name="floor", metric="accuracy", min=0)], evaluation).verdict is Verdict.ERROR


def test_one_class_leaves_the_ranking_undefined(tmp_path: Path) -> None:
    frame = flowers(300, classes=("n", "y"))
    frame.loc[240:, "kind"] = "n"
    model, _ = train(tmp_path / "m", frame, shares=(0.7, 0.1))
    rows = tmp_path / "m" / "examples"
    evaluation, notes = evaluate(tmp_path / "e", model, rows, metrics=["roc_auc", "accuracy"])
    auc = evaluation.measurement("roc_auc")
    assert auc is not None
    assert (auc.value, auc.problem) == (None, "all rows are of one class")
    assert notes.line.startswith("roc_auc undefined, accuracy ")


def test_a_missing_label_is_a_problem(tmp_path: Path, made: dict[str, Path]) -> None:
    rows = tmp_path / "rows"
    shutil.copytree(made["rows"], rows)
    frame = pd.read_parquet(rows / "test.parquet")
    frame.loc[2, "kind"] = None
    frame.to_parquet(rows / "test.parquet")
    with pytest.raises(StepProblem, match="1 of 300 rows of the test split have no label kind"):
        evaluate(tmp_path, made["good"], rows)


def test_a_slice_with_too_many_values_is_a_problem(tmp_path: Path, made: dict[str, Path]) -> None:
    frame = flowers(4000)
    frame["id"] = [str(number) for number in range(len(frame))]
    rows = examples(tmp_path / "rows", frame, "kind", shares=(0.1, 0.1))
    with pytest.raises(StepProblem, match="the slice id has 3,200 values"):
        evaluate(tmp_path, made["good"], rows, slices=["id"])


def test_predictions_keep_the_label_the_answer_and_the_slices(tmp_path: Path, made: dict[str, Path]) -> None:
    evaluate(tmp_path, made["good"], made["rows"], slices=["place"])
    rows = pd.read_parquet(made["rows"] / "test.parquet")
    written = pd.read_parquet(tmp_path / "outputs" / "predictions" / "predictions.parquet")
    assert list(written.columns) == [
        "place", "kind", "prediction", "probability_blue", "probability_green", "probability_red",
    ]  # fmt: skip
    expected = load(made["good"]).predict(rows)
    pd.testing.assert_frame_equal(written[list(expected.columns)], expected, check_dtype=False, check_exact=True)
    assert (written["place"] == rows["place"]).all()


@pytest.mark.parametrize("classes", [(0, 1), (False, True), (1.0, 2.0)])
def test_predictions_keep_the_type_of_the_label(tmp_path: Path, classes: tuple[object, ...]) -> None:
    model, _ = train(tmp_path / "m", flowers(200, classes=classes))
    evaluate(tmp_path / "e", model, tmp_path / "m" / "examples")
    written = pd.read_parquet(tmp_path / "e" / "outputs" / "predictions" / "predictions.parquet")
    assert written["prediction"].dtype == written["kind"].dtype
