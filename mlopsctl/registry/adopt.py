"""Turn a model that somebody registered in MLflow into a packed model: the same bytes inside, our door around them."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlopsctl.ground.errors import StepProblem, UsageProblem
from mlopsctl.registry import adopted
from mlopsctl.registry.client import Registry
from mlopsctl.registry.connect import asking, or_none
from mlopsctl.registry.package import packed_folder
from mlopsctl.registry.quiet import quiet

_URI = re.compile(r"^models:/(?P<name>[^/@]+)(?:/(?P<version>[1-9][0-9]*)|@(?P<alias>[^/@]+))$")
_PROTOCOL = 5


@dataclass(frozen=True, slots=True)
class Source:
    """A version of a registered model; ``origin`` says where it came from and when: numbers alone begin anew with
    every new registry."""

    name: str
    version: str
    origin: Mapping[str, str] = field(default_factory=dict)


def resolve(tracking: str, uri: str) -> Source:
    """The version that ``models:/name/3`` or ``models:/name@alias`` means now.

    Raises:
        UsageProblem: when it is written otherwise.
        StepProblem: when there is no such version.
    """
    matched = _URI.match(uri)
    if matched is None:
        raise UsageProblem.because(
            "not-a-model", f"{uri!r} names no registered model", hint="write models:/NAME/VERSION or models:/NAME@ALIAS"
        )
    name, version, alias = matched["name"], matched["version"], matched["alias"]
    with asking(tracking) as client:
        found = or_none(
            lambda: (
                client.get_model_version(name, version) if version else client.get_model_version_by_alias(name, alias)
            )
        )
    if found is None:
        raise StepProblem.because("no-such-version", f"the registry at stores.tracking has no {uri}")
    origin = {
        "run": str(found.run_id or ""),
        "source": str(found.source or ""),
        "created": str(found.creation_timestamp or ""),
    }
    return Source(name, str(found.version), origin)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the packed model is to say of itself; ``columns`` are the types of the data's columns by name, without the
    label, in order; ``classes`` is empty in a regression."""

    task: str
    label: str
    classes: Sequence[Any]
    positive: Any
    columns: Mapping[str, str]


def adopt(tracking: str, source: Source, wanted: Wanted, folder: Path) -> Mapping[str, str]:
    """Write the packed model into an empty folder; the raw columns it reads with their types.

    Loads the model to learn whether it gives probabilities: run it only in a process that may be harmed.

    Raises:
        StepProblem: when the model reads columns that the data does not have, or cannot be loaded.
    """
    from mlopsctl.frameworks.packed import CODE_FOLDER, ESTIMATOR_FILE, MODEL_FILE, TRANSFORM_FILE, OwnModules

    code = folder / CODE_FOLDER
    inner = Registry(tracking).download(source.name, source.version, code / adopted.FOLDER)
    ours = packed_folder(inner)
    if ours is not None:
        return _unpacked(ours, folder, code)
    shutil.copyfile(adopted.__file__, code / "adopted.py")
    features = _features(inner, wanted.columns)
    kind = "Probabilities" if wanted.classes and _gives_probabilities(inner, source) else "Answers"
    with OwnModules(code, {"adopted"})():
        import importlib

        module = importlib.import_module("adopted")
        (folder / TRANSFORM_FILE).write_bytes(pickle.dumps(module.Rows(), _PROTOCOL))
        estimator = getattr(module, kind)(tuple(wanted.classes))
        (folder / ESTIMATOR_FILE).write_bytes(pickle.dumps(estimator, _PROTOCOL))
    about = {
        "layout": 1,
        "task": wanted.task,
        "label": wanted.label,
        "classes": list(wanted.classes),
        "positive": wanted.positive,
        "features": [{"name": name, "type": kind} for name, kind in features.items()],
        "framework": "mlflow",
        "estimator": f"models:/{source.name}/{source.version}",
        "output": None,
        "parameters": {},
    }
    text = json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (folder / MODEL_FILE).write_text(text + "\n", encoding="utf-8")
    return features


def _unpacked(ours: Path, folder: Path, code: Path) -> Mapping[str, str]:
    """One of our own models comes out as it went in, under the same digest."""
    from mlopsctl.frameworks.packed import MODEL_FILE

    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        shutil.move(ours, Path(aside) / "model")
        shutil.rmtree(code)
        shutil.copytree(Path(aside) / "model", folder, dirs_exist_ok=True)
    about = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
    return {feature["name"]: feature["type"] for feature in about["features"]}


def _features(inner: Path, columns: Mapping[str, str]) -> dict[str, str]:
    """What the model's signature reads; every column where it has none."""
    with quiet():
        from mlflow.models import Model

        signature = Model.load(str(inner)).signature
    if signature is None or signature.inputs is None or not signature.inputs.has_input_names():
        return dict(columns)
    names = [str(name) for name in signature.inputs.input_names()]
    missing = [name for name in names if name not in columns]
    if missing:
        raise StepProblem.because(
            "other-columns",
            f"the model reads {', '.join(missing)}, which the data does not have",
            hint=f"it reads {', '.join(names)}; the data has {', '.join(columns)}",
        )
    return {name: columns[name] for name in names}


def _gives_probabilities(inner: Path, source: Source) -> bool:
    with quiet():
        try:
            loaded = adopted.load(inner)
        # A foreign model can fail in any way.
        except Exception as error:
            raise StepProblem.because(
                "unusable-model",
                f"models:/{source.name}/{source.version} cannot be loaded here: {type(error).__name__}: {error}",
                hint="install what it needs; its requirements.txt says what it was made with",
            ) from error
    return hasattr(loaded, "predict_proba") and hasattr(loaded, "classes_")
