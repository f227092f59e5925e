"""The tasks and components of a compiled pipeline: how outputs, parameters and conditions are wired in KFP's IR.

The root holds two tasks: one with all steps, and the last one, which runs whatever came of them. A step whose
``when`` hangs on a parameter is a task with two branches, of which the second records that the step was skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mlopsctl.ground.digest import Json
from mlopsctl.orchestrators.ir.contract import STEPS, Settings
from mlopsctl.orchestrators.ir.parts import Unsound
from mlopsctl.orchestrators.ir.types import STATUS, STRING, artifact_type, classifies, parameter_type
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.step.bound import wanted
from mlopsctl.step.ports import (
    BEGIN,
    END,
    PINNED_OUTPUT,
    PINNED_PARAMETER,
    RUN_OUTPUT,
    RUN_PARAMETER,
    STATUS_PARAMETER,
    task_name,
    to_port,
)

Spec = dict[str, Json]

_RUN, _SKIP, _THEN, _ELSE = "mlopsctl-run", "mlopsctl-skip", "mlopsctl-then", "mlopsctl-else"
# What they read or change outside is not in the engine's cache key.
_NEVER_CACHED = frozenset({"ingest", "push", "preflight"})
_LONGEST_PAUSE = 3600


@dataclass(slots=True)
class Graph:
    """A pipeline being wired.

    Attributes:
        components: by name, as they stand in the IR.
        executors: by label, which step's container it is, and whether that only records a skip.
        judged: the steps whose records in the ledger decide about others, or that look there themselves.
    """

    pipeline: Pipeline
    settings: Settings
    components: dict[str, Spec] = field(default_factory=dict)
    executors: dict[str, tuple[Step, bool]] = field(default_factory=dict)
    classifies: bool = False
    judged: frozenset[str] = frozenset()
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.classifies = classifies(self.pipeline)
        self.judged = _judged(self.pipeline)
        # The containers of steps come first, so that only our own branches need other names.
        self.taken |= {f"comp-{task_name(step.id)}" for step in self.pipeline.steps}

    @property
    def pins(self) -> bool:
        """Whether some step wants state inputs, which the first task gives."""
        return any(step.state_inputs for step in self.pipeline.steps)

    def root(self) -> Spec:
        """The pipeline itself: its parameters, the steps, and the last task."""
        defaults: dict[str, Json] = {**self.settings.parameters, RUN_PARAMETER: "", PINNED_PARAMETER: ""}
        inner = self._steps()
        self._component(
            f"comp-{END}",
            {
                "executorLabel": f"exec-{END}",
                "inputDefinitions": {
                    "parameters": {
                        RUN_PARAMETER: {"parameterType": STRING},
                        STATUS_PARAMETER: {"parameterType": STATUS, "isOptional": True},
                    }
                },
            },
        )
        tasks: Spec = {
            STEPS: _task(STEPS, f"comp-{STEPS}", parameters={to_port(name): _given(name) for name in inner}),
            END: {
                **_task(
                    END,
                    f"comp-{END}",
                    after=[STEPS],
                    parameters={
                        RUN_PARAMETER: _given(RUN_PARAMETER),
                        STATUS_PARAMETER: {"taskFinalStatus": {"producerTask": STEPS}},
                    },
                ),
                "cachingOptions": {"enableCache": False},
                "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
            },
        }
        declared: Spec = {
            name: {"parameterType": parameter_type(value), "defaultValue": value, "isOptional": True}
            for name, value in defaults.items()
        }
        return {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": declared}}

    def _steps(self) -> list[str]:
        """Add the component that holds all steps; the names of the parameters it takes."""
        tasks: Spec = {}
        names = {RUN_PARAMETER}
        if self.pins:
            names.add(PINNED_PARAMETER)
            tasks[BEGIN] = self._begin()
        for step in self.pipeline.steps:
            names.update(_parameters(step))
            name = task_name(step.id)
            if name in tasks:
                raise Unsound(f"two steps are called {name}")
            tasks[name] = self._step(step)
        ordered = sorted(names)
        self._component(
            f"comp-{STEPS}",
            {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": self._typed(ordered)}},
        )
        return ordered

    def _begin(self) -> Spec:
        taken = (RUN_PARAMETER, PINNED_PARAMETER)
        self._component(
            f"comp-{BEGIN}",
            {
                "executorLabel": f"exec-{BEGIN}",
                "inputDefinitions": {"parameters": self._typed(taken)},
                "outputDefinitions": {
                    "parameters": {name: {"parameterType": STRING} for name in (RUN_OUTPUT, PINNED_OUTPUT)}
                },
            },
        )
        task = _task(BEGIN, f"comp-{BEGIN}", parameters={name: _given(name) for name in taken})
        return {**task, "cachingOptions": {"enableCache": False}}

    def _step(self, step: Step) -> Spec:
        """Add the components of a step; its task among the steps."""
        name = task_name(step.id)
        artifacts: Spec = {
            port: {
                "taskOutputArtifact": {
                    "producerTask": task_name(step.inputs[wired].ref.step),
                    "outputArtifactKey": step.inputs[wired].ref.output,
                }
            }
            for wired, port in _ports(step).items()
        }
        parameters: Spec = {to_port(each): _given(to_port(each)) for each in _parameters(step)}
        after = [task_name(producer) for producer in step.upstream]
        if step.state_inputs:
            pinned: Spec = {"producerTask": BEGIN, "outputParameterKey": PINNED_OUTPUT}
            parameters[PINNED_PARAMETER] = {"taskOutputParameter": pinned}
            after.insert(0, BEGIN)
        container = self._container(step, f"comp-{name}", skip=not step.when and not step.condition)
        if step.condition:
            return _task(name, self._branches(step, container), after, artifacts, parameters)
        return {**_task(name, container, after, artifacts, parameters), **self._policies(step)}

    def _branches(self, step: Step, container: str) -> str:
        """Add the component that runs a step or its skip, as its condition says; the component's name."""
        name, condition = task_name(step.id), to_port(step.condition)
        around, inside = self._interface(step, step.condition), self._interface(step)
        skip = self._container(step, f"comp-{name}-skip", skip=True)
        is_true = f"inputs.parameter_values['{condition}'] == true"
        branches: Spec = {}
        for branch, inner, component, policies, holds in (
            (_THEN, _RUN, container, self._policies(step), is_true),
            (_ELSE, _SKIP, skip, {"cachingOptions": {"enableCache": False}}, f"!({is_true})"),
        ):
            task: Spec = {**_task(inner, component, (), *_passed(inside)), **policies}
            dag: Spec = {"tasks": {inner: task}, **_outputs(step, [inner])}
            holder = self._component(f"comp-{name}-{branch.rpartition('-')[2]}", {"dag": dag, **around})
            branches[branch] = {**_task(branch, holder, (), *_passed(around)), "triggerPolicy": {"condition": holds}}
        whole: Spec = {"tasks": branches, **_outputs(step, [_THEN, _ELSE])}
        return self._component(f"comp-{name}-when", {"dag": whole, **around})

    def _container(self, step: Step, name: str, *, skip: bool) -> str:
        """Add a step's own component, or the one that records its skip; the component's name."""
        chosen = self._component(name, {}, ours=name == f"comp-{task_name(step.id)}")
        label = f"exec-{chosen.removeprefix('comp-')}"
        self.components[chosen] = {"executorLabel": label, **self._interface(step)}
        self.executors[label] = (step, skip)
        return chosen

    def _interface(self, step: Step, condition: str = "") -> Spec:
        """What a step's component takes and leaves; ``condition`` is a parameter that it takes beside."""
        names = [RUN_PARAMETER, *wanted(step), *([PINNED_PARAMETER] if step.state_inputs else [])]
        inputs: Spec = {"parameters": self._typed(sorted({*names, condition} - {""}))}
        if step.inputs:
            inputs["artifacts"] = {
                port: {"artifactType": artifact_type(step.inputs[wired].type, self.classifies)}
                for wired, port in _ports(step).items()
            }
        if not step.outputs:
            return {"inputDefinitions": inputs}
        outputs: Spec = {
            output: {"artifactType": artifact_type(kind, self.classifies), "metadata": {"type": kind.value}}
            for output, kind in step.outputs.items()
        }
        return {"inputDefinitions": inputs, "outputDefinitions": {"artifacts": outputs}}

    def _policies(self, step: Step) -> Spec:
        looks = not (step.sources or step.state_inputs or step.component in _NEVER_CACHED)
        # A result that the engine takes from its own cache leaves nothing in the ledger, where others look for it.
        cached = self.settings.caching and looks and step.reuse and step.id not in self.judged
        found: Spec = {"cachingOptions": {"enableCache": cached}}
        if step.retry.attempts:
            found["retryPolicy"] = {
                "maxRetryCount": step.retry.attempts,
                "backoffDuration": f"{step.retry.delay:g}s",
                "backoffFactor": 1.0,
                "backoffMaxDuration": f"{_LONGEST_PAUSE}s",
            }
        return found

    def _typed(self, names: Iterable[str]) -> Spec:
        """The parameters that a component takes, by what they are called in it."""
        known = self.settings.parameters
        return {
            to_port(name): {"parameterType": parameter_type(known[name]) if name in known else STRING} for name in names
        }

    def _component(self, name: str, spec: Spec, *, ours: bool = False) -> str:
        """Add a component under a name that no other has; ``ours``: the name is kept for it."""
        chosen, number = name, 1
        while not ours and chosen in self.taken:
            number += 1
            chosen = f"{name}-{number}"
        self.taken.add(chosen)
        self.components[chosen] = spec
        return chosen


