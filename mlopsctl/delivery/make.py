"""Make a plan from what was read: a pure function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlopsctl import __version__
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.others import gate_lines, release_line, server_lines
from mlopsctl.delivery.override import Override, standing
from mlopsctl.delivery.pinned import locked, pin
from mlopsctl.delivery.plan import History, Line, Plan, Seal, StepPlan
from mlopsctl.delivery.policy import gates_json
from mlopsctl.delivery.steps import plan_steps
from mlopsctl.gates import Gate
from mlopsctl.gates.policy import compare_policies
from mlopsctl.ground.digest import digest_json
from mlopsctl.metadata.records import EnvironmentState
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.step.key import Surroundings


@dataclass(frozen=True, slots=True)
class Desired:
    """What the project asks for beside its steps.

    ``now`` is the plan's clock, ``override`` a gate broken by hand, ``elsewhere`` the lines of an orchestrator that is
    not this machine.
    """

    project: str
    environment: str
    gates: Sequence[Gate]
    applied_gates: Sequence[Gate]
    served: bool
    now: str = ""
    override: Override | None = None
    notes: tuple[str, ...] = ()
    elsewhere: tuple[Line, ...] = ()


def make_plan(
    desired: Desired,
    pipeline: Pipeline,
    around: Surroundings,
    history: History,
    state: EnvironmentState,
    live: Live,
) -> Plan:
    """What ``apply`` would do now, and why."""
    champion = champion_of(state, live)
    pinned = {
        **pin(_wanted(pipeline), history, champion, desired.override or standing(state), desired.now),
        **locked(pipeline),
    }
    steps = plan_steps(pipeline, around, history, pinned, live)
    challenger = _output(steps, "select", "model")
    release = release_line(steps, challenger, _refused(steps), state, live)
    present = {step.id for step in pipeline.steps}
    return Plan(
        project=desired.project,
        environment=desired.environment,
        steps=steps,
        removed=tuple(name for name in history.steps() if name not in present),
        others=(
            *desired.elsewhere,
            *gate_lines(compare_policies(desired.applied_gates, desired.gates)),
            release,
            *server_lines(desired.served, release, state, live),
        ),
        pinned=pinned,
        seal=_seal(desired, pipeline, around, state, live),
        notes=(*_costs(steps, around), *_notes(desired, state)),
    )


def champion_of(state: EnvironmentState, live: Live) -> str:
    """The digest of the model to beat; empty for none.

    What is released, else the newest that was and was not withdrawn, else what the registry's alias points to: a lost
    history must not turn the next release into a first one, which nothing has to beat. Of a preview it is the champion
    of the environment that it is made like, whatever the preview itself has released.
    """
    if live.to_beat:
        return live.to_beat
    if state.release is not None:
        return state.release.model
    last = {release.model: release.withdrawn for release in state.history}
    blessed = [release.model for release in state.history if not last[release.model]]
    return blessed[-1] if blessed else live.alias_digest


def _wanted(pipeline: Pipeline) -> frozenset[str]:
    return frozenset(name for step in pipeline.steps for name in step.state_inputs)


def _output(steps: Sequence[StepPlan], id: str, name: str) -> str:
    for plan in steps:
        if plan.step.id == id and plan.cached is not None:
            return plan.cached.outputs[name].digest
    return ""


def _refused(steps: Sequence[StepPlan]) -> str:
    # A step of the user's own may stay out for reasons of its own; no release hangs on it.
    skipped = next((plan.skipped for plan in steps if plan.skipped and plan.step.component != "own"), "")
    pushes = (plan.cached for plan in steps if plan.step.component == "push" and plan.cached is not None)
    return skipped or next((push.line or "not pushed" for push in pushes if push.notes.get("pushed") is False), "")


def _costs(steps: Sequence[StepPlan], around: Surroundings) -> Iterator[str]:
    """What the steps that will run would cost, as far as it is known beforehand."""
    for plan in steps:
        for uri in plan.step.sources.values():
            if plan.runs and uri in around.costs:
                yield f"{plan.step.id}: {around.costs[uri]}"


def _notes(desired: Desired, state: EnvironmentState) -> Iterator[str]:
    yield from desired.notes
    if state.hold:
        yield f"held: {state.hold}; `mlopsctl apply --release-hold` lets releases go again"
    if state.release is not None and state.release.overrides:
        broken = ", ".join(f"{gate} ({reason})" for gate, reason in state.release.overrides.items())
        yield f"the champion was released by hand over: {broken}"


def _seal(desired: Desired, pipeline: Pipeline, around: Surroundings, state: EnvironmentState, live: Live) -> Seal:
    return Seal(
        tool=__version__,
        project=desired.project,
        environment=desired.environment,
        pipeline=pipeline.digest,
        policy=digest_json("mlopsctl/policy/v1", gates_json(desired.gates)),
        data_and_code=around.digest,
        state=f"{state.lineage}#{state.serial}",
        live=live.digest if live.refreshed else "",
    )
