"""Levels of maturity, computed from evidence: 0 for nothing automated, 1 for continuous training, 2 for CI and CD."""

from __future__ import annotations

from mlopsctl.levels import automation, basics, judgement
from mlopsctl.levels.criterion import Answer, Criterion, Evidence, Judged, Promoted, Standing, judge
from mlopsctl.levels.workflow import Workflow

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

__all__ = ["CRITERIA", "Answer", "Criterion", "Evidence", "Judged", "Promoted", "Standing", "Workflow", "judge"]
