"""``transform``: fit the features on the train split; what comes out is packed into every model.

``transform.pkl`` holds a scikit-learn transformer: raw columns in, a pandas DataFrame of float64 with named columns
out. ``transform.json`` says the same in words: ``inputs`` (the raw columns it reads, with type and transforms),
``outputs`` (name, and the raw column it comes from), ``dropped`` and ``constant`` columns. ``code/`` holds the modules
that the pickle needs beside installed ones: the user's own, and ours that are shipped with models.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.features import Feature, shipped
from mlopsctl.features.chains import Chain, chains
from mlopsctl.features.fit import Fitted, fit, pickled
from mlopsctl.features.transform import Transform
from mlopsctl.features.values import check_held_out
from mlopsctl.frameworks.packed import CODE_FOLDER, OwnModules
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import listed

if TYPE_CHECKING:
    import pandas as pd

TRANSFORM_FILE = "transform.pkl"
DESCRIPTION_FILE = "transform.json"


class TransformParameters(Parameters):
    """The features of the project, as written; none: numbers are standardised, text and booleans one-hot encoded."""

    features: tuple[Feature, ...] = ()


SPEC = ComponentSpec(
    name="transform",
    version=2,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "schema": InputSpec(ArtifactType.SCHEMA),
        "anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True),
    },
    outputs={"transform_graph": ArtifactType.TRANSFORM_GRAPH},
    parameters=TransformParameters,
    packages=("scikit-learn", "numpy", "pandas", "pyarrow"),
    preload=("pandas", "pyarrow.parquet", "sklearn.compose", "sklearn.impute", "sklearn.preprocessing"),
)


def run(work: Work, parameters: TransformParameters) -> Notes:
    """Fit on the train split only; see the module's text.

    Raises:
        StepProblem: when the features do not fit the columns or their values.
    """
    import pandas as pd

    folder = work.inputs["examples"]
    examples = files.read(folder)
    planned = chains(parameters.features, examples.columns, examples.label)
    used = [column.name for chain in planned if chain.transforms for column in chain.columns]
    train = pd.read_parquet(files.split_file(folder, "train"), columns=used)
    output = work.outputs["transform_graph"]
    with _own_modules(planned, work.project)():
        fitted = fit(planned, train)
        # Before it sees any other row: a transformer of the user's own may keep what it is shown.
        content = pickled(fitted)
        for split in ("validation", "test"):
            rows = pd.read_parquet(files.split_file(folder, split), columns=used)
            check_held_out(planned, train, rows, split)
            _prove(planned, content, rows[list(fitted.inputs)], split)
        write_atomic(output / TRANSFORM_FILE, content)
    _ship(planned, work.project, output / CODE_FOLDER)
    described = json.dumps(_described(planned, fitted), indent=1, ensure_ascii=False)
    write_atomic(output / DESCRIPTION_FILE, described.encode() + b"\n")
    return _notes(fitted)


def _transforms(planned: Sequence[Chain]) -> list[Transform]:
    """Every transform that is executed."""
    return [transform for chain in planned for transform in chain.transforms]


def _own_modules(planned: Sequence[Chain], project: Path) -> OwnModules:
    """The project's modules that the transforms run, importable and apart from everyone else's."""
    code = {file for transform in _transforms(planned) for file in transform.code(project)}
    return OwnModules(project, {Path(file).parts[0].removesuffix(".py") for file in code})


def _prove(planned: Sequence[Chain], content: bytes, rows: pd.DataFrame, split: str) -> None:
    """The user's own transformers must take the rows of the other splits: a copy does, and is thrown away.

    Raises:
        StepProblem: when one does not.
    """
    if rows.empty or not any(chain.raw for chain in planned):
        return
    try:
        pickle.loads(content).transform(rows)
    except ValueError as error:
        message = f"the rows of the {split} split cannot be transformed: {error}"
        raise StepProblem.because(
            "bad-transformer", message, hint="it must take any row as it is in the data"
        ) from error


def _ship(planned: Sequence[Chain], project: Path, folder: Path) -> None:
    """Copy the code that the pickle names, so that it is loaded where neither this tool nor the project is."""
    if any(transform.ships for transform in _transforms(planned)):
        folder.mkdir()
        shutil.copyfile(shipped.__file__, folder / f"{shipped.SHIPPED_AS}.py")
    for file in sorted({file for transform in _transforms(planned) for file in transform.code(project)}):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((project / file).read_bytes().replace(b"\r\n", b"\n"))


def _described(planned: Sequence[Chain], fitted: Fitted) -> Json:
    inputs: list[Json] = [
        {
            "name": column.name,
            "type": column.type.value,
            "transforms": [_settings(transform) for transform in chain.transforms],
        }
        for chain in planned
        for column in chain.columns
        if chain.transforms
    ]
    return {
        "inputs": inputs,
        "outputs": [{"name": name, "column": source} for source, name in fitted.outputs],
        "dropped": [column.name for chain in planned for column in chain.columns if not chain.transforms],
        "constant": list(fitted.constant),
    }


def _settings(transform: Transform) -> Json:
    settings: Json = transform.model_dump(mode="json", exclude={"columns"}, exclude_none=True)
    return settings


def _notes(fitted: Fitted) -> Notes:
    line = f"{len(fitted.inputs)} columns become {len(fitted.outputs)} numbers"
    if fitted.constant:
        line += f"; constant in train: {listed(fitted.constant)}"
    return Notes(values={"inputs": len(fitted.inputs), "outputs": len(fitted.outputs)}, line=line)
