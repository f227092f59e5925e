"""Place a standard component in a pipeline: wire its inputs by the component's own contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mlopsctl.components.spec import ComponentSpec, InputSpec, spec
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import InvalidProject, Span
from mlopsctl.pipeline.ir import Input, Ref, Step


def place(
    component: str,
    id: str,
    wires: Mapping[str, Ref],
    parameters: Mapping[str, Json],
    *,
    seed: int | None = None,
    sources: Mapping[str, str] | None = None,
    code: Sequence[str] = (),
    packages: Sequence[str] = (),
    state_inputs: Sequence[str] = (),
) -> Step:
    """The step of a standard component.

    Args:
        wires: by input name (``models.<key>`` for an input that takes many), what it reads.
        sources, code, packages: as in :class:`~mlopsctl.pipeline.ir.Step`; packages beside those it always uses.
        state_inputs: what the plan pins for this step, beside what it pins for every step of the component.
    """
    contract = spec(component)
    return Step(
        id=id,
        component=component,
        component_version=contract.version,
        inputs={name: _input(contract, name, ref) for name, ref in wires.items()},
        outputs=contract.outputs,
        parameters=parameters,
        sources=sources or {},
        code=tuple(sorted(set(code))),
        packages=tuple(sorted({*contract.packages, *packages})),
        state_inputs=(*contract.state_inputs, *state_inputs),
        seed=seed,
    )


@contextmanager
def located(span: Span) -> Iterator[None]:
    """Problems without a place stand at this one: what reads the user's code does not know who asked for it."""
    try:
        yield
    except InvalidProject as problem:
        told = [replace(one, span=one.span or span) for one in problem.diagnostics]
        raise InvalidProject(told) from None


def _input(contract: ComponentSpec, name: str, ref: Ref) -> Input:
    declared: InputSpec = contract.inputs[name.partition(".")[0]]
    return Input(ref=ref, type=declared.type, optional=declared.optional, guard=declared.guard)
