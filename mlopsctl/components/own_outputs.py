"""What a component of the user's own left: completed where that can be known, and checked by its type.

A reader of a standard type must be able to lean on it, so what is wrong is told at the step that wrote it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from mlopsctl import evidence
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables import examples as tables
from mlopsctl.tables.columns import Column
from mlopsctl.tables.examples import EXAMPLES_FILE, SOURCE_FILE, SPLITS, Examples, split_file

_METRICS_FILE = "metrics.json"

# The files without which an artifact of a type cannot be read.
_FILES: Mapping[ArtifactType, tuple[str, ...]] = {
    ArtifactType.EXAMPLES: tuple(f"{split}.parquet" for split in SPLITS),
    ArtifactType.STATISTICS: ("statistics.json",),
    ArtifactType.SCHEMA: ("schema.json",),
    ArtifactType.ANOMALIES: (evidence.ANOMALIES_FILE,),
    ArtifactType.TRANSFORM_GRAPH: ("transform.pkl", "transform.json"),
    ArtifactType.HYPERPARAMETERS: ("hyperparameters.json",),
    ArtifactType.MODEL: ("model.json",),
    ArtifactType.EVALUATION: (evidence.EVALUATION_FILE,),
    ArtifactType.PREDICTIONS: ("predictions.parquet",),
    ArtifactType.METRICS: (_METRICS_FILE,),
}
_MODEL_KEYS = ("task", "label", "classes", "features")


def complete(kind: ArtifactType, folder: Path, read: Mapping[ArtifactType, Path]) -> None:
    """Write what follows from the rest: ``examples.json`` and ``source.parquet`` of rows that come from other rows.

    Args:
        read: the first input of each type that the component read.
    """
    if kind is not ArtifactType.EXAMPLES or (folder / EXAMPLES_FILE).exists() or ArtifactType.EXAMPLES not in read:
        return
    if any(not split_file(folder, split).is_file() for split in SPLITS):
        return
    from mlopsctl.tables.engine import opened, parquet, write_parquet

    like = tables.read(read[ArtifactType.EXAMPLES])
    files = [split_file(folder, split) for split in SPLITS]
    with opened(reads=files, writes=[folder]) as connection:
        if not (folder / SOURCE_FILE).exists():
            write_parquet(connection, f"SELECT * FROM {parquet(*files)}", folder / SOURCE_FILE)
        counts = {split: _count(connection.execute, split_file(folder, split)) for split in SPLITS}
    columns = _columns(files[0])
    names = {column.name for column in columns}
    tables.write(
        Examples(
            dataset=like.dataset,
            label=like.label if like.label in names else None,
            positive=like.positive if like.label in names else None,
            columns=columns,
            source_columns=_columns(folder / SOURCE_FILE),
            splits={**counts, "unused": 0},
            rows=sum(counts.values()),
        ),
        folder,
    )


def checked(name: str, kind: ArtifactType, folder: Path) -> str:
    """See that an output is what its type says; what a person reads of it, in a few words.

    Raises:
        StepProblem: naming the output, and what is wrong with it.
    """
    for file in _FILES.get(kind, ()):
        if not (folder / file).is_file():
            there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) if folder.is_dir() else ""
            raise _bad(name, kind, f"it has no file {file}", f"it holds {there or 'nothing'}")
    try:
        return f"{name} {_CHECKS[kind](folder)}" if kind in _CHECKS else _counted(name, folder)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise _bad(name, kind, _first_line(error), "see what the standard step of that type writes") from error


def _bad(name: str, kind: ArtifactType, reason: str, hint: str) -> StepProblem:
    return StepProblem.because("bad-output", f"output {name!r} is no {kind.value}: {reason}", hint=hint)


def _examples(folder: Path) -> str:
    found = {split: _columns(split_file(folder, split)) for split in SPLITS}
    for split in SPLITS[1:]:
        if found[split] != found["train"]:
            raise ValueError(f"the columns of {split}.parquet are not those of train.parquet")
    if (folder / EXAMPLES_FILE).is_file():
        described = tables.read(folder)
        if tuple(c.name for c in described.columns) != tuple(c.name for c in found["train"]):
            raise ValueError(f"{EXAMPLES_FILE} names other columns than train.parquet has")
        return f"{sum(described.splits.get(split, 0) for split in SPLITS)} rows"
    return f"{len(found['train'])} columns"


def _predictions(folder: Path) -> str:
    columns = [column.name for column in _columns(folder / "predictions.parquet")]
    return f"{len(columns)} columns"


def _anomalies(folder: Path) -> str:
    found = evidence.read(evidence.Anomalies, folder, evidence.ANOMALIES_FILE)
    return f"{len(found.checks)} checks: {found.verdict.value}"


def _evaluation(folder: Path) -> str:
    evidence.read(evidence.Evaluation, folder, evidence.EVALUATION_FILE)
    return "evaluation"


def _metrics(folder: Path) -> str:
    found = _mapping(folder / _METRICS_FILE)
    for metric, value in found.items():
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ValueError(f"{_METRICS_FILE} says {value!r} of {metric!r}, which is no finite number")
    return ", ".join(f"{metric} {value:g}" for metric, value in list(found.items())[:3])


def _model(folder: Path) -> str:
    found = _mapping(folder / "model.json")
    missing = [key for key in _MODEL_KEYS if key not in found]
    if missing:
        raise ValueError(f"model.json has no {missing[0]!r}")
    return str(found["task"])


def _described(file: str) -> Callable[[Path], str]:
    def check(folder: Path) -> str:
        return f"{len(_mapping(folder / file))} keys"

    return check


_CHECKS: Mapping[ArtifactType, Callable[[Path], str]] = {
    ArtifactType.EXAMPLES: _examples,
    ArtifactType.STATISTICS: _described("statistics.json"),
    ArtifactType.SCHEMA: _described("schema.json"),
    ArtifactType.ANOMALIES: _anomalies,
    ArtifactType.TRANSFORM_GRAPH: _described("transform.json"),
    ArtifactType.HYPERPARAMETERS: _described("hyperparameters.json"),
    ArtifactType.MODEL: _model,
    ArtifactType.EVALUATION: _evaluation,
    ArtifactType.PREDICTIONS: _predictions,
    ArtifactType.METRICS: _metrics,
}


def _mapping(file: Path) -> dict[str, float]:
    try:
        found = json.loads(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"{file.name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} holds no JSON object")
    return found


def _columns(file: Path) -> tuple[Column, ...]:
    """The columns of a Parquet file with their types; only its footer is read."""
    from mlopsctl.tables.engine import opened, parquet
    from mlopsctl.tables.scan import column_type

    try:
        with opened(reads=[file]) as connection:
            rows = connection.execute(f"DESCRIBE SELECT * FROM {parquet(file)}").fetchall()
    except StepProblem as problem:
        raise ValueError(f"{file.name} is no Parquet file: {problem}") from problem
    return tuple(Column(str(row[0]), column_type(str(row[1]))) for row in rows)


def _count(execute: Callable[[str], object], file: Path) -> int:
    from mlopsctl.tables.engine import parquet

    row = execute(f"SELECT count(*) FROM {parquet(file)}").fetchone()  # type: ignore[attr-defined]
    return int(row[0]) if row else 0


def _counted(name: str, folder: Path) -> str:
    count = sum(1 for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return f"{name} {count} file{'s' * (count != 1)}"


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"the key {error.args[0]!r} is missing"
    return (str(error).splitlines() or [type(error).__name__])[0]
