"""The packed model stands alone: it serves where mlopsctl is not installed, and takes rows as they come."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlopsctl.frameworks import packed
from tests.unit.components.test_train import train
from tests.unit.frameworks.making import flowers


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("packed"), flowers())[0]


def test_the_loader_imports_the_standard_library_only() -> None:
    tree = ast.parse(Path(packed.__file__).read_text())
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    foreign = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert foreign == {"numpy", "pandas"}


def test_columns_may_stand_in_any_order_with_others_beside_them(model: Path) -> None:
    loaded = packed.load(model)
    rows = flowers(20)
    shuffled = rows[["kind", "place", "width", "length"]].assign(more=1)
    pd.testing.assert_frame_equal(loaded.predict(rows), loaded.predict(shuffled))


def test_the_index_of_the_rows_is_kept(model: Path) -> None:
    rows = flowers(6).iloc[::-2]
    assert list(packed.load(model).predict(rows).index) == list(rows.index)


def test_numbers_that_came_as_text_or_nothing_are_read(model: Path) -> None:
    loaded = packed.load(model)
    rows = flowers(4)
    as_text = rows.assign(length=rows["length"].map(repr).astype(object), width=rows["width"].astype(object))
    pd.testing.assert_frame_equal(loaded.predict(rows), loaded.predict(as_text))
    nothing = rows.assign(length=pd.Series([None] * 4, dtype=object))
    assert len(loaded.predict(nothing)) == 4


def test_a_missing_column_is_named(model: Path) -> None:
    with pytest.raises(ValueError, match="no column length; the model reads length, width, place"):
        packed.load(model).predict(flowers(3).drop(columns="length"))


def test_a_folder_without_a_model_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        packed.load(tmp_path)


def test_output_columns_name_what_predict_answers(model: Path) -> None:
    loaded = packed.load(model)
    assert loaded.output_columns == list(loaded.predict(flowers(2)).columns)
    assert packed.class_name(True) == "true"
    assert packed.class_name(3) == "3"


def test_logits_become_probabilities_without_overflow() -> None:
    one = packed._from_logits(np.array([-1000.0, 0.0, 1000.0]))
    assert one.ravel().tolist() == [0.0, 0.5, 1.0]
    many = packed._from_logits(np.array([[1000.0, 1000.0, -1000.0]]))
    assert many.tolist() == [[0.5, 0.5, 0.0]]


def test_own_modules_leave_the_interpreter_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "shared_name.py").write_text("VALUE = 1\n")
    sys.modules["shared_name"] = sys.modules["json"]
    try:
        path = list(sys.path)
        own = packed.OwnModules(tmp_path, ["shared_name"])
        for _ in range(2):
            with own():
                import shared_name  # type: ignore[import-not-found]

                assert shared_name.VALUE == 1
        with pytest.raises(ZeroDivisionError), own():
            raise ZeroDivisionError
        assert sys.modules["shared_name"] is sys.modules["json"]
        assert sys.path == path
    finally:
        del sys.modules["shared_name"]


class _Answering:
    def __init__(self, labels: list[object]) -> None:
        self.labels = labels

    def predict(self, _: pd.DataFrame) -> object:
        return np.array(self.labels)


class _Doubting(_Answering):
    def predict_proba(self, rows: pd.DataFrame) -> object:
        return np.full((len(rows), 2), 0.5)


@pytest.mark.parametrize("kind", [_Answering, _Doubting])
@pytest.mark.parametrize("label", [0.7, float("nan"), float("inf"), "blue"])
def test_a_label_that_is_no_number_of_a_class_is_refused(label: object, kind: type[_Answering]) -> None:
    info = {"task": "classification", "label": "y", "classes": ["a", "b"], "positive": None, "features": []}
    modules = packed.OwnModules(Path("none"), ())
    made = packed.PackedModel.made({**info, "output": None}, kind([1, label]), modules)
    with pytest.raises(ValueError, match="the model answers with"):
        made.answer_features(pd.DataFrame({"x": [1, 2]}))
    whole = packed.PackedModel.made({**info, "output": None}, kind([1.0, 0.0]), modules)
    assert whole.answer_features(pd.DataFrame({"x": [1, 2]}))[0].tolist() == [1, 0]
