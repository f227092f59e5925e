"""What a run of a fork reported, as a publication in which nothing is a success.

The gates are the base branch's and judge the reported numbers again; the verdicts of the run itself on gates are not
even read. A verdict that cannot be judged again is repeated as what it is: somebody's word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.publish.base import path_in_repository
from mlopsctl.delivery.publish.handed import Handed, HandedItem
from mlopsctl.delivery.publish.value import Item, Publication, Subject
from mlopsctl.delivery.report.headline import told
from mlopsctl.delivery.report.value import GateRow, Prose, Said
from mlopsctl.delivery.report.verdicts import gate_rows
from mlopsctl.evidence import Evaluation, Verdict
from mlopsctl.forges.contract import Conclusion
from mlopsctl.gates import Gate
from mlopsctl.gates.judge import judge
from mlopsctl.gates.policy import describe

_ALWAYS = ("preflight", "policy", "plan", "tests", "level")
_HOW = (
    "A run of the fork's own code measured this. To prove it, push the same commit to a branch of this repository and "
    "open the pull request from there, once somebody has read it."
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from, as the forge itself tells it.

    Attributes:
        commit: the commit of the run; ``pull_request`` the number that was found for it, 0 for none.
        repository: the fork, as ``owner/name``.
        succeeded: whether the run ended well.
    """

    commit: str
    pull_request: int
    repository: str
    succeeded: bool


def unverified(loaded: Loaded, origin: Origin, report: Handed | None, problem: str = "") -> Publication:
    """The publication; ``problem`` says in words of ours why there is no report that can be used."""
    problem = problem or ("" if report is None else _contradiction(loaded, origin, report))
    used = None if problem else report
    evaluation = None if used is None else used.evaluation
    subject = Subject(
        project=loaded.project.name,
        environment=loaded.environment,
        commit=origin.commit,
        file=path_in_repository(loaded.file),
        pull_request=origin.pull_request,
        fork=True,
    )
    why: Prose = ("this was reported by a run of ", Said(origin.repository), ", and nothing of it was measured here")
    if problem:
        why = (f"{problem}, in what a run of ", Said(origin.repository), " reported")
    items = (*_verify(origin), *_gates(loaded, evaluation), *_others(loaded, used))
    return Publication(subject, items, unverified=why)


def _contradiction(loaded: Loaded, origin: Origin, report: Handed) -> str:
    """What the report says of itself must be what the forge says of the run."""
    if report.commit != origin.commit:
        return "the report is of another commit"
    if origin.pull_request and report.pull_request != origin.pull_request:
        return "the report is of another pull request"
    if (report.project, report.environment) != (loaded.project.name, loaded.environment):
        return "the report is of another project or environment"
    return ""


def _verify(origin: Origin) -> Iterator[Item]:
    if not origin.succeeded:
        yield Item("run", "run", Conclusion.FAILURE, ("The run of the pull request failed.",))


def _gates(loaded: Loaded, evaluation: Evaluation | None) -> Iterator[Item]:
    gates = loaded.project.evaluation.gates
    rows: dict[str, GateRow] = {}
    if evaluation is not None and gates:
        judged = judge(gates, evaluation)
        rows = {row.name: row for row in gate_rows(judged, {gate.name: gate for gate in gates}, evaluation)}
    for gate in gates:
        yield _gate(gate, rows.get(gate.name))


def _gate(gate: Gate, row: GateRow | None) -> Item:
    asks: Prose = ("It asks for: ", Said(describe(gate)))
    if row is None:
        none: Prose = ("unverified: no number was reported for this gate",)
        return Item(gate.name, "gate", Conclusion.ACTION_REQUIRED, none, (asks,))
    decides: Prose = told(row) if row.decides else (Said(row.reason),)
    if row.verdict is Verdict.FAIL and row.decides:
        return Item(gate.name, "gate", Conclusion.FAILURE, decides, (asks, (_HOW,)), gate=row)
    would = "would pass by the reported numbers: " if row.verdict is Verdict.PASS and row.decides else ""
    title: Prose = (f"unverified: {would}", *decides)
    return Item(gate.name, "gate", Conclusion.ACTION_REQUIRED, title, (asks, (_HOW,)), gate=row)


def _others(loaded: Loaded, report: Handed | None) -> Iterator[Item]:
    """What the run says of things that the base branch knows, too; names that only the report has are left out."""
    found = {(item.kind, item.name): item for item in (report.items if report is not None else ())}
    checks = [f"{dataset}.{check.name}" for dataset, data in loaded.project.data.items() for check in data.checks]
    for name in checks:
        yield _other(name, "check", found.get(("check", name)))
    for kind in _ALWAYS:
        reported = next((item for item in found.values() if (item.kind, item.name) == (kind, kind)), None)
        if reported is not None:
            yield _other(kind, kind, reported)


def _other(name: str, kind: str, reported: HandedItem | None) -> Item:
    if reported is None:
        return Item(name, kind, Conclusion.ACTION_REQUIRED, ("unverified: nothing was reported of it",))
    if reported.conclusion == Conclusion.FAILURE.value:
        return Item(name, kind, Conclusion.FAILURE, (Said(reported.title),), ((_HOW,),))
    words = "is said to pass: " if reported.conclusion == Conclusion.SUCCESS.value else ""
    return Item(name, kind, Conclusion.ACTION_REQUIRED, (f"unverified: {words}", Said(reported.title)), ((_HOW,),))
