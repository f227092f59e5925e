"""The check of one graph of tasks in a compiled pipeline: wires, types, order, conditions, what it hands out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.ground.digest import Json
from mlopsctl.ground.graph import Cycle, ordered
from mlopsctl.orchestrators.ir.parts import NOTHING, Parts, declared, mapping, sequence, tasks, text

_IS_TRUE = re.compile(r"inputs\.parameter_values\['([A-Za-z0-9_-]+)'\] == true")
_WAITS_FOR_ALL = "ALL_UPSTREAM_TASKS_COMPLETED"


@dataclass(frozen=True, slots=True)
class _Dag:
    """A component that is a graph, taken apart once."""

    name: str
    component: Mapping[str, Json]
    tasks: Mapping[str, Mapping[str, Json]]
    after: Mapping[str, Sequence[str]]
    parts: Parts

    def output(self, task: str, kind: str, key: str) -> Json:
        """What an output of one of its tasks is declared as; ``None`` where there is none."""
        if task not in self.tasks:
            return None
        component = self.parts.components.get(_reference(self.tasks[task]), NOTHING)
        return declared(component, "outputDefinitions", kind).get(key)


def dag_flaws(name: str, component: Mapping[str, Json], parts: Parts) -> Iterator[str]:
    """Everything that is wrong with a component that is a graph."""
    inner = tasks(component)
    after = {task: [text(one) for one in sequence(spec.get("dependentTasks", []))] for task, spec in inner.items()}
    dag = _Dag(name, component, inner, after, parts)
    for task, waits in after.items():
        for other in waits:
            if other not in inner:
                yield f"{task} in {name} waits for {other}, which is no task there"
    try:
        ordered({task: [one for one in waits if one in inner] for task, waits in after.items()})
    except Cycle as cycle:
        yield f"tasks in {name} wait for each other: {' → '.join(cycle.path)}"
    for task, spec in inner.items():
        if text(mapping(spec["taskInfo"])["name"]) != task:
            yield f"{task} in {name} calls itself otherwise"
        for flaw in _task_flaws(dag, task, spec):
            yield f"{task} in {name} {flaw}"
    yield from _conditions(dag)
    yield from _handed_out(dag)


def _task_flaws(dag: _Dag, task: str, spec: Mapping[str, Json]) -> Iterator[str]:
    reference = _reference(spec)
    if reference not in dag.parts.components:
        yield f"runs {reference}, which is no component"
        return
    for kind in ("artifacts", "parameters"):
        given = mapping(mapping(spec.get("inputs", NOTHING)).get(kind, NOTHING))
        wanted = declared(dag.parts.components[reference], "inputDefinitions", kind)
        for port in sorted(wanted.keys() ^ given.keys()):
            yield f"{'is not given' if port in wanted else 'is given, and does not take,'} the {kind[:-1]} {port}"
        for port in sorted(wanted.keys() & given.keys()):
            for flaw in _wire_flaws(dag, task, kind, mapping(wanted[port]), mapping(given[port])):
                yield f"takes {port} {flaw}"
    policy = mapping(spec.get("triggerPolicy", NOTHING))
    if _final_status(spec) and policy.get("strategy") != _WAITS_FOR_ALL:
        yield "asks how others ended and does not wait for them"


def _wire_flaws(
    dag: _Dag, task: str, kind: str, wanted: Mapping[str, Json], given: Mapping[str, Json]
) -> Iterator[str]:
    """What is wrong with one input of a task: where it comes from, and the type it has there."""
    (how, source), *more = given.items()
    after = dag.after[task]
    if more:
        yield "from two places"
        return
    if how in ("componentInputArtifact", "componentInputParameter"):
        found = declared(dag.component, "inputDefinitions", kind).get(text(source))
        origin = f"{source} of the graph around"
    elif how == "taskFinalStatus":
        producer = text(mapping(source)["producerTask"])
        found = {"parameterType": "TASK_FINAL_STATUS"} if producer in after else None
        origin = f"the end of {producer}"
    else:
        producer = text(mapping(source)["producerTask"])
        key = text(mapping(source)["outputArtifactKey" if kind == "artifacts" else "outputParameterKey"])
        found = dag.output(producer, kind, key)
        origin = f"{producer}.{key}"
        if producer not in after:
            yield f"from {producer} and does not wait for it"
    if found is None:
        yield f"from {origin}, which is not there"
    elif _type(mapping(found)) != _type(wanted):
        yield f"as {_type(wanted)}, and {origin} is {_type(mapping(found))}"


def _reference(task: Mapping[str, Json]) -> str:
    return text(mapping(task["componentRef"])["name"])


def _type(spec: Mapping[str, Json]) -> str:
    if "artifactType" in spec:
        return text(mapping(spec["artifactType"])["schemaTitle"])
    return text(spec.get("parameterType", ""))


def _final_status(spec: Mapping[str, Json]) -> bool:
    parameters = mapping(mapping(spec.get("inputs", NOTHING)).get("parameters", NOTHING))
    return any("taskFinalStatus" in mapping(given) for given in parameters.values())


def _conditions(dag: _Dag) -> Iterator[str]:
    """A condition is on a yes-or-no parameter of the task, and some task beside it runs where it does not hold."""
    held = {
        task: text(mapping(spec["triggerPolicy"])["condition"])
        for task, spec in dag.tasks.items()
        if "condition" in mapping(spec.get("triggerPolicy", NOTHING))
    }
    for task, condition in held.items():
        is_else = condition.startswith("!(")
        positive = condition[2:-1] if is_else else condition
        if list(held.values()).count(positive if is_else else f"!({condition})") != 1:
            yield f"{task} in {dag.name} has a condition without an else"
        plain = _IS_TRUE.fullmatch(positive)
        component = dag.parts.components.get(_reference(dag.tasks[task]), NOTHING)
        takes = declared(component, "inputDefinitions", "parameters")
        if plain is None or _type(mapping(takes.get(plain[1], NOTHING))) != "BOOLEAN":
            yield f"{task} in {dag.name} hangs on {condition!r}, which is no parameter of it"


def _handed_out(dag: _Dag) -> Iterator[str]:
    """What a graph hands out is what it declares, and its tasks leave that."""
    outputs = mapping(mapping(dag.component["dag"]).get("outputs", NOTHING))
    selected = mapping(outputs.get("artifacts", NOTHING))
    promised = declared(dag.component, "outputDefinitions", "artifacts")
    for key in sorted(promised.keys() ^ selected.keys()):
        yield f"{dag.name} hands out {key} and does not declare it, or the other way round"
    for key in sorted(promised.keys() & selected.keys()):
        for selector in sequence(mapping(selected[key])["artifactSelectors"]):
            task, output = text(mapping(selector)["producerSubtask"]), text(mapping(selector)["outputArtifactKey"])
            found = dag.output(task, "artifacts", output)
            if found is None or _type(mapping(found)) != _type(mapping(promised[key])):
                yield f"{dag.name} hands out {key} from {task}.{output}, which is not there or of another type"
