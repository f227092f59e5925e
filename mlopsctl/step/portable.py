"""A step as it travels: what a compiled pipeline tells the container of one step, as text without placeholders.

Every orchestrator elsewhere hands this text to a program in the image, which works in the project's folder; nothing
else of the project but its code, which the image holds, reaches the step:

* a step: ``python3 -P -m mlopsctl.step.container --step TEXT --executor-input JSON [--job ID] [--skip REASON]``
* the first task: ``python3 -P -m mlopsctl.delivery.inside.begin --run TEXT --executor-input JSON [--job ID]``, which
  gives out the text parameters :data:`.RUN_OUTPUT` and :data:`.PINNED_OUTPUT`
* the last task: ``python3 -P -m mlopsctl.delivery.inside.end --run TEXT --executor-input JSON [--job ID]``, which is
  given the final status as the parameter :data:`.STATUS_PARAMETER`

``JSON`` is KFP's executor input (``{{$}}``). ``ID`` is the engine's own id of the job; it names the run where
:data:`.RUN_PARAMETER` is empty. ``--skip`` is for the branch that does not run: the step is recorded as skipped. The
input parameters of a step are :data:`.RUN_PARAMETER`, :data:`.PINNED_PARAMETER` and the run-time parameters that its
``bindings`` name, which :func:`mlopsctl.step.bound.bound` puts into the step; :func:`.from_port` gives the name of an
input or a parameter back. Outputs are named as in the step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsctl.ground.digest import Json
from mlopsctl.pipeline.ir import Decision, Input, Ref, Resources, Retry, Rule, Step
from mlopsctl.step.portable_fields import Order, WireDecision, WireRun, WireStep, read

# JSON cut at the texts that hold something dangerous; all between them is one part.
_PARTS = re.compile(r'((?:"(?:[^"\\{}$]|\\.)*+"|[^"])++)|"(?:[^"\\]|\\.)*+"')
_DANGEROUS = re.compile(r"[{}$]")


@dataclass(frozen=True, slots=True)
class PortableStep:
    """Everything a container must know of its step.

    Attributes:
        project: the project's name.
        code: the digests of the step's files of user code, as the compiler saw them; the image must hold the same.
        artifacts, tracking: URLs that every step reaches.
    """

    project: str
    environment: str
    step: Step
    artifacts: str
    tracking: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    order: Order = Order.DATA


@dataclass(frozen=True, slots=True)
class PortableRun:
    """Everything the tasks before and after the steps must know of the run.

    Attributes:
        pipeline: the pipeline's digest.
        metadata: the address of the records, or ``{secret: NAME}``; empty where no step reaches them.
        wanted: the state inputs that the steps want (``champion``, ``clock``, ``previous-<dataset>``, ``overrides``).
        notify: the notifiers, as they stand in ``mlops.yaml``.
        steps: the ids of the steps.
        carried: the engine is told that all went well, and the last task says how the run ended.
    """

    project: str
    environment: str
    pipeline: str
    artifacts: str
    tracking: str = ""
    metadata: Json = ""
    wanted: tuple[str, ...] = ()
    notify: Json = ()
    steps: tuple[str, ...] = ()
    carried: bool = False


def encode(value: PortableStep | PortableRun) -> str:
    """One line of JSON in which no engine can find a placeholder: ``{``, ``}`` and ``$`` in texts are escaped."""
    return harmless(_step_fields(value) if isinstance(value, PortableStep) else _fields(value))


def harmless(value: Json) -> str:
    """A value as one line of JSON that no engine changes on its way: without ``{``, ``}`` and ``$`` in its texts."""
    return _PARTS.sub(_escape, _written(value))


def decode_step(text: str) -> PortableStep:
    """The step that :func:`encode` wrote.

    Raises:
        StepProblem: for any other text.
    """
    found = read(WireStep, text)
    asked = found.step
    step = Step(
        id=asked.id,
        component=asked.component,
        component_version=asked.component_version,
        inputs={
            name: Input(Ref(wired.step, wired.output), wired.type, wired.optional, wired.guard)
            for name, wired in asked.inputs.items()
        },
        outputs=asked.outputs,
        parameters=asked.parameters,
        bindings=asked.bindings,
        sources=asked.sources,
        code=tuple(asked.code),
        packages=tuple(asked.packages),
        state_inputs=tuple(asked.state_inputs),
        seed=asked.seed,
        requirements=tuple(asked.requirements),
        image=asked.image,
        when=asked.when,
        retry=Retry(asked.retry.attempts, asked.retry.delay),
        timeout=asked.timeout,
        resources=Resources(asked.resources.cpu, asked.resources.memory, asked.resources.accelerators),
        after=tuple(asked.after),
        rule=asked.rule,
        decision=_decided(asked.decision),
        reuse=asked.reuse,
        pool=asked.pool,
        priority=asked.priority,
    )
    return PortableStep(
        found.project, found.environment, step, found.artifacts, found.tracking, found.code, found.order
    )


def _decided(asked: WireDecision | None) -> Decision | None:
    return Decision(Ref(asked.step, asked.output), asked.equals) if asked is not None else None


def decode_run(text: str) -> PortableRun:
    """The run that :func:`encode` wrote.

    Raises:
        StepProblem: for any other text.
    """
    found = read(WireRun, text)
    return PortableRun(**{**dict(found), "wanted": tuple(found.wanted), "steps": tuple(found.steps)})


def _escape(found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[1]
    return _DANGEROUS.sub(lambda one: f"\\u{ord(one.group()):04x}", found.group())


def _plain(value: object) -> dict[str, Json]:
    """What the encoder does not know: mappings that are no dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


# Everything keeps its order, for a result may hang on it: of two equal models the one that is wired first is selected.
_written = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode


def _step_fields(value: PortableStep) -> dict[str, Json]:
    step = value.step
    inside: dict[str, Json] = {
        **_fields(step),
        "inputs": {
            name: {
                "step": wired.ref.step,
                "output": wired.ref.output,
                "type": wired.type.value,
                "optional": wired.optional,
                "guard": wired.guard,
            }
            for name, wired in step.inputs.items()
        },
        "outputs": {name: kind.value for name, kind in step.outputs.items()},
        "retry": {"attempts": step.retry.attempts, "delay": step.retry.delay},
        "resources": {
            "cpu": step.resources.cpu,
            "memory": step.resources.memory,
            "accelerators": dict(step.resources.accelerators),
        },
    }
    if (decision := step.decision) is not None:
        inside["decision"] = {"step": decision.ref.step, "output": decision.ref.output, "equals": decision.equals}
    return {**_fields(value), "step": inside}


def _fields(value: PortableStep | PortableRun | Step) -> dict[str, Json]:
    """All fields; those that say nothing new are left out, and what was compiled before they were known stays."""
    found = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {name: one for name, one in found.items() if name not in _UNSAID or one != _UNSAID[name]}


_UNSAID: Mapping[str, object] = {
    "after": (),
    "rule": Rule.ALL_SUCCESS,
    "decision": None,
    "reuse": True,
    "pool": "",
    "priority": None,
    "order": Order.DATA,
    "carried": False,
}
"""The values of fields that do not travel."""
