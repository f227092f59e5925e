"""Level 1, what everything else stands on: a valid project, a pipeline, a record of what ran, and what starts it."""

from __future__ import annotations

from mlopsctl.levels.criterion import Answer, Criterion, Evidence


def _validates(found: Evidence) -> Answer:
    names = ", ".join(one.environment for one in found.environments)
    return Answer(f"valid in {names}", "; ".join(found.problems[:3]), (found.loaded.file.name,))


def _compiles(found: Evidence) -> Answer:
    if not found.steps or found.run is None:
        return Answer(missing=found.uncompiled or "no run of the pipeline is recorded")
    return Answer(f"{len(found.steps)} steps ran", found=(*found.judged, found.run.pipeline_digest))


def _trigger(found: Evidence) -> Answer:
    """A declaration starts nothing: a run that it started does, or the schedule that an orchestrator keeps."""
    declared = {trigger.kind for one in found.environments for trigger in one.project.starting}
    if not declared:
        return Answer(missing="nothing but a person starts a run")
    started = [run for run in found.triggered if run.cause.partition(":")[0] in declared]
    if started:
        newest = started[0]
        return Answer(f"{newest.cause} started a run in {newest.environment}", found=(f"run {newest.id}",))
    if found.schedules:
        return Answer("; ".join(found.schedules), found=(found.at(("triggers",)),))
    told = f"{', '.join(sorted(declared))} at {found.at(('triggers',))} is declared, and not seen to start a run yet"
    return Answer(missing=f"{told}; {found.unasked}" if found.unasked else told, fix=_start(found))


def _start(found: Evidence) -> str:
    """How a trigger that is declared comes to start a run."""
    if found.project.starting and found.project.orchestrator.kind != "local":
        return f"`mlopsctl apply -e {found.loaded.environment}` keeps the schedule there"
    name = found.loaded.environment
    chosen = "" if name == "default" else f" -e {name}"
    return f"let a clock call `mlopsctl trigger check{chosen} --run`; the workflow `schedule` of `ci init` does"


def _metadata(found: Evidence) -> Answer:
    if found.run is None or not found.recorded:
        return Answer(missing="no run that came to a verdict is recorded")
    return Answer(f"{found.recorded} executions with their inputs, outputs and times", found=found.judged)


VALIDATES = Criterion(
    "valid", 1, "The project is valid in every environment.", "what `validate` says",
    "run `mlopsctl validate` and correct what it names", _validates,
)  # fmt: skip
COMPILES = Criterion(
    "pipeline", 1, "The work is one pipeline of steps, and it ran.", "the pipeline's steps, and the record of a run",
    "run `mlopsctl apply`", _compiles,
)  # fmt: skip
TRIGGER = Criterion(
    "trigger", 1, "Something besides a person starts runs.",
    "recorded runs that say what started them, then the schedules that stand on the orchestrator",
    'add one under `triggers`, such as {kind: schedule, cron: "@weekly"}, and let it start a run', _trigger,
)  # fmt: skip
METADATA = Criterion(
    "metadata", 1, "What ran is recorded: steps, times, inputs and outputs.", "the metadata store",
    "run `mlopsctl apply`", _metadata,
)  # fmt: skip
