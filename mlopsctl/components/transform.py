"""``transform``: fit the features on the train split; what comes out is packed into every model.

``transform.pkl`` holds a scikit-learn transformer: raw columns in, a pandas DataFrame of float64 with named columns
out. ``transform.json`` says the same in words: ``inputs`` (the raw columns it reads, with type and transforms),
``outputs`` (name, and the raw column it comes from), ``dropped`` and ``constant`` columns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.features import Feature
from mlopsctl.features.chains import Chain, chains
from mlopsctl.features.fit import Fitted, fit, pickled
from mlopsctl.features.transform import Transform
from mlopsctl.features.values import check_held_out
from mlopsctl.ground.digest import Json
from mlopsctl.ground.files import write_atomic
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables import examples as files
from mlopsctl.tables.columns import listed

TRANSFORM_FILE = "transform.pkl"
DESCRIPTION_FILE = "transform.json"


class TransformParameters(Parameters):
    """The features of the project, as written; none: numbers are standardised, text and booleans one-hot encoded."""

    features: tuple[Feature, ...] = ()


SPEC = ComponentSpec(
    name="transform",
    version=1,
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
    fitted = fit(planned, train)
    for split in ("validation", "test"):
        rows = pd.read_parquet(files.split_file(folder, split), columns=used)
        check_held_out(planned, train, rows, split)
    output = work.outputs["transform_graph"]
    write_atomic(output / TRANSFORM_FILE, pickled(fitted))
    described = json.dumps(_described(planned, fitted), indent=1, ensure_ascii=False)
    write_atomic(output / DESCRIPTION_FILE, described.encode() + b"\n")
    return _notes(fitted)


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
