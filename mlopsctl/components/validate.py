"""``validate``: count what the checks need to know, then let each check judge. Its verdict guards every reader."""

from __future__ import annotations

from pathlib import Path

from mlopsctl import evidence
from mlopsctl.checks import Check
from mlopsctl.checks.data_schema import SCHEMA_FILE, DataSchema
from mlopsctl.checks.rule import DataEvidence
from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import ANOMALIES_FILE, Anomalies, CheckResult, Verdict
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.tables import examples as files
from mlopsctl.tables.statistics import STATISTICS_FILE, Statistics


class ValidateParameters(Parameters):
    """The checks of a dataset, as written."""

    dataset: str
    checks: tuple[Check, ...] = ()


# A step pins `clock` and `previous-<dataset>` where one of its checks asks for them.
SPEC = ComponentSpec(
    name="validate",
    version=2,
    inputs={
        "examples": InputSpec(ArtifactType.EXAMPLES),
        "statistics": InputSpec(ArtifactType.STATISTICS),
        "schema": InputSpec(ArtifactType.SCHEMA),
        "reference": InputSpec(ArtifactType.STATISTICS, many=True),
    },
    outputs={"anomalies": ArtifactType.ANOMALIES},
    parameters=ValidateParameters,
    packages=("duckdb",),
    preload=("duckdb",),
)


def run(work: Work, parameters: ValidateParameters) -> Notes:
    """Write ``anomalies.json`` (:class:`~mlopsctl.evidence.Anomalies`); no check at all passes."""
    checks = _judged(work, parameters) if parameters.checks else ()
    result = Anomalies(dataset=parameters.dataset, checks=checks)
    evidence.write(result, work.outputs["anomalies"], ANOMALIES_FILE)
    return _notes(result)


def _judged(work: Work, parameters: ValidateParameters) -> tuple[CheckResult, ...]:
    from mlopsctl.checks.counting import count
    from mlopsctl.checks.rows import Rows
    from mlopsctl.tables.engine import opened

    folder = work.inputs["examples"]
    examples = files.read(folder)
    previous = work.state.get(f"previous-{parameters.dataset}")
    with opened(reads=[folder]) as connection:
        rows = Rows(
            connection=connection,
            folder=folder,
            examples=examples,
            statistics=_statistics(work.inputs["statistics"]),
            schema=evidence.read(DataSchema, work.inputs["schema"], SCHEMA_FILE),
            previous=None if previous is None else _statistics(previous),
            references={name: _statistics(path) for name, path in work.many("reference").items()},
            clock=work.clock,
        )
        return tuple(
            check.judge(DataEvidence(rows=examples.rows, fact=count(check, rows))) for check in parameters.checks
        )


def _statistics(folder: Path) -> Statistics:
    return evidence.read(Statistics, folder, STATISTICS_FILE)


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


def _said(check: CheckResult) -> str:
    return "warns" if check.severity == "warn" else "fails" if check.verdict is Verdict.FAIL else "is undecided"
