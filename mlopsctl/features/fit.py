"""Fitting the chains on the train split: one scikit-learn transformer from raw columns to a table of numbers.

What is pickled is made of classes of scikit-learn, pandas and numpy alone, so that a model serves without this tool;
beside them only those of :mod:`mlopsctl.features.shipped`, which then is shipped with the model, and the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsctl.features.chains import Chain
from mlopsctl.features.values import check_train
from mlopsctl.ground.errors import StepProblem

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

# XGBoost refuses these in the names of features.
_REFUSED = re.compile(r"[\[\]<]")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted transformer, and what it makes of the columns.

    Attributes:
        inputs: the raw columns it reads.
        outputs: the names of the columns it gives, in order, each with the raw column it comes from.
        constant: columns of numbers with one value only in the train split; they tell a model nothing.
    """

    transformer: Pipeline
    inputs: tuple[str, ...]
    outputs: tuple[tuple[str, str], ...]
    constant: tuple[str, ...]


def fit(chains: Sequence[Chain], train: pd.DataFrame) -> Fitted:
    """Fit on the rows of the train split.

    Raises:
        StepProblem: for columns without any value, with infinite values, or with too many values for one_hot; and
            when every column is dropped.
    """
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    used = [chain for chain in chains if chain.transforms]
    if not used:
        raise StepProblem.because("no-features", "every column is dropped", hint="keep at least one feature")
    inputs = [column.name for chain in used for column in chain.columns]
    check_train(used, train)
    parts, outputs, constant = [], [], []
    for number, chain in enumerate(used):
        names = [column.name for column in chain.columns]
        estimators, given = _chained(chain, train[names])
        parts.append((f"part{number}", Pipeline([(f"step{n}", step) for n, step in enumerate(estimators)]), names))
        outputs += given
        constant += [name for name in names if chain.numeric and train[name].nunique() == 1]
    renamed = _unique([name for _, name in outputs])
    transformer = Pipeline(
        [
            ("columns", ColumnTransformer(parts, sparse_threshold=0.0).set_output(transform="pandas")),
            ("names", FunctionTransformer(pd.DataFrame.set_axis, kw_args={"labels": renamed, "axis": 1})),
        ]
    )
    transformer.fit(train[inputs])
    return Fitted(
        transformer=transformer,
        inputs=tuple(inputs),
        outputs=tuple((source, name) for (source, _), name in zip(outputs, renamed, strict=True)),
        constant=tuple(constant),
    )


def pickled(fitted: Fitted) -> bytes:
    """The transformer's bytes; equal fits give equal bytes."""
    import pickle

    return pickle.dumps(fitted.transformer, protocol=5)


def _chained(chain: Chain, train: pd.DataFrame) -> tuple[list[BaseEstimator], list[tuple[str, str]]]:
    """The estimators of a chain; each transform sees the train split as those before it leave it."""
    import pandas as pd
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    dtypes = chain.dtypes
    dtype: object = dtypes if chain.raw else next(iter(dtypes.values()))
    typed = FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": dtype}, feature_names_out="one-to-one")
    estimators: list[BaseEstimator] = [typed]
    seen = train.astype(dtypes)
    outputs: list[tuple[str, str]] = []
    for transform in chain.transforms:
        made = transform.made(seen)
        outputs = made.outputs
        estimators += made.estimators
        if made.estimators and transform is not chain.transforms[-1]:
            before = Pipeline([(f"step{n}", step) for n, step in enumerate(made.estimators)])
            seen = before.set_output(transform="pandas").fit_transform(seen)
    return estimators, outputs


def _unique(names: Sequence[str]) -> list[str]:
    """The names in characters that every framework takes; one that stands already gets a number."""
    found: dict[str, None] = {}
    for name in names:
        plain = _REFUSED.sub("_", name)
        candidate, number = plain, 2
        while candidate in found:
            candidate, number = f"{plain}~{number}", number + 1
        found[candidate] = None
    return list(found)
