"""Training: what comes out is one packed model, the same bytes each time, or a problem that says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.spec import Notes
from mlopsctl.components.train import TrainParameters, run
from mlopsctl.frameworks.packed import load
from mlopsctl.ground.errors import StepProblem
from tests.unit.frameworks.making import examples, fares, flowers, transform, work

SKLEARN = "sklearn.linear_model.LogisticRegression"


def train(
    folder: Path,
    frame: pd.DataFrame,
    target: dict[str, object] | None = None,
    *,
    label: str = "kind",
    task: str = "classification",
    positive: object = None,
    **more: object,
) -> tuple[Path, Notes]:
    """Train one target in a fresh folder; the model's folder and the notes."""
    rows = examples(folder / "examples", frame, label, shares=more.pop("shares", (0.8, 0.1)))  # type: ignore[arg-type]
    graph = transform(folder / "transform", rows, *more.pop("features", ()))  # type: ignore[misc]
    doing = work(folder, {"examples": rows, "transform_graph": graph}, ("model",), **more)
    read = TrainParameters.model_validate(
        {
            "target": target or {"kind": "sklearn", "estimator": SKLEARN},
            "task": task,
            "label": label,
            "positive": positive,
        }
    )
    # As the runtime reads them back.
    again = TrainParameters.model_validate(read.model_dump(mode="json"))
    assert again == read
    return doing.outputs["model"], run(doing, again)


def problem(folder: Path, *args: object, **more: object) -> StepProblem:
    """The problem that training ends in."""
    with pytest.raises(StepProblem) as raised:
        train(folder, *args, **more)  # type: ignore[arg-type]
    assert len(raised.value.diagnostics) == 1
    return raised.value


def test_the_packed_model_answers_raw_rows_with_the_original_labels(tmp_path: Path) -> None:
    frame = flowers(classes=(" <=50K", " >50K"))
    model, notes = train(tmp_path, frame, positive=" >50K")
    answered = load(model).predict(frame.drop(columns="kind").sample(20, random_state=1))
    assert list(answered.columns) == ["prediction", "probability_ <=50K", "probability_ >50K"]
    assert set(answered["prediction"]) == {" <=50K", " >50K"}
    assert (answered["prediction"] == frame["kind"][answered.index]).mean() > 0.7
    assert notes.line == "LogisticRegression on 240 rows, 2 classes"


@pytest.mark.parametrize(
    ("classes", "dtype"), [((0, 1, 2), "int64"), ((10, 20), "int64"), ((False, True), "bool"), (("a", "b"), "object")]
)
def test_labels_keep_their_type(tmp_path: Path, classes: tuple[object, ...], dtype: str) -> None:
    frame = flowers(classes=classes)
    answered = load(train(tmp_path, frame)[0]).predict(frame)
    found = answered["prediction"]
    assert str(found.dtype) == dtype or (dtype == "object" and found.dtype == frame["kind"].dtype)
    assert (found == frame["kind"]).mean() > 0.7


def test_the_positive_class_is_the_second_even_when_it_sorts_first(tmp_path: Path) -> None:
    model = load(train(tmp_path, flowers(classes=("a", "b")), positive="a")[0])
    assert model.classes == ["b", "a"]
    assert model.positive == 1


def test_a_regression_answers_with_numbers(tmp_path: Path) -> None:
    frame = fares()
    target = {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}
    answered = load(train(tmp_path, frame, target, label="fare", task="regression")[0]).predict(frame)
    assert list(answered.columns) == ["prediction"]
    assert (answered["prediction"] - frame["fare"]).abs().mean() < 1


def test_an_estimator_without_probabilities_answers_with_labels_alone(tmp_path: Path) -> None:
    target = {"kind": "sklearn", "estimator": "sklearn.svm.LinearSVC"}
    answered = load(train(tmp_path, flowers(), target)[0]).predict(flowers())
    assert list(answered.columns) == ["prediction"]


ESTIMATORS = {
    "logistic": ("sklearn.linear_model.LogisticRegression", {}),
    "sgd": ("sklearn.linear_model.SGDClassifier", {"loss": "log_loss"}),
    "forest": ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 20, "n_jobs": 2}),
    "boosting": ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 10}),
    "svc": ("sklearn.svm.SVC", {}),
    "neighbours": ("sklearn.neighbors.KNeighborsClassifier", {}),
    "mlp": ("sklearn.neural_network.MLPClassifier", {"max_iter": 5}),
    "tree": ("sklearn.tree.DecisionTreeClassifier", {}),
    "bayes": ("sklearn.naive_bayes.GaussianNB", {}),
    "xgboost": ("xgboost.XGBClassifier", {"n_estimators": 10}),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_same_training_leaves_the_same_bytes(tmp_path: Path, name: str) -> None:
    estimator, params = ESTIMATORS[name]
    target = {"kind": estimator.partition(".")[0], "estimator": estimator, "params": params}
    digests = {folder_digest(train(tmp_path / str(turn), flowers(), target, seed=5)[0]) for turn in range(2)}
    assert len(digests) == 1


