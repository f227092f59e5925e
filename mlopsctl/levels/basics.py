"""Level 1, what everything else stands on: a valid project, a pipeline, a record of what ran, and what starts it."""

from __future__ import annotations

from mlopsctl.levels.criterion import Answer, Criterion, Evidence


def _validates(found: Evidence) -> Answer:
    names = ", ".join(one.environment for one in found.environments)
    return Answer(f"valid in {names}", "; ".join(found.problems[:3]))


def _compiles(found: Evidence) -> Answer:
    if not found.steps or found.run is None:
        return Answer(missing=found.uncompiled or "no run of the pipeline is recorded")
    return Answer(f"{len(found.steps)} steps, run as {found.run.pipeline_digest[:19]}")


def _trigger(found: Evidence) -> Answer:
    kinds = [trigger.kind for trigger in found.project.triggers]
    return Answer(f"triggers: {', '.join(kinds)}") if kinds else Answer(missing="nothing but a person starts a run")


def _metadata(found: Evidence) -> Answer:
    if found.run is None or not found.recorded:
        return Answer(missing="no run that came to a verdict is recorded")
    return Answer(f"run {found.run.id} with {found.recorded} executions, their inputs, outputs and times")


VALIDATES = Criterion(
    "valid", 1, "The project is valid in every environment.", "what `validate` says",
    "run `mlopsctl validate` and correct what it names", _validates,
)  # fmt: skip
COMPILES = Criterion(
    "pipeline", 1, "The work is one pipeline of steps, and it ran.", "the pipeline's steps, and the record of a run",
    "run `mlopsctl apply`", _compiles,
)  # fmt: skip
TRIGGER = Criterion(
    "trigger", 1, "Something besides a person starts runs.", "`triggers` in mlops.yaml",
    "add one under `triggers`, such as {kind: schedule, cron: \"@weekly\"}", _trigger,
)  # fmt: skip
METADATA = Criterion(
    "metadata", 1, "What ran is recorded: steps, times, inputs and outputs.", "the metadata store",
    "run `mlopsctl apply`", _metadata,
)  # fmt: skip
