"""How often the pipeline behind a release ran cleanly, for ``promotion.after_successful_runs``."""

from __future__ import annotations

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.errors import Refused
from mlopsctl.metadata.records import RunRecord

_LOOKED_AT = 200


def require_clean_runs(source: Loaded, stores: Stores, run: RunRecord, model: str, wanted: int) -> None:
    """Be sure that the pipeline that made the model ran cleanly so often, and that nothing failed since.

    Args:
        run: the run that released the model.

    Raises:
        Refused: when there are too few.
    """
    clean = 0
    for one in stores.metadata.runs(source.project.name, source.environment, limit=_LOOKED_AT) if wanted else []:
        if one.state != "success" or one.exit_code != 0 or clean == wanted:
            break
        clean += _counts(stores, one, run, model)
    if clean < wanted:
        raise Refused.because(
            "too-few-runs",
            f"{clean} of the last runs in {source.environment} were clean runs of this pipeline in a row, and {wanted} "
            "are asked for",
            hint="promotion.after_successful_runs says how many; "
            f"`mlopsctl apply -e {source.environment} --no-cache` runs it once more",
        )


def _counts(stores: Stores, one: RunRecord, run: RunRecord, model: str) -> bool:
    """Whether a clean run was judged by its gates, and is of the released pipeline or came to the same model."""
    executions = stores.metadata.executions(one.id)
    judged = any(step.component == "gate" and step.outputs for step in executions)
    same = one.pipeline_digest == run.pipeline_digest
    return judged and (same or any(made.digest == model for step in executions for made in step.outputs.values()))
