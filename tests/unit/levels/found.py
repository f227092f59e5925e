"""Evidence for the tests of levels: what the runs of a lab's project would have left, and the files of a CI."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlopsctl.config.load import inspect_project
from mlopsctl.evidence import Anomalies, Blessing, CheckResult, Evaluation, GateResult, InfraBlessing, Verdict
from mlopsctl.ground.errors import Severity
from mlopsctl.levels import Evidence, Promoted, Workflow
from mlopsctl.levels.github import FOLDER, read_workflow
from mlopsctl.levels.kinds import KINDS
from mlopsctl.metadata.records import GitInfo, Release, RunRecord

CASES = Path(__file__).parents[2] / "cases" / "levels"
PASS = Verdict.PASS
RUN = RunRecord("r1", "demo", "dev", "sha256:p", "sha256:q", 1, GitInfo("abc", "main"))
SCHEDULED = replace(RUN, id="r2", cause="schedule: @weekly in UTC")


def workflow(text: str, path: str = f"{FOLDER}/ci.yml", project: str = ".", **others: str) -> Workflow:
    """A workflow of GitHub Actions; ``others`` are files beside it, by name."""
    texts = {path: text, **{f"{FOLDER}/{name}.yml": other for name, other in others.items()}}
    return read_workflow(path, texts, project)


def github(start: str, *runs: str, job: str = "", step: str = "") -> Workflow:
    """A workflow of one job, a step a command; ``job`` and ``step`` are more lines of each."""
    lines = [f"on: {start}", "jobs:", "  one:", "    runs-on: ubuntu-latest"]
    lines += [f"    {line}" for line in job.splitlines()]
    lines += ["    steps:"]
    for run in runs:
        lines += ["      - run: |", *(f"          {line}" for line in run.splitlines())]
        lines += [f"        {line}" for line in step.splitlines()]
    return workflow("\n".join(lines))


VERIFY = github("pull_request", "mlopsctl -C . validate", "pytest tests")
DEPLOY = replace(github("push", "mlopsctl apply -e dev"), path=f"{FOLDER}/main.yml")
LOCKED = Promoted("staging", "staging follows covertype v1 of dev, by a lock", ("environments/staging.lock.yaml:1",))


def ran(name: str) -> Evidence:
    """A lab's project after a run that passed everything it asks for, and one that a schedule started."""
    found, _, environments = inspect_project(CASES / f"{name}.yaml")
    assert not [one for one in found if one.severity is Severity.ERROR], found
    loaded = environments[0]
    gates = tuple(GateResult(g.name, g.kind_name, g.metric, PASS, "passed") for g in loaded.project.evaluation.gates)
    declared = [check for dataset in loaded.project.data.values() for check in dataset.checks]
    checks = tuple(CheckResult(check.name, check.kind, PASS, "within") for check in declared)
    slices = {column: {"Rawah": 10} for column in loaded.project.evaluation.slices}
    return Evidence(
        loaded=loaded,
        environments=environments,
        steps=("ingest-covertype", "gate", "preflight", "push"),
        run=RUN,
        triggered=(SCHEDULED,) if loaded.project.triggers else (),
        recorded=11,
        anomalies=(Anomalies("covertype", checks),),
        evaluation=Evaluation("classification", "test", 10, "m", "", (), slices=slices),
        blessing=Blessing("m", "", gates),
        infra=InfraBlessing("m", PASS, "it answers", 5),
        release=Release(1, "m", "r1", "", "", "covertype", "1", 1),
    )


def complete() -> Evidence:
    """Everything that level 2 asks for."""
    tests = {kind: (f"tests/test_{kind}.py:1::test_{kind}",) for kind in KINDS}
    return replace(ran("p3"), workflows=(VERIFY, DEPLOY), tests=tests, promoted=(LOCKED,))
