"""Small packed models, real ones, and the evidence that goes with them."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.spec import Work
from mlopsctl.evidence import (
    BLESSING_FILE,
    EVALUATION_FILE,
    INFRA_BLESSING_FILE,
    Blessing,
    Evaluation,
    GateResult,
    InfraBlessing,
    Measurement,
    Verdict,
    write,
)

FEATURES = {"age": "integer", "weight": "number", "wild": "boolean", "island": "text"}


@dataclass(frozen=True)
class Made:
    """A model artifact, the examples it was made from, its digest."""

    model: Path
    examples: Path
    digest: str


def make_examples(folder: Path) -> Path:
    """120 rows with a whole number, a fraction with gaps, a boolean and a text column."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(7)
    count = 120
    rows = pd.DataFrame(
        {
            "age": random.integers(1, 20, count),
            "weight": np.where(random.random(count) < 0.1, np.nan, random.normal(4, 1, count)),
            "wild": random.random(count) < 0.5,
            "island": random.choice(["Biscoe", "Dream", "Tor'gersen"], count),
        }
    )
    rows["species"] = np.where(rows["age"] + rows["weight"].fillna(4) > 14, "Gentoo", "Adelie")
    for split, part in {"train": rows[:80], "validation": rows[80:100], "test": rows[100:]}.items():
        part.reset_index(drop=True).to_parquet(folder / f"{split}.parquet")
    return folder


def make_model(folder: Path, examples: Path, *, strength: float = 1.0, estimator: object = None) -> Made:
    """A packed logistic regression; another ``strength`` makes another digest."""
    folder.mkdir(parents=True)
    train = pd.read_parquet(examples / "train.parquet")
    transform = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["age", "weight", "wild"]),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["island"]),
        ]
    )
    numbers = transform.fit_transform(train[list(FEATURES)])
    labels = (train["species"] == "Gentoo").astype(int)
    fitted = estimator or LogisticRegression(C=strength).fit(numbers, labels)
    about = {
        "task": "classification",
        "label": "species",
        "classes": ["Adelie", "Gentoo"],
        "positive": None,
        "features": [{"name": name, "type": kind} for name, kind in FEATURES.items()],
        "framework": "sklearn",
        "estimator": "sklearn.linear_model.LogisticRegression",
        "output": None,
        "parameters": {"C": strength, "penalty": "l2"},
    }
    (folder / "model.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "transform.pkl").write_bytes(pickle.dumps(transform, protocol=5))
    (folder / "estimator.pkl").write_bytes(pickle.dumps(fitted, protocol=5))
    return Made(folder, examples, folder_digest(folder))


def repacked(made: Made, folder: Path, files: dict[str, bytes]) -> Made:
    """The same model with some of its files replaced."""
    folder.mkdir(parents=True)
    for file in made.model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return Made(folder, made.examples, folder_digest(folder))


def make_work(
    made: Made,
    folder: Path,
    outputs: str,
    *,
    blessed: Verdict = Verdict.PASS,
    infra: Verdict | None = Verdict.PASS,
    tracking: str = "",
    run_id: str = "20261121-1",
    judged: str = "",
) -> Work:
    """The work of a push or preflight step with evidence of these verdicts about the model (or another digest)."""
    digest = judged or made.digest
    inputs = {"model": made.model, "examples": made.examples}
    measured = (Measurement("accuracy", 0.9, 20), Measurement("auc", None, 0, problem="one class"))
    sliced = Measurement("accuracy", 1.0, 5, slice="island=Tor'gersen")
    evidence = {
        "evaluation": (
            EVALUATION_FILE,
            Evaluation("classification", "test", 20, digest, "", (*measured, sliced)),
        ),
        "blessing": (
            BLESSING_FILE,
            Blessing(digest, "", (GateResult("floor", "threshold", "accuracy", blessed, "0.9 against 0.6"),)),
        ),
    }
    if infra is not None:
        evidence["infra_blessing"] = (INFRA_BLESSING_FILE, InfraBlessing(digest, infra, "as told", latency_p95_ms=3.0))
    for name, (file, value) in evidence.items():
        inputs[name] = folder / name
        inputs[name].mkdir(parents=True)
        write(value, inputs[name], file)
    made_output = folder / "out"
    made_output.mkdir(parents=True, exist_ok=True)
    return Work(
        project=folder,
        inputs=inputs,
        outputs={outputs: made_output},
        environment="default",
        tracking=tracking,
        run_id=run_id,
    )
