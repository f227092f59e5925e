"""Make the artifacts that training and judging read: examples, a fitted transform, and a step's surroundings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mlopsctl.components.spec import Work
from mlopsctl.components.transform import TransformParameters, run
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import Column, ColumnType


def flowers(rows: int = 300, *, classes: tuple[object, ...] = ("red", "green", "blue"), seed: int = 0) -> pd.DataFrame:
    """Two numbers and a text that tell the class, mostly."""
    draw = np.random.default_rng(seed)
    code = draw.integers(0, len(classes), rows)
    return pd.DataFrame(
        {
            "length": code + draw.normal(0, 0.4, rows),
            "width": draw.normal(0, 1, rows) - code,
            "place": np.where(draw.random(rows) < 0.5, "north", "south"),
            "kind": [classes[one] for one in code],
        }
    )


def fares(rows: int = 300, *, seed: int = 0) -> pd.DataFrame:
    """A number that follows from another, mostly."""
    draw = np.random.default_rng(seed)
    miles = draw.gamma(2, 2, rows)
    return pd.DataFrame(
        {
            "miles": miles,
            "hour": draw.integers(0, 24, rows),
            "place": np.where(draw.random(rows) < 0.5, "north", "south"),
            "fare": 3 + 2 * miles + draw.normal(0, 0.5, rows),
        }
    )


def examples(folder: Path, frame: pd.DataFrame, label: str, *, shares: tuple[float, float] = (0.8, 0.1)) -> Path:
    """An Examples artifact: the first rows train, the next validate, the rest test."""
    folder.mkdir(parents=True)
    ends = [int(len(frame) * share) for share in (shares[0], sum(shares), 1)]
    counts = {}
    for split, start, end in zip(files.SPLITS, [0, *ends[:2]], ends, strict=True):
        part = frame.iloc[start:end].reset_index(drop=True)
        part.to_parquet(files.split_file(folder, split))
        counts[split] = len(part)
    columns = tuple(Column(name, kind_of(frame[name])) for name in frame.columns)
    splits = {**counts, "unused": 0}
    files.write(files.Examples("made", label, None, columns, columns, splits, len(frame)), folder)
    return folder


def kind_of(column: pd.Series) -> ColumnType:
    """The type that ingest would find."""
    if pd.api.types.is_bool_dtype(column):
        return ColumnType.BOOL
    if pd.api.types.is_integer_dtype(column):
        return ColumnType.INT
    return ColumnType.FLOAT if pd.api.types.is_numeric_dtype(column) else ColumnType.STRING


def transform(folder: Path, examples_folder: Path, *features: dict[str, object]) -> Path:
    """A TransformGraph artifact as the component leaves it; by default numbers standardised, text one-hot."""
    doing = work(folder, {"examples": examples_folder}, ("transform_graph",))
    run(doing, TransformParameters.model_validate({"features": list(features)}))
    return doing.outputs["transform_graph"]


def work(folder: Path, inputs: dict[str, Path], outputs: tuple[str, ...], **more: object) -> Work:
    """What a step has: the given inputs and an empty folder for each output."""
    out = {name: folder / "outputs" / name for name in outputs}
    for path in out.values():
        path.mkdir(parents=True)
    return Work(project=more.pop("project", folder), inputs=inputs, outputs=out, **more)  # type: ignore[arg-type]
