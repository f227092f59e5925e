"""What became of a run's challenger: released, or why not. One rule for every command that tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlopsctl.delivery.outcome import Findings
from mlopsctl.evidence import Verdict, refusal
from mlopsctl.metadata.records import EnvironmentState, ExecutionRecord, Release, RunRecord
from mlopsctl.step.task import StepState


class Kind(StrEnum):
    """How far the challenger of a run came."""

    RELEASED = "released"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    CHECKS = "checks"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    PREFLIGHT = "preflight"
    JUDGED = "judged"
    SAME = "same"
    HELD = "held"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a run's challenger, in one sentence; ``release`` where it was released by this run."""

    kind: Kind
    reason: str
    release: Release | None = None


def fate_of(run: RunRecord, steps: Mapping[str, ExecutionRecord], findings: Findings, state: EnvironmentState) -> Fate:
    """What became of the run.

    Args:
        steps: the last attempt of each step.
        state: the environment's release state as it is now.
    """
    releases = (*state.history, state.release) if state.release is not None else state.history
    release = next((one for one in releases if one.run == run.id), None)
    if release is not None:
        later = ", and was rolled back later" if release.withdrawn else ""
        version = f"{release.registry_name} v{release.registry_version}"
        return Fate(Kind.RELEASED, f"released as {version} (release {release.number}){later}", release)
    return _unfinished(run, steps) or _refused(steps, findings) or _held_back(findings, state, releases, run)


def _unfinished(run: RunRecord, steps: Mapping[str, ExecutionRecord]) -> Fate | None:
    failed = [record for record in steps.values() if record.state is StepState.FAILED]
    if failed:
        return Fate(Kind.FAILED, "; ".join(f"{record.step} failed: {record.problem}" for record in failed))
    if run.state == "running":
        return Fate(Kind.RUNNING, "it is still running, or its process was killed")
    if run.state == "canceled":
        return Fate(Kind.INTERRUPTED, "it was interrupted before its end")
    if run.state == "failed":
        return Fate(Kind.INTERRUPTED, "it ended in a failure of a service while the release was made")
    return None


def _refused(steps: Mapping[str, ExecutionRecord], findings: Findings) -> Fate | None:
    if findings.checks is not Verdict.PASS:
        bad = [refusal(found) for found in findings.anomalies if found.verdict is not Verdict.PASS]
        return Fate(Kind.CHECKS, "; ".join(bad))
    if findings.blessing is None:
        known = "gate" in {record.component for record in steps.values()}
        reason = (
            "nothing was judged" if known else "no gate was asked: only some steps were run, or the project has none"
        )
        return Fate(Kind.UNDECIDED if known else Kind.PARTIAL, reason)
    if findings.blessing.verdict is not Verdict.PASS:
        kind = Kind.REFUSED if findings.blessing.verdict is Verdict.FAIL else Kind.UNDECIDED
        return Fate(kind, refusal(findings.blessing))
    if not {"preflight", "push"} & {record.component for record in steps.values()}:
        return Fate(Kind.JUDGED, "the gates let the model go, and `run` releases nothing")
    if findings.infra is not None and findings.infra.verdict is not Verdict.PASS:
        return Fate(Kind.PREFLIGHT, f"preflight: {findings.infra.reason}")
    return None


def _held_back(findings: Findings, state: EnvironmentState, releases: Sequence[Release], run: RunRecord) -> Fate:
    """Everything passed, and yet this run made no release."""
    pushed = findings.pushed
    if pushed is not None and not pushed.pushed:
        return Fate(Kind.UNDECIDED, pushed.reason)
    earlier = [
        one for one in releases if pushed is not None and one.model == pushed.model and one.released <= run.started
    ]
    if earlier:
        version = f"{earlier[-1].registry_name} v{earlier[-1].registry_version}"
        return Fate(Kind.SAME, f"the model is the same, byte for byte, as {version}, which was released before")
    if state.hold:
        return Fate(Kind.HELD, f"the environment is held: {state.hold}")
    return Fate(Kind.LEFT, "everything passed; the environment was held then, or apply ended before the release")