def test_another_seed_trains_another_model(tmp_path: Path) -> None:
    target = {"kind": "sklearn", "estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}
    digests = {folder_digest(train(tmp_path / str(seed), flowers(), target, seed=seed)[0]) for seed in (1, 2)}
    assert len(digests) == 2


def test_a_random_state_of_the_users_own_wins_over_the_seed(tmp_path: Path) -> None:
    target = {
        "kind": "sklearn",
        "estimator": "sklearn.tree.DecisionTreeClassifier",
        "params": {"random_state": 3, "max_features": 1},
    }
    digests = {folder_digest(train(tmp_path / str(seed), flowers(), target, seed=seed)[0]) for seed in (1, 2)}
    assert len(digests) == 1


def test_a_warning_is_noted_and_does_not_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = {"kind": "sklearn", "estimator": "sklearn.neural_network.MLPClassifier", "params": {"max_iter": 1}}
    _, notes = train(tmp_path, flowers(), target)
    warned = notes.values["warnings"]
    assert isinstance(warned, list)
    assert str(warned[0]).startswith("ConvergenceWarning")
    assert "1 warning" in notes.line
    assert "ConvergenceWarning" in capsys.readouterr().err


def test_xgboost_takes_its_estimator_from_the_task(tmp_path: Path) -> None:
    target = {"kind": "xgboost", "params": {"n_estimators": 5}}
    model, notes = train(tmp_path, fares(), target, label="fare", task="regression")
    assert notes.values["estimator"] == "xgboost.XGBRegressor"
    assert len(load(model).predict(fares(7))) == 7


def test_xgboost_stops_early_on_the_validation_split_only_when_asked(tmp_path: Path) -> None:
    target = {"kind": "xgboost", "params": {"n_estimators": 300, "early_stopping_rounds": 2}}
    stopped = load(train(tmp_path / "a", flowers(), target)[0])
    assert stopped._estimator.best_iteration < 290
    failed = problem(tmp_path / "b", flowers(), target, shares=(0.9, 0.0))
    assert failed.diagnostics[0].id == "empty-split"


@pytest.mark.parametrize(
    ("estimator", "params", "id", "said", "hint"),
    [
        ("sklearn.linear_model.LogisticRegresion", {}, "unknown-estimator", "no estimator", "LogisticRegression?"),
        ("sklearn.linear_modle.LogisticRegression", {}, "unknown-estimator", "sklearn.linear_modle", "linear_model?"),
        ("nowhere.models.Forest", {}, "missing-package", "nowhere", "install nowhere"),
        ("sklearn.linear_model.LogisticRegression", {"c": 1}, "unknown-parameter", "no parameter c", "did you mean C?"),
        ("sklearn.linear_model.LogisticRegression", {"C": -1}, "fit-failed", "'C' parameter", "log"),
        ("sklearn.linear_model.Ridge", {}, "wrong-task", "is a regressor", "classifier"),
        ("sklearn.cluster.KMeans", {}, "wrong-task", "neither classifies", "classifier"),
        ("xgboost.XGBClassifier", {"max_dept": 3}, "unknown-parameter", "max_dept", "did you mean max_depth?"),
        ("sklearn.linear_model.ridge_regression", {}, "unknown-estimator", "no estimator", "Ridge"),
    ],
)
def test_a_wrong_estimator_says_what_to_write(
    tmp_path: Path, estimator: str, params: dict[str, object], id: str, said: str, hint: str
) -> None:
    found = problem(tmp_path, flowers(), {"kind": "sklearn", "estimator": estimator, "params": params}).diagnostics[0]
    assert found.id == id
    assert said in found.message
    assert hint in found.hint


def test_an_estimator_is_never_taken_from_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("class Own:\n    def fit(self, x, y): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = problem(tmp_path, flowers(), {"kind": "sklearn", "estimator": "mine.Own"})
    assert found.diagnostics[0].id == "missing-package"


def test_missing_values_that_the_estimator_refuses_point_at_impute(tmp_path: Path) -> None:
    frame = flowers()
    frame.loc[3, "length"] = None
    features = [{"kind": "passthrough", "columns": ["length", "width"]}]
    found = problem(tmp_path, frame, features=features).diagnostics[0]
    assert found.id == "fit-failed"
    assert "impute" in found.hint


@pytest.mark.parametrize(
    ("change", "id", "said"),
    [
        ({"kind": ["red"] * 300}, "one-class", "every row of the train split has the label kind = 'red'"),
        ({"kind": [None, *["red", "blue"] * 149, "red"]}, "missing-label", "1 of 240 rows"),
        ({"kind": [0.5, 1.5, 2.5] * 100}, "label-type", "fractions such as 0.5"),
    ],
)
def test_a_label_that_cannot_be_learned_is_told(
    tmp_path: Path, change: dict[str, list[object]], id: str, said: str
) -> None:
    found = problem(tmp_path, flowers().assign(**change)).diagnostics[0]
    assert found.id == id
    assert said in found.message


def test_a_positive_class_that_is_nearly_there_is_suggested(tmp_path: Path) -> None:
    found = problem(tmp_path, flowers(classes=(" <=50K", " >50K")), positive=">50K").diagnostics[0]
    assert found.id == "unknown-positive"
    assert found.hint == "did you mean ' >50K'?"


def test_true_is_not_the_class_1(tmp_path: Path) -> None:
    assert problem(tmp_path, flowers(classes=(0, 1)), positive=True).diagnostics[0].id == "unknown-positive"


def test_a_positive_class_needs_two_classes(tmp_path: Path) -> None:
    assert problem(tmp_path, flowers(), positive="red").diagnostics[0].id == "not-binary"


@pytest.mark.parametrize("value", ["a", True, float("inf"), None])
def test_a_regression_needs_finite_numbers(tmp_path: Path, value: object) -> None:
    frame = fares()
    frame["fare"] = frame["fare"].astype(object) if isinstance(value, str | bool) else frame["fare"]
    frame["fare"] = [value] * len(frame) if isinstance(value, str | bool) else frame["fare"]
    if not isinstance(value, str | bool):
        frame.loc[0, "fare"] = value
    target = {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}
    found = problem(tmp_path, frame, target, label="fare", task="regression").diagnostics[0]
    assert found.id in {"label-type", "missing-label"}


def test_an_empty_train_split_is_told(tmp_path: Path) -> None:
    rows = examples(tmp_path / "examples", flowers(), "kind")
    graph = transform(tmp_path / "transform", rows)
    pd.read_parquet(rows / "train.parquet").head(0).to_parquet(rows / "train.parquet")
    doing = work(tmp_path, {"examples": rows, "transform_graph": graph}, ("model",))
    read = TrainParameters.model_validate(
        {"target": {"kind": "sklearn", "estimator": SKLEARN}, "task": "classification", "label": "kind"}
    )
    with pytest.raises(StepProblem, match="the train split has no rows"):
        run(doing, read)


def test_an_empty_validation_split_does_not_stop_a_target_that_needs_none(tmp_path: Path) -> None:
    model, _ = train(tmp_path, flowers(), shares=(0.9, 0.0))
    assert load(model).classes == ["blue", "green", "red"]


def test_a_dropped_column_is_not_asked_for(tmp_path: Path) -> None:
    frame = flowers()
    features = [{"kind": "drop", "columns": ["place"]}]
    model = load(train(tmp_path, frame, features=features)[0])
    assert model.features == ["length", "width"]
    assert len(model.predict(frame[["width", "length"]])) == len(frame)


def test_a_class_that_only_validation_has_is_left_out_of_training(tmp_path: Path) -> None:
    frame = flowers(classes=("a", "b"))
    frame.loc[250, "kind"] = "c"
    target = {"kind": "xgboost", "params": {"n_estimators": 5, "early_stopping_rounds": 2}}
    assert load(train(tmp_path, frame, target)[0]).classes == ["a", "b"]


USER = """
from helper.shape import Model

def fit(train, validation, label, *, seed, depth=1):
    assert set(train[label]) <= {0, 1, 2}
    assert list(train.columns) == list(validation.columns)
    return Model(depth).learn(train.drop(columns=label), train[label])
"""
HELPER = """
import numpy as np

class Model:
    def __init__(self, depth):
        self.depth = depth

    def learn(self, features, target):
        self.common = int(target.mode()[0])
        return self

    def predict(self, features):
        import helper.late
        return np.full(len(features), self.common) + helper.late.ZERO
"""


def user_project(folder: Path, fit: str = USER, helper: str = HELPER) -> Path:
    project = folder / "project"
    (project / "helper").mkdir(parents=True)
    (project / "own.py").write_text(fit)
    (project / "helper" / "__init__.py").write_text("")
    (project / "helper" / "shape.py").write_text(helper)
    (project / "helper" / "late.py").write_text("ZERO = 0\n")
    return project


PYTHON = {"kind": "python", "entrypoint": "own:fit", "params": {"depth": 2}}


def test_a_users_model_carries_its_own_code(tmp_path: Path) -> None:
    project = user_project(tmp_path)
    model, _ = train(tmp_path, flowers(), PYTHON, project=project)
    assert sorted(path.name for path in (model / "code").rglob("*.py")) == [
        "__init__.py",
        "late.py",
        "own.py",
        "shape.py",
    ]
    for path in project.rglob("*.py"):
        path.unlink()
    answered = load(model).predict(flowers(9))
    assert len(set(answered["prediction"])) == 1
    assert "helper" not in sys.modules
    assert "own" not in sys.modules
    assert not list(model.rglob("__pycache__"))


def test_two_versions_of_a_users_module_live_side_by_side(tmp_path: Path) -> None:
    old, _ = train(tmp_path / "old", flowers(), PYTHON, project=user_project(tmp_path / "old"))
    changed = HELPER.replace("self.common)", "(self.common + 1) % 3)")
    new, _ = train(tmp_path / "new", flowers(), PYTHON, project=user_project(tmp_path / "new", helper=changed))
    first, second = load(old), load(new)
    before = first.predict(flowers(1))["prediction"][0]
    after = second.predict(flowers(1))["prediction"][0]
    assert before != after
    assert first.predict(flowers(1))["prediction"][0] == before


@pytest.mark.parametrize(
    ("output", "returned", "columns"),
    [
        ("logits", "-np.ones((len(x), 1))", 2),
        ("logits", "np.tile([1.0, 2.0], (len(x), 1))", 2),
        ("probability", "np.full(len(x), 0.25)", 2),
        ("probability", "np.tile([0.9, 0.1], (len(x), 1))", 2),
        ("label", "np.zeros(len(x))", 0),
        (None, "np.zeros(len(x), dtype=int)", 0),
    ],
)
def test_what_a_users_model_answers_with_is_declared(
    tmp_path: Path, output: str | None, returned: str, columns: int
) -> None:
    fit = (
        "import numpy as np\n\nclass Model:\n    def __call__(self, x):\n        return " + returned + "\n\n"
        "def fit(train, validation, label, *, seed):\n    return Model()\n"
    )
    target = {"kind": "python", "entrypoint": "own:fit", "output": output}
    model, _ = train(tmp_path, flowers(classes=("n", "y")), target, project=user_project(tmp_path, fit))
    answered = load(model).predict(flowers(4, classes=("n", "y")))
    probabilities = answered.drop(columns="prediction")
    assert probabilities.shape[1] == columns
    if columns:
        assert probabilities.sum(axis=1).round(9).eq(1).all()
        best = probabilities.idxmax(axis=1).str.removeprefix("probability_")
        assert (answered["prediction"] == best).all()


@pytest.mark.parametrize(
    ("fit", "id", "said"),
    [
        ("def fit(train, validation, label, *, seed):\n    return 1\n", "fit-signature", "unexpected keyword"),
        ("def fit(train):\n    return 1\n", "fit-signature", "own:fit cannot be called"),
        ("def other():\n    return 1\n", "missing-function", "no function fit"),
        ("import nothing_here\n", "user-code", "own failed: ModuleNotFoundError: No module named"),
        ("def fit(*a, **k):\n    x = {}\n    return x['y']\n", "user-code", "own:fit failed: KeyError: 'y' (own.py:3)"),
        ("def fit(*a, **k):\n    return None\n", "no-model", "returned NoneType"),
        ("def fit(*a, **k):\n    return lambda x: x\n", "unpicklable-model", "cannot be saved"),
        ("class M:\n    def predict(self, x):\n        return [9] * len(x)\n\ndef fit(*a, **k):\n    return M()\n",
         "unusable-model", "labels outside 0 to 2"),
        ("class M:\n    def predict(self, x):\n        return [0]\n\ndef fit(*a, **k):\n    return M()\n",
         "unusable-model", "1 times for 5 rows"),
    ],
)  # fmt: skip
def test_a_mistake_in_user_code_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fit: str, id: str, said: str
) -> None:
    found = problem(tmp_path, flowers(), PYTHON, project=user_project(tmp_path, fit)).diagnostics[0]
    assert (found.id, said in found.message) == (id, True), found.message
    if id == "user-code":
        log = capsys.readouterr().err
        assert "own.py" in log
        assert "fitting.py" not in log


def test_a_kind_that_cannot_be_executed_yet_says_so(tmp_path: Path) -> None:
    found = problem(tmp_path, flowers(), {"kind": "pytorch", "entrypoint": "own:fit"})
    assert found.diagnostics[0].id == "not-yet"