def _judged(pipeline: Pipeline) -> frozenset[str]:
    if pipeline.outlives_failures:
        return frozenset(step.id for step in pipeline.steps)
    ordered = [step for step in pipeline.steps if step.is_ordered]
    return frozenset(id for step in ordered for id in (step.id, *step.upstream))


def _parameters(step: Step) -> tuple[str, ...]:
    """The run-time parameters that a step's task takes from around, ours too."""
    return tuple(sorted({RUN_PARAMETER, *wanted(step), step.condition} - {""}))


def _ports(step: Step) -> dict[str, str]:
    """What the step's inputs are called in its component."""
    taken = {to_port(name) for name in (*_parameters(step), PINNED_PARAMETER)}
    return {wired: to_port(wired, taken) for wired in step.inputs}


def _task(
    name: str,
    component: str,
    after: Sequence[str] = (),
    artifacts: Mapping[str, Json] | None = None,
    parameters: Mapping[str, Json] | None = None,
) -> Spec:
    inputs: Spec = {
        **({"artifacts": artifacts} if artifacts else {}),
        **({"parameters": parameters} if parameters else {}),
    }
    return {
        "taskInfo": {"name": name},
        "componentRef": {"name": component},
        **({"dependentTasks": list(after)} if after else {}),
        **({"inputs": inputs} if inputs else {}),
    }


def _given(name: str) -> Spec:
    """A parameter of the component around."""
    return {"componentInputParameter": name}


def _passed(interface: Spec) -> tuple[Spec, Spec]:
    """All artifacts and parameters of an interface, handed on under the same names."""
    inputs = interface["inputDefinitions"]
    found = inputs if isinstance(inputs, Mapping) else {}
    artifacts, parameters = found.get("artifacts"), found.get("parameters")
    return (
        {name: {"componentInputArtifact": name} for name in artifacts} if isinstance(artifacts, Mapping) else {},
        {name: _given(name) for name in parameters} if isinstance(parameters, Mapping) else {},
    )


def _outputs(step: Step, producers: Sequence[str]) -> Spec:
    """A step's outputs handed out by the component around, from whichever of its tasks ran."""
    selectors: Spec = {
        output: {"artifactSelectors": [{"producerSubtask": one, "outputArtifactKey": output} for one in producers]}
        for output in step.outputs
    }
    return {"outputs": {"artifacts": selectors}} if selectors else {}
