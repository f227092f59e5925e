"""A step in its container before it runs: what it reads, what its result depends on, and whether that is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step import ledger, pinned
from mlopsctl.step.container_input import ExecutorInput, Pointer
from mlopsctl.step.guards import NOT_NOW, because_skipped
from mlopsctl.step.key import Surroundings, code_digests, key_material, package_versions, step_key
from mlopsctl.step.order import needs
from mlopsctl.step.portable import PortableStep
from mlopsctl.step.ports import PINNED_PARAMETER
from mlopsctl.step.task import StepTask, TaskInput

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_WITH_EFFECTS = frozenset({"push"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A step whose run is known; ``skipped`` says why it does not run, where it does not.

    Attributes:
        sources: digests of the data outside, by name.
        place: where its result counts; see :func:`~mlopsctl.step.ledger.place_of`.
    """

    step: Step
    inputs: Mapping[str, ArtifactRecord]
    pinned: Mapping[str, str]
    key: str = ""
    material: Json = None
    sources: Mapping[str, str] | None = None
    place: str = ""
    skipped: str = ""


def prepare(asked: PortableStep, step: Step, given: ExecutorInput, store: ArtifactStore, project: Path) -> Prepared:
    """What the step stands on in this run.

    Args:
        step: the step with its run-time parameters.

    Raises:
        StepProblem: when the image holds other code, data cannot be read, or the engine gave no usable pointers.
    """
    state = read_pinned(given.text(PINNED_PARAMETER))
    pointers, absent = _pointers(step, given)
    inputs = {
        name: ArtifactRecord(pointer.digest, step.inputs[name].type, store.uri(pointer.digest))
        for name, pointer in pointers.items()
    }
    if not step.when:
        return Prepared(step, inputs, state, skipped=NOT_NOW)
    if absent:
        return Prepared(step, inputs, state, skipped=because_skipped(absent))
    require_code(asked, project)
    step, sources = _measured(step, project)
    around = Surroundings(sources, asked.code, package_versions(Pipeline(asked.project, (step,))))
    material = key_material(step, {name: artifact.digest for name, artifact in inputs.items()}, around)
    return Prepared(
        step,
        inputs,
        state,
        key=step_key(material),
        material=material,
        sources=sources,
        place=ledger.place_of(asked.project, asked.environment) if step.state_inputs else "",
    )


def known(prepared: Prepared, store: ArtifactStore) -> ExecutionRecord | None:
    """An earlier result that is this one's: of the same key, and against the same pinned state."""
    if prepared.step.component in _WITH_EFFECTS or not prepared.step.reuse:
        return None
    found = ledger.known(store, prepared.key, prepared.place)
    if found is None or pinned.stale(prepared.step, found, prepared.pinned) or pinned.undecided(found):
        return None
    return found


def task_of(prepared: Prepared, asked: PortableStep, run: str, project: Path, staging: Path) -> StepTask:
    """The step's task."""
    step, state = prepared.step, prepared.pinned
    return StepTask(
        run_id=run,
        step=step.id,
        component=step.component,
        environment=asked.environment,
        project=str(project),
        artifacts=asked.artifacts,
        staging=str(staging),
        parameters=pinned.parameters(step, state),
        inputs={
            name: TaskInput(artifact.digest, artifact.type, guard=step.inputs[name].guard)
            for name, artifact in prepared.inputs.items()
        },
        outputs=step.outputs,
        state=pinned.artifacts(step, state, [artifact.digest for artifact in prepared.inputs.values()]),
        tracking=asked.tracking,
        seed=step.seed or 0,
        clock=pinned.clock(step, state),
        resources=step.resources,
    )


def read_pinned(text: str) -> Mapping[str, str]:
    """The state inputs in the text that a run was started with; none in an empty one.

    Raises:
        StepProblem: when the text is something else.
    """
    import json

    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise StepProblem.because(
            "bad-pinned",
            f"the parameter {PINNED_PARAMETER} is not what a plan pins",
            hint="leave it empty, so that the run's first task pins the state; `mlopsctl apply` fills it in by itself",
        )
    return found


def require_code(asked: PortableStep, project: Path) -> None:
    """See that the image holds the code that was compiled.

    Raises:
        StepProblem: naming the files that are others here.
    """
    missing = [file for file in asked.code if not (project / file).is_file()]
    here = code_digests(project, set(asked.code) - set(missing))
    changed = [file for file, digest in asked.code.items() if file in here and here[file] != digest]
    said = [f"{file} is not in it" for file in missing] + [f"{file} is another" for file in changed]
    if said:
        raise StepProblem.because(
            "other-code",
            f"the image holds other code than the pipeline was compiled from: {', '.join(said)}",
            hint="build and push the image again, and compile with its new digest",
        )


def moved(prepared: Prepared, project: Path) -> bool:
    """Whether the data outside is no longer what it was before the step ran."""
    return bool(prepared.sources) and _measured(prepared.step, project)[1] != prepared.sources


def _measured(step: Step, project: Path) -> tuple[Step, Mapping[str, str]]:
    """The step with the names of the data it now reads, and their digests; run-time parameters may have moved them."""
    if not step.sources:
        return step, {}
    from pydantic import TypeAdapter

    from mlopsctl.sources import Source

    adapter: TypeAdapter[Source] = TypeAdapter(Source)
    source = adapter.validate_json(canonical_json(step.parameters["source"]))
    names = {f"source.{key}": name for key, name in source.outside().items()}
    return replace(step, sources=names), source.fingerprints(project)


def _pointers(step: Step, given: ExecutorInput) -> tuple[dict[str, Pointer], tuple[str, ...]]:
    """What each input points to, and the steps that were skipped and are needed."""
    found: dict[str, Pointer] = {}
    absent: dict[str, None] = {}
    for name, wired in step.inputs.items():
        pointer = given.artifacts.get(name)
        if pointer is not None and pointer.digest:
            found[name] = _trusted(name, pointer, wired.type.value)
        elif needs(step, name):
            absent[wired.ref.step] = None
    return found, tuple(absent)


def _trusted(name: str, pointer: Pointer, type: str) -> Pointer:
    if _DIGEST.fullmatch(pointer.digest) and pointer.type == type:
        return pointer
    raise StepProblem.because(
        "bad-pointer",
        f"the engine's artifact for the input {name} points to no {type}: digest {pointer.digest!r}, "
        f"type {pointer.type!r}",
        hint="its metadata was written by another version, or by hand; run the step before it again",
    )
