"""Levels of maturity, computed from evidence: 0 for nothing automated, 1 for continuous training, 2 for CI and CD."""

from __future__ import annotations

from mlopsctl.levels import automation, basics, judgement
from mlopsctl.levels.criterion import Answer, Criterion, Evidence, Judged, Promoted, Standing
from mlopsctl.levels.workflow import Workflow
from mlopsctl.levels.written import written

CRITERIA: tuple[Criterion, ...] = (
    basics.VALIDATES,
    basics.COMPILES,
    basics.TRIGGER,
    judgement.DATA_GATE,
    judgement.MODEL_GATE,
    judgement.BASELINE,
    judgement.SLICES,
    judgement.PREFLIGHT,
    basics.METADATA,
    judgement.DELIVERY,
    automation.SOURCE,
    automation.CI,
    automation.TESTS,
    automation.DEPLOYED,
    automation.PROMOTION,
)


def judge(evidence: Evidence, *, by_commit: bool = False) -> Standing:
    """Ask every criterion, of what was found to happen; or only of what the commit says, with ``by_commit``."""
    return Standing(
        project=evidence.project.name,
        environment=evidence.loaded.environment,
        declared=evidence.project.level,
        criteria=tuple(Judged(one, written(one, evidence) if by_commit else one.look(evidence)) for one in CRITERIA),
        written=by_commit,
    )


__all__ = ["CRITERIA", "Answer", "Criterion", "Evidence", "Judged", "Promoted", "Standing", "Workflow", "judge"]
