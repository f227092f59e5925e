"""The user's own components as steps: typed and wired like every other, so that the graph and its checks know them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from mlopsctl.components.own_kinds import ContainerRun, PythonRun
from mlopsctl.components.spec import spec
from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.components import OwnComponent
from mlopsctl.frameworks.container import listed_files
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject
from mlopsctl.ground.imports import imported_packages, reachable_files
from mlopsctl.lowering.commands import command_files
from mlopsctl.lowering.placing import located
from mlopsctl.pipeline.ir import ArtifactType, Decision, Input, Ref, Resources, Retry, Step

OWN = "own"

Types: TypeAlias = Mapping[Ref, ArtifactType]


def own_steps(loaded: Loaded, standard: Sequence[Step]) -> Iterator[Step]:
    """One step for each component of the user's own; an input has the type of what it reads.

    Raises:
        InvalidProject: naming every input that is neither a dataset's name nor ``step.output``, and code that cannot
            be read.
    """
    problems: list[Diagnostic] = []
    types = {Ref(step.id, name): kind for step in standard for name, kind in step.outputs.items()}
    for id, component in loaded.project.components.items():
        types |= {Ref(id, name): kind for name, kind in component.output_types.items()}
    for id, component in loaded.project.components.items():
        yield _step(loaded, id, component, types, problems)
    if problems:
        raise InvalidProject(problems)


def _step(loaded: Loaded, id: str, component: OwnComponent, types: Types, problems: list[Diagnostic]) -> Step:
    resources, retry = component.resources, component.retry
    inputs = _inputs(loaded, id, component.inputs, types, problems)
    with located(loaded.span(("components", id, "run"))):
        code = _code(loaded, component)
        packages = imported_packages(loaded.folder, code)
    return Step(
        id=id,
        component=OWN,
        component_version=spec(OWN).version,
        inputs=inputs,
        outputs=component.output_types,
        parameters={
            "run": component.run.model_dump(mode="json"),
            "parameters": dict(component.parameters),
            "inputs": _named({name: wired.type for name, wired in inputs.items()}),
            "outputs": _named(component.output_types),
        },
        code=code,
        packages=packages,
        when=component.when if isinstance(component.when, bool) else True,
        retry=Retry(retry.attempts, retry.delay or 0.0) if retry is not None else Retry(),
        timeout=component.timeout,
        resources=Resources(resources.cpu, resources.memory, resources.accelerators) if resources else Resources(),
        after=component.after,
        rule=component.rule,
        decision=_decision(loaded, id, component, types, problems),
        reuse=component.reuse,
        pool=component.pool or "",
        priority=component.priority,
    )


def _decision(
    loaded: Loaded, id: str, component: OwnComponent, types: Types, problems: list[Diagnostic]
) -> Decision | None:
    """The branch that a component is; it reads a file that a step wrote."""
    if isinstance(component.when, bool):
        return None
    step, _, output = component.when.reads.partition(".")
    ref = Ref(step, output)
    kind = types.get(ref, ArtifactType.FILE)
    if not step or not output or kind is not ArtifactType.FILE:
        said = f"{ref} is {kind}" if step and output else f"{component.when.reads!r} is no step.output"
        problems.append(
            Diagnostic(
                "bad-reference",
                f"the branch {id} needs an output of type File, and {said}",
                loaded.span(("components", id, "when", "reads")),
                "let a step of your own write the decision into an output of type File",
            )
        )
    return Decision(ref, component.when.equals)


def _code(loaded: Loaded, component: OwnComponent) -> tuple[str, ...]:
    """The files of the project that decide what it does; an image stands in the parameters, by its digest."""
    run = component.run
    if isinstance(run, PythonRun):
        return reachable_files(loaded.folder, run.entrypoint.partition(":")[0])
    if isinstance(run, ContainerRun):
        return ()
    return tuple(sorted({*command_files(loaded.folder, run.command), *listed_files(loaded.folder, run.files)}))


def _named(types: Mapping[str, ArtifactType]) -> dict[str, Json]:
    return {name: kind.value for name, kind in types.items()}


def _inputs(
    loaded: Loaded, id: str, wires: Mapping[str, str], types: Types, problems: list[Diagnostic]
) -> dict[str, Input]:
    found: dict[str, Input] = {}
    for name, text in wires.items():
        step, dot, output = text.partition(".")
        if not dot and text in loaded.project.data:
            found[name] = Input(Ref(f"ingest-{text}", "examples"), ArtifactType.EXAMPLES)
        elif dot and step and output:
            ref = Ref(step, output)
            found[name] = Input(ref, types.get(ref, ArtifactType.FILE))
        else:
            datasets = ", ".join(loaded.project.data) or "none"
            problems.append(
                Diagnostic(
                    "bad-reference",
                    f"input {name} of {id} reads {text!r}, which is neither a dataset nor step.output",
                    loaded.span(("components", id, "inputs", name)),
                    f"write a dataset ({datasets}) or an output such as select.model",
                )
            )
    return found
