"""Lower a project into its pipeline: data steps for each dataset, then train, judge and push.

Pure: reads the project value, and the project's own text files that a step's key must hold (user code, the reviewed
schema). It imports no user code and opens no data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mlopsctl.config.load import Loaded
from mlopsctl.config.pending import pending
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.lowering.bindings import with_bindings
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.lowering.engines import without_engine
from mlopsctl.lowering.image import image_notes, image_reference
from mlopsctl.lowering.model_steps import model_steps
from mlopsctl.lowering.own_steps import own_steps
from mlopsctl.lowering.promoted import followed_lock, promoted
from mlopsctl.lowering.requirements import serving_notes, with_requirements
from mlopsctl.lowering.wiring import Wire, wire
from mlopsctl.pipeline.ir import Pipeline, Rule, Step


@dataclass(frozen=True, slots=True)
class Lowered:
    """A pipeline, where its steps stand in ``mlops.yaml``, and what a reader of a plan should know.

    ``refused`` are the places that ask for something this version cannot execute; empty when it can run.
    """

    pipeline: Pipeline
    spans: Mapping[Wire, Span]
    refused: tuple[Diagnostic, ...]
    notes: tuple[str, ...]

    @property
    def places(self) -> Mapping[str, Span]:
        """Where each step comes from, by its id."""
        return {step: span for (step, name), span in self.spans.items() if not name}


def lower(loaded: Loaded) -> Lowered:
    """The project's pipeline.

    Raises:
        InvalidProject: when wires do not fit, or a file that a step's key needs cannot be read.
    """
    steps = with_bindings(loaded, tuple(with_requirements(loaded, _in_image(loaded, _steps(loaded)))))
    spans = dict(_spans(loaded, steps))
    pipeline = wire(loaded.project.name, steps, spans)
    waiting = pending(loaded.project)
    return Lowered(
        pipeline=pipeline,
        spans=spans,
        refused=tuple(
            Diagnostic(
                "not-yet",
                f"this version cannot execute {message}",
                loaded.span(path),
                "take it out, or wait for a version that can; `validate` and `graph` know it already",
            )
            for path, message, blocking in waiting
            if blocking
        )
        + tuple(without_engine(loaded)),
        notes=(
            *(f"not executed by this version: {message}" for _, message, blocking in waiting if not blocking),
            *_left_out(pipeline),
            *serving_notes(loaded),
            *image_notes(loaded),
        ),
    )


def on_this_machine(lowered: Lowered) -> Lowered:
    """The same for a run here, where steps stand in no image, whatever orchestrator the environment has."""
    steps = tuple(replace(step, image="") if step.image else step for step in lowered.pipeline.steps)
    return replace(lowered, pipeline=replace(lowered.pipeline, steps=steps))


def executable(lowered: Lowered) -> Lowered:
    """The same, once it is sure that everything in it can be executed.

    Raises:
        InvalidProject: naming every line that asks for something this version cannot execute.
    """
    if lowered.refused:
        raise InvalidProject(lowered.refused)
    return lowered


def _in_image(loaded: Loaded, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps in the image that the orchestrator runs them in; none for this machine."""
    image = image_reference(loaded)
    for step in steps:
        yield replace(step, image=image) if image else step


def _steps(loaded: Loaded) -> Iterator[Step]:
    standard = list(data_steps(loaded))
    if loaded.project.training is not None:
        standard += model_steps(loaded)
    steps = [*standard, *own_steps(loaded, standard)]
    lock = followed_lock(loaded)
    yield from steps if lock is None else promoted(loaded, steps, lock)


def _left_out(pipeline: Pipeline) -> Iterator[str]:
    """The steps whose ``when`` is false, each with all that is skipped with it."""
    for step in pipeline.steps:
        if step.when:
            continue
        gone = {step.id}
        # In pipeline order each step comes after what it reads.
        for other in pipeline.steps:
            if other.rule is Rule.ALL_SUCCESS and (
                gone & set(other.after)
                or any(wired.ref.step in gone and not wired.optional for wired in other.inputs.values())
            ):
                gone.add(other.id)
        readers = [other.id for other in pipeline.steps if other.id in gone and other.id != step.id]
        yield f"{step.id} is skipped, its `when` is false" + (f"; with it {', '.join(readers)}" if readers else "")


def _spans(loaded: Loaded, steps: tuple[Step, ...]) -> Iterator[tuple[Wire, Span]]:
    for step in steps:
        yield (step.id, ""), loaded.span(_place(step), True)
        if step.id in loaded.project.components:
            for name in step.inputs:
                yield (step.id, name), loaded.span(("components", step.id, "inputs", name))


def _place(step: Step) -> tuple[str, ...]:
    """The part of ``mlops.yaml`` that a step comes from."""
    family, _, name = step.id.partition("-")
    if family in ("ingest", "statistics", "schema", "validate"):
        return ("data", name)
    if family in ("tune", "train"):
        return ("training", "targets", name)
    sections = {"transform": "features", "select": "training", "evaluate": "evaluation", "gate": "evaluation"}
    if step.id in sections:
        return (sections[step.id],)
    return ("components", step.id) if step.component == "own" else ("deployment",)
