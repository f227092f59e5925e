"""Guards: the verdicts that must be *pass* before a step may look at its other inputs; and the words for *skipped*."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from mlopsctl import evidence
from mlopsctl.evidence import Anomalies, Blessing, InfraBlessing, Verdict
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType

NOT_NOW = "its `when` is false"

_SAID = {Verdict.FAIL: "failed", Verdict.ERROR: "could not be decided"}


def refusal(type: ArtifactType, folder: Path) -> str:
    """Why the verdict in an artifact's folder forbids the step, in one sentence; empty text when it is *pass*.

    Raises:
        StepProblem: when the artifact holds no readable verdict.
    """
    file, kind = evidence.GUARDS[type.value]
    try:
        found = evidence.read(kind, folder, file)
    except (OSError, ValidationError) as error:
        raise StepProblem.because(
            "unreadable-verdict",
            f"the verdict {file} cannot be read: {error}",
            hint="change the step that wrote it, or remove its artifact, so that it runs again",
        ) from error
    return "" if found.verdict is Verdict.PASS else _reason(found)


def because_skipped(names: Sequence[str]) -> str:
    """Why a step does not run whose producers of these names were skipped."""
    were = "was" if len(names) == 1 else "were"
    return f"not run, because {listed(names)} {were} skipped"


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reason(found: Anomalies | Blessing | InfraBlessing) -> str:
    if isinstance(found, Anomalies):
        stopped = [check for check in found.checks if check.severity == "error" and check.verdict in _SAID]
        return "; ".join(f"check {check.name} {_SAID[check.verdict]}: {check.reason}" for check in stopped)
    if isinstance(found, Blessing):
        stopping = [gate for gate in found.gates if gate.decides and gate.verdict in _SAID]
        said = "; ".join(f"gate {gate.name} {_SAID[gate.verdict]}: {gate.reason}" for gate in stopping)
        return said or "no gate decided on the model, so nothing was proved"
    return f"preflight {_SAID[found.verdict]}: {found.reason}"
