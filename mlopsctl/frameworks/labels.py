"""Labels and their numbers: which classes there are, in which order, and how a column of labels is encoded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

from mlopsctl.ground.errors import StepProblem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Label: TypeAlias = bool | int | float | str

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes of a classification; a label's number is its position.

    Sorted, except that with a positive class there are two, and it is the second.
    """

    classes: tuple[Label, ...]
    positive: Label | None = None

    def encode(self, column: pd.Series[Any]) -> NDArray[np.int64]:
        """The number of each label; -1 for a label that is none of the classes."""
        import numpy as np
        import pandas as pd

        codes, found = pd.factorize(column)
        places = {label_key(label): place for place, label in enumerate(self.classes)}
        # The last place answers for missing values, whose code is -1.
        return np.array([*(places.get(label_key(value), -1) for value in found.tolist()), -1], dtype=np.int64)[codes]


def learn(column: pd.Series[Any], positive: Label | None) -> Labels:
    """The classes of the train split's label column.

    Raises:
        StepProblem: missing labels, one class only, labels that are no classes, or no such positive class.
    """
    require_complete(column, "train")
    name = str(column.name)
    found = column.drop_duplicates().tolist()
    for value in found:
        if not isinstance(value, bool | int | float | str):
            raise StepProblem.because(
                "label-type", f"the label {name} holds {type(value).__name__} values; classes are text or whole numbers"
            )
        if isinstance(value, float) and not value.is_integer():
            raise StepProblem.because(
                "label-type",
                f"the label {name} holds fractions such as {value!r}, which are not classes",
                hint="write task: regression",
            )
    classes = sorted(found)
    if len(classes) < 2:
        raise StepProblem.because(
            "one-class",
            f"every row of the train split has the label {name} = {classes[0]!r}; there is nothing to learn"
            if classes
            else f"the train split has no rows, so {name} has no classes",
            hint="check the data's filter and split",
        )
    if positive is None:
        return Labels(tuple(classes))
    return _with_positive(name, classes, positive)


def numbers(column: pd.Series[Any], split: str) -> NDArray[np.float64]:
    """The label of a regression.

    Raises:
        StepProblem: when it is not numbers, or one is missing or not finite.
    """
    import numpy as np
    import pandas as pd

    require_complete(column, split)
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        raise StepProblem.because(
            "label-type",
            f"the label {column.name} is not a number, for example {column.iloc[0]!r}"
            if len(column)
            else f"the label {column.name} is not a number",
            hint="write task: classification, or correct the data",
        )
    values = column.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise StepProblem.because("label-type", f"the label {column.name} holds infinite values in the {split} split")
    return values


def require_complete(column: pd.Series[Any], split: str) -> None:
    """Every row has a label.

    Raises:
        StepProblem: when one is missing.
    """
    missing = int(column.isna().sum())
    if missing:
        raise StepProblem.because(
            "missing-label",
            f"{missing} of {len(column)} rows of the {split} split have no label {column.name}",
            hint=f'leave them out with the dataset\'s filter: "{column.name} IS NOT NULL"',
        )


def _with_positive(name: str, classes: list[Label], positive: Label) -> Labels:
    same = [value for value in classes if value == positive and isinstance(value, bool) == isinstance(positive, bool)]
    if not same:
        near = get_close_matches(str(positive), [str(value) for value in classes], n=1, cutoff=0.6)
        hint = next((f"did you mean {value!r}?" for value in classes if near and str(value) == near[0]), "")
        raise StepProblem.because(
            "unknown-positive",
            f"no row of the train split has the label {name} = {positive!r}; there are {_list(classes)}",
            hint=hint or "white space and letter case count",
        )
    if len(classes) != 2:
        raise StepProblem.because(
            "not-binary",
            f"a positive class needs two classes, and {name} has {len(classes)}: {_list(classes)}",
            hint="leave positive out, or filter the other classes out",
        )
    other = next(value for value in classes if value != same[0])
    return Labels((other, same[0]), positive=same[0])


def label_key(label: Label) -> tuple[bool, Label]:
    """Equal for 1 and 1.0, not for 1 and true."""
    return isinstance(label, bool), label


def _list(values: Iterable[object]) -> str:
    shown = [repr(value) for value in values]
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")
