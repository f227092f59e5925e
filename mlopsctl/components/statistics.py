"""``statistics``: what stands in each column of the source and of each split, counted out of core."""

from __future__ import annotations

from mlopsctl import evidence
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables import examples as files
from mlopsctl.tables.statistics import STATISTICS_FILE, Statistics


class StatisticsParameters(Parameters):
    """Which dataset it is."""

    dataset: str


SPEC = ComponentSpec(
    name="statistics",
    version=2,
    inputs={"examples": InputSpec(ArtifactType.EXAMPLES)},
    outputs={"statistics": ArtifactType.STATISTICS},
    parameters=StatisticsParameters,
    packages=("duckdb",),
    preload=("duckdb",),
)


def run(work: Work, parameters: StatisticsParameters) -> Notes:
    """Write ``statistics.json`` (:class:`~mlopsctl.tables.statistics.Statistics`)."""
    from mlopsctl.tables.engine import opened
    from mlopsctl.tables.measure import measure

    folder = work.inputs["examples"]
    examples = files.read(folder)
    with opened(reads=[folder]) as connection:
        tables = {"source": measure(connection, folder / files.SOURCE_FILE, examples.source_columns)}
        for split in files.SPLITS:
            tables[split] = measure(connection, files.split_file(folder, split), examples.columns)
    statistics = Statistics(dataset=parameters.dataset, tables=tables)
    evidence.write(statistics, work.outputs["statistics"], STATISTICS_FILE)
    source = tables["source"]
    missing = sum(1 for column in source.columns if column.missing + column.nan)
    line = f"{source.rows} rows, {len(source.columns)} columns, {missing} with missing values"
    return Notes(values={"rows": source.rows, "columns": len(source.columns), "incomplete": missing}, line=line)
