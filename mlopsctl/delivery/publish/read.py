"""Read what a commit proved in one environment: its run, its gates beside the base branch's, its plan and reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.environment import findings_of_executions
from mlopsctl.delivery.plan import Plan
from mlopsctl.delivery.policy import read_gates
from mlopsctl.delivery.prepare import plan as make_plan
from mlopsctl.delivery.publish.base import Base, changed_since, commit_of, path_in_repository, read_base
from mlopsctl.delivery.publish.data import check_items
from mlopsctl.delivery.publish.files import level_item, tests_item
from mlopsctl.delivery.publish.gates import CONCLUSIONS, Judged, gate_items
from mlopsctl.delivery.publish.policy import not_compared, policy_item
from mlopsctl.delivery.publish.value import Item, Publication, Subject
from mlopsctl.delivery.report.read import assemble
from mlopsctl.delivery.report.value import Prose, Report, Said
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.forges.contract import Conclusion
from mlopsctl.gates import Gate
from mlopsctl.ground.errors import Problem, UsageProblem
from mlopsctl.metadata.records import RunRecord
from mlopsctl.step.task import StepState

_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line names; empty and 0 where it does not."""

    commit: str = ""
    pull_request: int = 0
    base: str = ""
    tests: Path | None = None
    level: Path | None = None
    plans: bool = True


def read_publication(loaded: Loaded, asked: Asked) -> Publication:
    """Everything there is to publish. Runs nothing and imports nothing of the project.

    Raises:
        UsageProblem: when the project is in no commit, or the checkout is of another commit than the one named.
    """
    commit = _commit(loaded, asked.commit)
    base = read_base(loaded, asked.base) if asked.base else None
    subject = Subject(
        project=loaded.project.name,
        environment=loaded.environment,
        commit=commit,
        file=path_in_repository(loaded.file),
        pull_request=asked.pull_request,
        base=asked.base,
    )
    with open_stores(loaded) as stores:
        run = _run_of(loaded, stores, commit)
        report = None if run is None else _report(loaded, stores, run)
        judged = _judged(stores, run, commit)
        base_run = _run_of(loaded, stores, base.commit) if base is not None and base.commit else None
        base_report = None if base_run is None else _report(loaded, stores, base_run)
        applied = read_gates(stores.state.read(loaded.project.name, loaded.environment).gates)
    plan, told = _plan(loaded) if asked.plans else (None, ())
    items = [
        *gate_items(loaded, base.gates if base is not None else (), judged),
        *check_items(loaded, report.checks if report is not None else (), judged.missing),
        *_preflight(report),
        _policy(loaded, base, applied, asked, commit),
        *((_plan_item(plan, told),) if asked.plans else ()),
        *((tests_item(asked.tests),) if asked.tests is not None else ()),
        *((level_item(asked.level),) if asked.level is not None else ()),
    ]
    return Publication(
        subject, tuple(items), report, base_report, plan, tuple(_notes(run)), judged.evaluation, judged.missing
    )


def _commit(loaded: Loaded, named: str) -> str:
    """The commit that is here; gates are read from the checkout, so it must be the one that is spoken of."""
    here = commit_of(loaded.folder, "HEAD")
    if named and commit_of(loaded.folder, named) != here:
        hint = "check out that commit itself, not a merge of it: with `ref: ${{ github.event.pull_request.head.sha }}`"
        message = f"the checkout is of {here[:12]}, and the checks are for {named[:12]}"
        raise UsageProblem.because("another-commit", message, hint=hint)
    return here


def _run_of(loaded: Loaded, stores: Stores, commit: str) -> RunRecord | None:
    """The newest run of the environment that ran this commit to an end."""
    runs = stores.metadata.runs(loaded.project.name, loaded.environment, limit=_LOOKED_AT)
    return next((run for run in runs if run.git.commit == commit and run.state != "running"), None)


def _report(loaded: Loaded, stores: Stores, run: RunRecord) -> Report:
    state = stores.state.read(loaded.project.name, loaded.environment)
    return assemble(run, stores.metadata.executions(run.id), state, stores.artifacts, loaded)


def _judged(stores: Stores, run: RunRecord | None, commit: str) -> Judged:
    if run is None:
        return Judged(None, (f"Nothing is proved: {commit[:12]} has not been run to an end in this environment.",))
    executions = tuple(stores.metadata.executions(run.id))
    failed = next((one for one in executions if one.state is StepState.FAILED), None)
    if failed is not None:
        return Judged(None, ("Nothing is proved: the run failed in the step ", Said(failed.step), "."))
    evaluation = findings_of_executions(executions, stores).evaluation
    missing: Prose = ("Nothing is proved: the run measured no model.",) if evaluation is None else ()
    return Judged(evaluation, missing)


def _preflight(report: Report | None) -> Iterator[Item]:
    if report is not None and report.server is not None:
        said: Prose = (Said(report.server.reason),)
        yield Item("preflight", "preflight", CONCLUSIONS[report.server.verdict], said)


def _policy(loaded: Loaded, base: Base | None, applied: tuple[Gate, ...], asked: Asked, commit: str) -> Item:
    if changed_since(loaded, commit):
        return not_compared(loaded, f"{loaded.file.name} here is not the one that was committed")
    if base is not None:
        whose = f"those of the base branch ({base.commit[:12]})"
        return not_compared(loaded, base.problem) if base.problem else policy_item(loaded, base.gates, whose)
    if asked.pull_request:
        return not_compared(loaded, "the base branch was not named; give it with --base")
    return policy_item(loaded, applied, "those applied last")


def _plan(loaded: Loaded) -> tuple[Plan | None, Prose]:
    try:
        return make_plan(loaded, refresh=False), ()
    except Problem as problem:
        return None, (Said(str(problem)),)


def _plan_item(plan: Plan | None, told: Prose) -> Item:
    if plan is None:
        return Item("plan", "plan", Conclusion.ACTION_REQUIRED, ("There is no plan: ", *told))
    changes = len(plan.changes)
    words = f"{changes} changes" if changes != 1 else "1 change"
    return Item("plan", "plan", Conclusion.SUCCESS, (words if changes else "No changes",))


def _notes(run: RunRecord | None) -> Iterator[Prose]:
    if run is not None and run.git.dirty:
        yield ("The run's folder held files that were changed or not committed.",)
