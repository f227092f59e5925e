"""``validate``: count what the checks need to know, then let each check judge. Its verdict guards every reader."""

from __future__ import annotations

from mlopsctl import evidence
from mlopsctl.checks import Check, SchemaCheck
from mlopsctl.checks.data_schema import SCHEMA_FILE, DataSchema
from mlopsctl.checks.rule import DataEvidence
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import ANOMALIES_FILE, Anomalies, Anomaly, Verdict
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables import examples as files


class ValidateParameters(Parameters):
    """The checks of a dataset, as written."""

    dataset: str
    checks: tuple[Check, ...] = ()


SPEC = ComponentSpec(
    name="validate",
    version=1,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "statistics": InputSpec(ArtifactType.STATISTICS),
        "schema": InputSpec(ArtifactType.SCHEMA),
    },
    outputs={"anomalies": ArtifactType.ANOMALIES},
    parameters=ValidateParameters,
    packages=("duckdb",),
    preload=("duckdb",),
)


def run(work: Work, parameters: ValidateParameters) -> Notes:
    """Write ``anomalies.json`` (:class:`~mlopsctl.evidence.Anomalies`); no check at all passes."""
    examples = files.read(work.inputs["examples"])
    compared = _compared(work, examples) if any(isinstance(c, SchemaCheck) for c in parameters.checks) else None
    data = DataEvidence(rows=examples.rows, anomalies=compared)
    result = Anomalies(dataset=parameters.dataset, checks=tuple(check.judge(data) for check in parameters.checks))
    evidence.write(result, work.outputs["anomalies"], ANOMALIES_FILE)
    return _notes(result)


def _compared(work: Work, examples: files.Examples) -> tuple[Anomaly, ...]:
    """Where the rows of the source are not as the schema says."""
    from mlopsctl.checks.conformance import anomalies
    from mlopsctl.tables.engine import opened

    schema = evidence.read(DataSchema, work.inputs["schema"], SCHEMA_FILE)
    folder = work.inputs["examples"]
    with opened(reads=[folder]) as connection:
        return anomalies(
            connection,
            folder / files.SOURCE_FILE,
            examples.source_columns,
            schema,
            [column.name for column in examples.columns],
        )


def _notes(result: Anomalies) -> Notes:
    bad = [check for check in result.checks if check.verdict is not Verdict.PASS]
    values = {"verdict": result.verdict.value, "checks": len(result.checks), "not_passed": len(bad)}
    if not result.checks:
        return Notes(values=values, line="no checks declared")
    if not bad:
        count = len(result.checks)
        return Notes(values=values, line="1 check passes" if count == 1 else f"{count} checks pass")
    told = "; ".join(f"{check.name} {_said(check)}: {check.reason}" for check in bad)
    return Notes(values=values, line=told)


def _said(check: evidence.CheckResult) -> str:
    return "warns" if check.severity == "warn" else "fails" if check.verdict is Verdict.FAIL else "is undecided"
