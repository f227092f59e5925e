"""A first ``mlops.yaml`` for a CSV file that was looked at, with the reason for each choice beside it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlopsctl.cli.draft_text import listed, said, scalar, value
from mlopsctl.ground.errors import StepProblem
from mlopsctl.sources.look import ColumnFacts, Seen
from mlopsctl.tables.columns import ColumnType, shown

_ID_NAME = re.compile(r"^(id|index|uuid|guid|unnamed.*)$|(^|_| )(id|uuid|guid)$|[a-z](Id|ID)$")
_POSITIVE_WORDS = frozenset({"yes", "y", "true", "t", "1", "positive", "pos", "churned", "fraud", "default", "spam"})
_FEWEST_ROWS = 50
_SMALL = 500
_FOREST_ROWS = 50_000
_MOST_INT_CLASSES = 10
_MOST_VALUES = 50
_RARE = 10
# Beyond this share of one class a constant model looks good by accuracy.
_LOPSIDED = 0.8
# A column emptier than this says too little.
_HOLLOW = 0.9


@dataclass(frozen=True, slots=True)
class _Gates:
    """The metrics of a project and the gates on them: the metric that decides, and the bounds."""

    metrics: tuple[str, ...]
    lines: tuple[str, ...]


def draft(seen: Seen, name: str, uri: str, *, inside: bool) -> str:
    """The text of ``mlops.yaml``.

    Args:
        uri: where the file lies from the project's folder.
        inside: whether it lies within that folder.

    Raises:
        StepProblem: when the rows or the label are such that nothing could be learned.
    """
    _refuse(seen)
    classification = _is_classification(seen)
    gates = _class_gates(seen) if classification else _number_gates(seen)
    lines = [
        "# yaml-language-server: $schema=mlops.schema.json",
        f"# Drafted by `mlopsctl init --from-csv` from {seen.rows} rows. Every choice is yours to change.",
        "version: 1",
        f"name: {name}",
        "",
        "parameters: {seed: 7}",
        "",
        *_data(seen, name, uri, inside, classification),
        *_features(seen),
        *_training(seen, classification, gates),
        "",
        "evaluation:",
        said(f"  metrics: [{', '.join(gates.metrics)}]", "the first one also selects among the targets"),
        "  gates:                                  # all must pass on the test rows, or nothing is registered",
        *gates.lines,
        "",
        "# deployment: {server: {kind: mlflow}}    # serve the model that passed: take the first mark away",
    ]
    return "\n".join(lines) + "\n"


def _refuse(seen: Seen) -> None:
    label, name = seen.label, shown(seen.label.column.name)
    learnable = seen.rows - label.missing
    if not learnable:
        hint = "choose another --label"
        raise StepProblem.because("missing-label", f"the label {name} has no value in any row", hint=hint)
    if label.column.distinct < 2:
        value = label.classes[0][0] if label.classes else ""
        message = f"the label {name} is {value!r} in every row, so nothing can be learned"
        raise StepProblem.because("one-class", message, hint="choose another --label, or add rows of another class")
    if learnable < _FEWEST_ROWS:
        message = f"{learnable} rows with a label are too few for three splits"
        raise StepProblem.because("few-rows", message, hint=f"collect at least {_FEWEST_ROWS}")
    if not label.column.type.numeric and not label.classes:
        message = f"the label {name} has {label.column.distinct} different texts, too many for classes"
        raise StepProblem.because("too-many-classes", message, hint="choose another --label")
    if label.column.type in (ColumnType.TIMESTAMP, ColumnType.OTHER) or label.column.cuts:
        raise StepProblem.because(
            "wrong-type", f"the label {name} holds moments of time", hint="choose another --label"
        )


def _is_classification(seen: Seen) -> bool:
    """Text, true and false, and few different whole numbers are classes; all else is a number."""
    label = seen.label
    if not label.column.type.numeric:
        return True
    whole = all(float(one).is_integer() for one, _ in label.classes if not isinstance(one, str))
    return bool(label.classes) and whole and label.column.distinct <= _MOST_INT_CLASSES


def _data(seen: Seen, name: str, uri: str, inside: bool, classification: bool) -> Iterator[str]:
    label = seen.label
    yield "data:"
    yield f"  {_dataset(name)}:"
    source = [f"kind: csv, uri: {scalar(uri)}"]
    if seen.source.delimiter != ",":
        source.append(f"delimiter: {json.dumps(seen.source.delimiter)}")
    if seen.source.nulls != ("",):
        source.append(f"nulls: [{', '.join(json.dumps(word) for word in seen.source.nulls)}]")
    if not inside:
        yield "    # outside of this folder: copy the file in, so that the project also runs elsewhere"
    yield f"    source: {{{', '.join(source)}}}"
    if label.missing:
        name = _sql(label.column.name)
        real = label.column.type is ColumnType.FLOAT
        condition = f"{name} IS NOT NULL" + (f" AND isfinite({name})" if real else "")
        yield said(f"    filter: {scalar(condition)}", f"{label.missing} rows have no label")
    kind = f"{label.column.distinct} classes" if classification else "a number"
    yield said(f"    label: {scalar(label.column.name)}", f"{kind}, so the task is {_task(classification)}")
    if classification and len(label.classes) == 2:
        yield said(
            f"    positive: {value(_positive(seen))}",
            "what precision and recall are about",
        )
    yield from _split(seen)
    yield "    checks:"
    enough = max(1, (seen.rows - label.missing) // 2)
    yield said(f"      - {{name: enough-rows, kind: row_count, min: {enough}}}", "half of today's rows")
    holed = [column for column in _used(seen) if column.missing]
    for number, column in enumerate(holed, start=1):
        bound = min(1.0, math.ceil(column.missing / seen.rows * 150 + 1) / 100)
        check = f"{{name: nulls-{number}, kind: null_fraction, column: {scalar(column.name)}, max: {bound:g}}}"
        yield said(f"      - {check}", f"{column.missing} rows today")


def _split(seen: Seen) -> Iterator[str]:
    small = seen.rows - seen.label.missing < _SMALL
    train, rest = (0.6, 0.2) if small else (0.8, 0.1)
    why = "few rows: larger shares to judge on" if small else "by each row's own bytes: a row never changes sides"
    yield said(f"    split: {{kind: hash, train: {train}, validation: {rest}, test: {rest}}}", why)
    for column in seen.columns:
        if column.cuts and column.cuts[0]:
            validation, test = (cut if column.type is ColumnType.INT else json.dumps(cut) for cut in column.cuts)
            yield "    # The rows have a time. To judge on the newest, as a model meets them when it is used:"
            yield f"    # split: {{kind: time, column: {scalar(column.name)}, validation: {validation}, test: {test}}}"


def _features(seen: Seen) -> Iterator[str]:
    """What differs from the default: numbers standardised, text one-hot."""
    dropped = [(column, why) for column in seen.columns if (why := _dropped(column, seen))]
    filled = [column.name for column in _used(seen) if column.missing and column.type.numeric]
    yield ""
    if not dropped and not filled:
        yield "# features: numbers are standardised and text is one-hot encoded, as nothing else is said"
        yield ""
        return
    yield "features:                                 # of all other columns numbers are standardised, text is one-hot"
    for column, why in dropped:
        yield said(f"  - {{kind: drop, columns: [{scalar(column.name)}]}}", why)
    if filled:
        yield from listed("  - {kind: impute, strategy: median, columns: [", filled, "]}")
        yield from listed("  - {kind: standardize, columns: [", filled, "]}")
    yield ""


def _used(seen: Seen) -> list[ColumnFacts]:
    return [column for column in seen.columns if not _dropped(column, seen)]


def _dropped(column: ColumnFacts, seen: Seen) -> str:
    """Why a column is no feature; empty when it is one."""
    values = seen.rows - column.missing
    if column.twin:
        return "the same as the label: the model would be told the answer"
    if not column.distinct:
        return "no value at all"
    if column.distinct == 1 and not column.missing:
        return "the same in every row"
    if column.missing > seen.rows * _HOLLOW:
        return f"empty in {column.missing} of {seen.rows} rows"
    if column.infinite:
        return f"infinite in {column.infinite} rows: correct them, then take this line out"
    if column.cuts:
        return "a moment: new rows have new ones"
    if column.steady or (_ID_NAME.search(column.name) and column.distinct * 2 > values):
        return "looks like an id: it names rows and says nothing of new ones"
    if column.type is ColumnType.STRING and column.distinct > _MOST_VALUES:
        if column.distinct * 10 > values * 9:
            return f"{column.distinct} different texts in {values} rows: an id, or free text"
        return f"{column.distinct} different values: many for one-hot; try `kind: hash`"
    return ""


def _training(seen: Seen, classification: bool, gates: _Gates) -> Iterator[str]:
    forest = seen.rows <= _FOREST_ROWS
    sort = "Classifier" if classification else "Regressor"
    second = f"sklearn.ensemble.{'RandomForest' if forest else 'HistGradientBoosting'}{sort}"
    yield "training:"
    yield f"  task: {_task(classification)}"
    yield "  targets:                                # trained side by side: a simple one, and one that finds more"
    if classification:
        estimator = "sklearn.linear_model.LogisticRegression, params: {max_iter: 1000}"
        yield f"    linear: {{kind: sklearn, estimator: {estimator}}}"
    else:
        yield "    linear: {kind: sklearn, estimator: sklearn.linear_model.Ridge}"
    parameters = ", params: {n_estimators: 100}" if forest else ""
    yield f"    {'forest' if forest else 'boosting'}: {{kind: sklearn, estimator: {second}{parameters}}}"
    yield said(f"  select: {{metric: {gates.metrics[0]}}}", "on the validation rows, never on those that gates judge")


def _class_gates(seen: Seen) -> _Gates:
    classes = seen.label.classes
    share = classes[0][1] / sum(rows for _, rows in classes)
    told = f"always saying {value(classes[0][0])} is right in {share:.3f} of all rows"
    binary = len(classes) == 2
    if share <= _LOPSIDED:
        metric, trivial = "accuracy", share
        metrics = ("accuracy", "roc_auc", "f1") if binary else ("accuracy", "macro_f1")
    elif binary:
        metric, trivial = "roc_auc", 0.5
        metrics = ("roc_auc", "f1", "accuracy")
        told += ", so accuracy says little; its roc_auc is 0.5"
    else:
        metric, trivial = "macro_f1", 2 * share / (1 + share) / len(classes)
        metrics = ("macro_f1", "accuracy")
        told += f", so accuracy says little; its macro_f1 is {trivial:.3f}"
    floor = math.ceil(round((trivial + max(0.02, (1 - trivial) / 10)) * 100, 6)) / 100
    rare = [(one, rows) for one, rows in classes if rows < _RARE]
    return _Gates(
        metrics,
        (
            f"    # {told}",
            *(f"    # the class {value(one)} has {rows} rows: few to learn from and to judge on" for one, rows in rare),
            f"    - {{name: floor, kind: threshold, metric: {metric}, min: {floor:g}}}",
            f"    - {{name: beats-trivial, kind: change, metric: {metric}, against: trivial, min: 0.02}}",
            f"    - {{name: not-worse, kind: change, metric: {metric}, against: champion, min: -0.02}}",
        ),
    )


def _number_gates(seen: Seen) -> _Gates:
    std = seen.label.std
    return _Gates(
        ("rmse", "mae", "r2"),
        (
            f"    # always saying the mean: rmse about {std:.4g}, the label's standard deviation, and r2 0",
            "    - {name: floor, kind: threshold, metric: r2, min: 0.02}",
            f"    - {{name: beats-trivial, kind: change, metric: rmse, against: trivial, max: -{_rounded(std / 100)}}}",
            f"    - {{name: not-worse, kind: change, metric: rmse, against: champion, max: {_rounded(std / 50)}}}",
        ),
    )


def _rounded(value: float) -> str:
    return repr(float(f"{value:.2g}"))


def _positive(seen: Seen) -> bool | int | float | str:
    """The class that sounds like a yes, else the rarer one."""
    values = [value for value, _ in seen.label.classes]
    named = [value for value in values if str(value).strip().casefold() in _POSITIVE_WORDS or value == 1]
    return named[0] if len(named) == 1 else values[-1]


def _task(classification: bool) -> str:
    return "classification" if classification else "regression"


def _dataset(name: str) -> str:
    return name[:40].rstrip("-_")


def _sql(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
