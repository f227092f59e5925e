"""``schema``: what is expected of each column, from the reviewed schema file or else from the train split."""

from __future__ import annotations

from mlopsctl import evidence
from mlopsctl.checks.data_schema import SCHEMA_FILE, inferred, reviewed
from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables.statistics import STATISTICS_FILE, Statistics


class SchemaParameters(Parameters):
    """``reviewed`` is the content of the dataset's schema file, read when the pipeline was made."""

    dataset: str
    reviewed: SchemaFile | None = None


SPEC = ComponentSpec(
    name="schema",
    version=1,
    inputs={"statistics": InputSpec(ArtifactType.STATISTICS)},
    outputs={"schema": ArtifactType.SCHEMA},
    parameters=SchemaParameters,
)


def run(work: Work, parameters: SchemaParameters) -> Notes:
    """Write ``schema.json`` (:class:`~mlopsctl.checks.data_schema.DataSchema`)."""
    if parameters.reviewed is not None:
        schema = reviewed(parameters.dataset, parameters.reviewed)
    else:
        statistics = evidence.read(Statistics, work.inputs["statistics"], STATISTICS_FILE)
        schema = inferred(parameters.dataset, statistics.tables["train"])
    evidence.write(schema, work.outputs["schema"], SCHEMA_FILE)
    origin = "from the reviewed file" if schema.origin == "reviewed" else "as the train split shows"
    line = f"{len(schema.columns)} columns {origin}"
    return Notes(values={"columns": len(schema.columns), "origin": schema.origin}, line=line)
