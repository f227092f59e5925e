"""The plane of data: the project's drift checks on the newest rows, against the statistics of the champion's rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlopsctl import evidence
from mlopsctl.checks import Drift
from mlopsctl.checks.drift import PREVIOUS
from mlopsctl.components.spec import Work, load
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.drift.finding import Finding, Plane, Standing
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.delivery.stores import Stores
from mlopsctl.evidence import ANOMALIES_FILE, Anomalies, CheckResult, Verdict
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.pipeline.ir import Step
from mlopsctl.sources import DuckDb
from mlopsctl.sources.files import FileSource
from mlopsctl.step.pinned import PREVIOUS as PREVIOUS_OF

_STANDING = {Verdict.PASS: Standing.SAME, Verdict.FAIL: Standing.DRIFTED, Verdict.ERROR: Standing.UNREAD}


def data_findings(loaded: Loaded, stores: Stores) -> Iterator[Finding]:
    """One for each drift check of each dataset; none where a project declares none."""
    for name, dataset in loaded.project.data.items():
        checks = [check for check in dataset.checks if isinstance(check, Drift)]
        if not checks:
            continue
        if not isinstance(dataset.source, FileSource | DuckDb):
            why = "only a run reads this source: `mlopsctl run` judges its newest rows"
            yield _finding(name, Standing.UNREAD, "to be read", why)
            continue
        reference = _statistics(loaded, stores, name)
        if not reference:
            yield _finding(name, Standing.UNREAD, "statistics of the champion's rows", "there are none")
            continue
        for result in _judged(loaded, stores, name, checks, reference):
            yield _finding(f"{name} {result.name}", _STANDING[result.verdict], "near the champion's", result.reason)


def _statistics(loaded: Loaded, stores: Stores, dataset: str) -> str:
    """The digest of the statistics of the rows that the champion's run read; empty for none."""
    release = stores.state.read(loaded.project.name, loaded.environment).release
    if release is None:
        return ""
    for execution in stores.metadata.executions(release.run):
        if execution.step == f"statistics-{dataset}" and "statistics" in execution.outputs:
            return execution.outputs["statistics"].digest
    return ""


def _judged(
    loaded: Loaded, stores: Stores, name: str, checks: Sequence[Drift], reference: str
) -> tuple[CheckResult, ...]:
    """What the checks say of the newest rows, read where they stand."""
    require_step_libraries()
    steps = {step.id: step for step in data_steps(loaded)}
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as temporary:
        folder = Path(temporary)
        stores.artifacts.fetch(reference, folder / "reference")
        examples = _run(loaded, steps[f"ingest-{name}"], {}, folder / "examples")
        statistics = _run(loaded, steps[f"statistics-{name}"], {"examples": examples}, folder / "statistics")
        schema = _run(loaded, steps[f"schema-{name}"], {"statistics": statistics}, folder / "schema")
        against: list[Json] = [
            check.model_copy(update={"against": PREVIOUS}).model_dump(mode="json") for check in checks
        ]
        output = _run(
            loaded,
            steps[f"validate-{name}"],
            {"examples": examples, "statistics": statistics, "schema": schema},
            folder / "anomalies",
            {"dataset": name, "checks": against},
            {f"{PREVIOUS_OF}{name}": folder / "reference"},
        )
        return evidence.read(Anomalies, output, ANOMALIES_FILE).checks


def _run(
    loaded: Loaded,
    step: Step,
    inputs: Mapping[str, Path],
    output: Path,
    parameters: Mapping[str, Json] | None = None,
    state: Mapping[str, Path] | None = None,
) -> Path:
    """A data step, here and now; the folder of its one output."""
    component = load(step.component)
    output.mkdir()
    (declared,) = step.outputs
    work = Work(
        project=loaded.folder,
        inputs=inputs,
        outputs={declared: output},
        state=state or {},
        environment=loaded.environment,
    )
    given = canonical_json(dict(step.parameters if parameters is None else parameters))
    component.run(work, component.SPEC.parameters.model_validate_json(given))
    return output


def _finding(what: str, standing: Standing, wanted: str, found: str) -> Finding:
    return Finding(Plane.DATA, what, standing, wanted, found)
