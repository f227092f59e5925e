"""The verdict first: what came of a run, and the number that decided, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.report.value import Bounds, CheckRow, GateRow, Headline, Prose, Said, Standing
from mlopsctl.evidence import Verdict
from mlopsctl.gates.rule import slice_key
from mlopsctl.ground.numbers import exact, shown
from mlopsctl.metadata.records import EnvironmentState, ExecutionRecord, Release, RunRecord
from mlopsctl.step.task import StepState


@dataclass(frozen=True, slots=True)
class Known:
    """What a headline is made from. ``executions`` are the last attempts of each step."""

    run: RunRecord
    executions: Sequence[ExecutionRecord]
    findings: Findings
    gates: Sequence[GateRow]
    checks: Sequence[CheckRow]
    state: EnvironmentState


def headline(known: Known) -> Headline:
    """The first of these that holds: not ended, failed, released, refused, undecided, passed."""
    run, failed = known.run, [one for one in known.executions if one.state is StepState.FAILED]
    loud = tuple(_loud(known))
    if run.state == "running":
        return Headline(Standing.RUNNING, ("The run has not ended; this page shows what is recorded so far.",))
    if run.state == "canceled":
        return Headline(Standing.CANCELED, ("The run was stopped before its end. Nothing was released.",), loud=loud)
    if failed:
        first = failed[0]
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        told: Prose = ("Failed in the step ", Said(first.step), f"{more}. Nothing was released.")
        return Headline(Standing.FAILED, told, (Said(first.problem),) if first.problem else (), loud)
    release = _release(known)
    if release is not None:
        told = (
            "Released as ", Said(release.registry_name), " version ", Said(release.registry_version),
            f": release {release.number} of ", Said(run.environment), ".",
        )  # fmt: skip
        return Headline(Standing.RELEASED, told, _proved(known), loud)
    if run.state == "failed":
        return Headline(Standing.FAILED, ("Every step ended, but the release could not be made.",), loud=loud)
    return _judged(known, loud)


def told(gate: GateRow) -> Prose:
    """The number that decided a gate, what it had to be, and between which numbers it lies."""
    if gate.parts:
        worst = [part for part in gate.parts if part.verdict is gate.verdict]
        judged = f"{len(gate.parts)} slices judged"
        if gate.verdict is Verdict.PASS:
            return (*told(_closest(worst)), f" ({judged}, all pass; this one is the closest)")
        return (*told(worst[0]), f" ({len(worst)} of {judged})")
    place: Prose = () if not gate.slice or _whole(gate) else (" on ", Said(gate.slice))
    rows = "" if gate.rows is None else f", on {gate.rows:,} row{'s' * (gate.rows != 1)}"
    if gate.measured is None or gate.bounds is None:
        return (Said(gate.reason),)
    return (Said(gate.metric), *place, *_number(gate, gate.measured), rows)


def _number(gate: GateRow, measured: float) -> Prose:
    bounds = gate.bounds
    assert bounds is not None
    number, needed = shown(measured, bounds.min, bounds.max), _needed(bounds)
    if not bounds.against:
        return (f" is {number}, and {needed}",)
    relative = "relative " if bounds.relative else ""
    values = ""
    if gate.candidate is not None and gate.baseline is not None:
        was, now = shown(gate.baseline, gate.candidate), shown(gate.candidate, gate.baseline)
        values = f" went from {was} ({bounds.against}) to {now};"
    if bounds.confidence is None:
        return (f"{values} the {relative}change is {number}, and {needed}",)
    drawn = ""
    if gate.interval is not None:
        low, high = (shown(one, bounds.min, bounds.max) for one in (gate.interval.low, gate.interval.high))
        drawn = f" (interval {low} to {high})"
    percent = exact(round(bounds.confidence * 100, 6))
    return (f"{values} the {percent} % bound of the {relative}change is {number}{drawn}, and {needed}",)


def _needed(bounds: Bounds) -> str:
    low = f"at least {exact(bounds.min)} is needed" if bounds.min is not None else ""
    high = f"at most {exact(bounds.max)} is allowed" if bounds.max is not None else ""
    return " and ".join(filter(None, [low, high]))


def _whole(gate: GateRow) -> bool:
    return gate.bounds is not None and gate.slice == slice_key(gate.bounds.columns)


def _judged(known: Known, loud: tuple[Prose, ...]) -> Headline:
    """What the evidence says of a run that released nothing."""
    stopping = [check for check in known.checks if check.severity == "error" and check.verdict is not Verdict.PASS]
    for verdict, standing, word in (
        (Verdict.FAIL, Standing.REFUSED, "Refused"),
        (Verdict.ERROR, Standing.UNDECIDED, "Not decided"),
    ):
        check = next((one for one in stopping if one.verdict is verdict), None)
        if known.findings.checks is verdict and check is not None:
            sentence: Prose = (f"{word} by the check ", Said(check.name), " on the data ", Said(check.dataset),
                               ". Nothing was released.")  # fmt: skip
            return Headline(standing, sentence, (Said(check.reason),), loud)
        gate = next((g for g in known.gates if g.decides and not g.overridden and g.verdict is verdict), None)
        blessing = known.findings.blessing
        if known.findings.checks is Verdict.PASS and blessing and blessing.verdict is verdict and gate is not None:
            sentence = (f"{word} by the gate ", Said(gate.name), ". Nothing was released.")
            return Headline(standing, sentence, (*told(gate), "."), loud)
    return _let_go(known, loud)


def _let_go(known: Known, loud: tuple[Prose, ...]) -> Headline:
    """Neither checks nor gates said no, and still nothing went out: why."""
    blessing, infra = known.findings.blessing, known.findings.infra
    components = {one.component for one in known.executions}
    if blessing is None:
        if "evaluate" not in components:
            return Headline(Standing.PASSED, ("No check said no. The run judged no model.",), loud=loud)
        return Headline(Standing.UNDECIDED, ("Not decided: the run did not come to its gates.",), loud=loud)
    if blessing.verdict is not Verdict.PASS:
        return Headline(Standing.UNDECIDED, ("Not decided: no gate proved the model. Nothing was released.",), (), loud)
    if infra is None and "push" not in components:
        return Headline(Standing.PASSED, ("The gates let the model go. The run stopped there, and released nothing.",),
                        _proved(known), loud)  # fmt: skip
    if infra is None or infra.verdict is not Verdict.PASS:
        word = "Refused" if infra is not None and infra.verdict is Verdict.FAIL else "Not decided"
        standing = Standing.REFUSED if word == "Refused" else Standing.UNDECIDED
        why: Prose = () if infra is None else (Said(infra.reason),)
        return Headline(standing, (f"{word} by the preflight in a real server. Nothing was released.",), why, loud)
    standing_release = known.state.release
    if standing_release is not None and standing_release.model == blessing.model:
        sentence: Prose = (
            "Everything passes, and the model is the champion already: ", Said(standing_release.registry_name),
            " version ", Said(standing_release.registry_version), ".",
        )  # fmt: skip
        return Headline(Standing.PASSED, sentence, _proved(known), loud)
    return Headline(Standing.PASSED, ("Everything passes. This run released nothing.",), _proved(known), loud)


def _proved(known: Known) -> Prose:
    """How many gates pass, and the one that came closest to saying no."""
    deciding = [gate for gate in known.gates if gate.decides and gate.verdict is Verdict.PASS]
    if not deciding:
        return ()
    if len(deciding) == 1:
        return ("The gate ", Said(deciding[0].name), " decided: ", *told(deciding[0]), ".")
    nearest = _closest(deciding)
    return (f"{len(deciding)} gates pass; the closest is ", Said(nearest.name), ": ", *told(nearest), ".")


def _closest(gates: Sequence[GateRow]) -> GateRow:
    """The one with the smallest distance to its bound, as a share of the greater of the two."""
    return min(gates, key=_margin)


def _margin(gate: GateRow) -> float:
    if gate.parts:
        return min(_margin(part) for part in gate.parts)
    if gate.measured is None or gate.bounds is None:
        return float("inf")
    known = [bound for bound in (gate.bounds.min, gate.bounds.max) if bound is not None]
    shares = [abs(gate.measured - bound) / (max(abs(gate.measured), abs(bound)) or 1.0) for bound in known]
    return min(shares, default=float("inf"))


def _release(known: Known) -> Release | None:
    releases = [known.state.release, *known.state.history]
    return next((one for one in releases if one is not None and one.run == known.run.id), None)


def _loud(known: Known) -> Iterator[Prose]:
    for gate in known.gates:
        if gate.overridden:
            word = "failed" if gate.verdict is Verdict.FAIL else "could not be decided"
            yield ("Overridden by hand: the gate ", Said(gate.name), f" {word} (", Said(gate.reason),
                   "). The reason given: ", Said(gate.overridden))  # fmt: skip
    release = _release(known)
    if release is not None:
        shown_already = {gate.name for gate in known.gates if gate.overridden}
        for name, reason in release.overrides.items():
            if name not in shown_already:
                yield ("Released over the gate ", Said(name), ". The reason given: ", Said(reason))
        if release.withdrawn:
            yield ("This release was rolled back later.",)
    if known.run.git.dirty:
        yield ("The code had changes that were not committed, so the commit alone does not tell what ran.",)
