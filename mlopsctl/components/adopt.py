"""``adopt``: a model that is already in MLflow becomes the challenger, in the place of one that was trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.frameworks.labels import Label, learn
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables import examples as files

_PROBED = 5


class AdoptParameters(Parameters):
    """Which registered version, and what it is to predict.

    ``origin`` tells it from a version of the same number in a registry that was made anew.
    """

    name: str
    version: str
    origin: dict[str, str] = Field(default_factory=dict)
    task: Literal["classification", "regression"]
    label: str
    positive: Label | None = None


SPEC = ComponentSpec(
    name="adopt",
    version=2,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True),
    },
    outputs={"model": ArtifactType.MODEL},
    parameters=AdoptParameters,
    packages=("mlflow", "numpy", "pandas", "pyarrow"),
)


def run(work: Work, parameters: AdoptParameters) -> Notes:
    """Fetch the version, pack it, and prove that it answers rows of the train split."""
    import pandas as pd

    from mlopsctl.frameworks.packed import load
    from mlopsctl.registry.adopt import Source, Wanted, adopt

    folder = work.inputs["examples"]
    rows = pd.read_parquet(files.split_file(folder, "train"))
    labels = learn(rows[parameters.label], parameters.positive) if parameters.task == "classification" else None
    types = {column.name: str(column.type) for column in files.read(folder).columns}
    wanted = Wanted(
        task=parameters.task,
        label=parameters.label,
        classes=labels.classes if labels else (),
        positive=labels.positive if labels else None,
        columns={str(name): types[str(name)] for name in rows.columns if name != parameters.label},
    )
    source = Source(parameters.name, parameters.version)
    features = adopt(work.tracking, source, wanted, work.outputs["model"])
    try:
        load(work.outputs["model"]).predict(rows.head(_PROBED))
    # A foreign model can fail in any way.
    except Exception as error:
        raise StepProblem.because(
            "unusable-model",
            f"models:/{source.name}/{source.version} does not answer rows of the train split: "
            f"{type(error).__name__}: {error}",
            hint="it must take raw rows of the data and answer once for each",
        ) from error
    return Notes(
        values={"name": source.name, "version": source.version, "columns": list(features)},
        line=f"models:/{source.name}/{source.version}, which reads {len(features)} columns",
    )
