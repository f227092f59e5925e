"""What a run's end means for those who are told: failures, verdicts that stopped something, models that went out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.pinned import moment
from mlopsctl.evidence import Verdict
from mlopsctl.metadata.records import Release
from mlopsctl.notifiers.events import Event, Happening
from mlopsctl.step.task import StepResult, StepState


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a run, or of a command without one.

    Attributes:
        failed: why the run failed, where no step of it says so.
        released: the release that it made.
    """

    project: str
    environment: str
    run: str
    results: Mapping[str, StepResult]
    findings: Findings
    failed: str = ""
    released: Release | None = None


def happenings(ending: Ending) -> Iterator[Happening]:
    """The events of a run's end, in the order in which they came to be."""
    about = Happening("run_failed", ending.project, ending.environment, moment(), ending.run)
    yield from _checks(ending, about)
    yield from _gates(ending, about)
    yield from _failure(ending, about)
    pushed = ending.findings.pushed
    push = ending.results.get("push")
    if pushed is not None and pushed.pushed and push is not None and push.state is StepState.SUCCESS:
        name = f"{pushed.name}/{pushed.version}"
        yield replace(about, event="registered", step="push", name=name, verdict="pass", reason=pushed.reason)
    if ending.released is not None:
        yield release_event("deployed", about, ending.released, "everything that had to be proved is proved")


def release_event(event: Event, about: Happening, release: Release, reason: str) -> Happening:
    """That a release went out, or came back."""
    name = f"{release.registry_name}/{release.registry_version}"
    return replace(about, event=event, name=name, verdict="pass", reason=f"release {release.number}: {reason}")


def _failure(ending: Ending, about: Happening) -> Iterator[Happening]:
    failed = [(id, result.problem) for id, result in ending.results.items() if result.state is StepState.FAILED]
    if failed:
        step, reason = failed[0]
        more = f" (and {len(failed) - 1} more steps failed)" if len(failed) > 1 else ""
        yield replace(about, step=step, reason=f"{reason}{more}")
    elif ending.failed:
        yield replace(about, reason=ending.failed)


def _checks(ending: Ending, about: Happening) -> Iterator[Happening]:
    for found in ending.findings.anomalies:
        for check in found.checks:
            if check.severity == "error" and check.verdict is not Verdict.PASS:
                yield replace(
                    about,
                    event="check_failed",
                    step=f"validate-{found.dataset}",
                    name=check.name,
                    verdict=check.verdict.value,
                    reason=check.reason,
                )


def _gates(ending: Ending, about: Happening) -> Iterator[Happening]:
    blessing, infra = ending.findings.blessing, ending.findings.infra
    for gate in blessing.gates if blessing is not None else ():
        if gate.decides and not gate.overridden and gate.verdict is not Verdict.PASS:
            yield _judged(about, "gate", gate.name, gate.verdict, gate.reason)
    if infra is not None and infra.verdict is not Verdict.PASS:
        yield _judged(about, "preflight", "preflight", infra.verdict, infra.reason)


def _judged(about: Happening, step: str, name: str, verdict: Verdict, reason: str) -> Happening:
    event: Event = "gate_failed" if verdict is Verdict.FAIL else "gate_undecided"
    return replace(about, event=event, step=step, name=name, verdict=verdict.value, reason=reason)
