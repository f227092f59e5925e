"""The check of compiled pipelines: what is sound passes, and every kind of mutation is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.orchestrators.ir.check import Unsound, check_ir, flaws
from tests.unit.orchestrators.ir.compiled import arguments, command, documents, inner, project

Spec = dict[str, Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Spec]:
    """A project with everything that the check looks at."""
    folder = tmp_path_factory.mktemp("project")
    components = {
        "first": command(timeout="1m"),
        "second": command(inputs={"in": "first.out"}, parameters={"n": "${parameters.n}"}),
        "third": command(inputs={"in": "second.out"}, when="${parameters.on}"),
        "fourth": command(inputs={"in": "third.out"}),
    }
    data = {"d": {"source": {"kind": "csv", "uri": "gs://b/d.csv"}, "checks": [
        {"name": "fresh", "kind": "freshness", "column": "t", "max_age": "1d"}]}}  # fmt: skip
    return documents(project(folder, components=components, data=data, parameters={"n": 1, "on": True}))


def steps(spec: Spec) -> Spec:
    return inner(spec)


def branch(spec: Spec) -> Spec:
    found: Spec = spec["components"]["comp-third-when"]["dag"]
    return found


def test_what_the_compiler_made_is_sound(sound: list[Spec]) -> None:
    assert list(flaws(sound)) == []
    assert len(sound) == 2


MUTATIONS: dict[str, tuple[Callable[[list[Spec]], object], str]] = {
    "dangling producer": (
        lambda found: steps(found[0])["second"]["inputs"]["artifacts"]["in"]["taskOutputArtifact"].update(
            producerTask="nobody"
        ),
        "nobody.out, which is not there",
    ),
    "dangling output": (
        lambda found: steps(found[0])["second"]["inputs"]["artifacts"]["in"]["taskOutputArtifact"].update(
            outputArtifactKey="other"
        ),
        "first.other, which is not there",
    ),
    "wrong artifact type": (
        lambda found: found[0]["components"]["comp-first"]["outputDefinitions"]["artifacts"]["out"][
            "artifactType"
        ].update(schemaTitle="system.Model"),
        "and first.out is system.Model",
    ),
    "wrong parameter type": (
        lambda found: found[0]["root"]["inputDefinitions"]["parameters"]["n"].update(parameterType="STRING"),
        "and n of the graph around is STRING",
    ),
    "cycle": (
        lambda found: steps(found[0])["first"].update(dependentTasks=["second"]),
        "wait for each other",
    ),
    "does not wait": (lambda found: steps(found[0])["second"].pop("dependentTasks"), "does not wait for it"),
    "waits for nobody": (
        lambda found: steps(found[0])["second"].update(dependentTasks=["first", "nobody"]),
        "waits for nobody, which is no task there",
    ),
    "missing input": (lambda found: steps(found[0])["second"]["inputs"].pop("artifacts"), "is not given"),
    "unknown input": (
        lambda found: steps(found[0])["first"]["inputs"]["parameters"].update(
            more={"componentInputParameter": "mlopsctl_run"}
        ),
        "does not take, the parameter more",
    ),
    "missing component": (
        lambda found: steps(found[0])["second"].update(componentRef={"name": "comp-other"}),
        "comp-other, which is no component",
    ),
    "component that holds itself": (
        lambda found: branch(found[0])["tasks"]["mlopsctl-then"].update(componentRef={"name": "comp-third-when"}),
        "components hold each other",
    ),
    "executor without use": (
        lambda found: found[0]["deploymentSpec"]["executors"].update(more={"container": {"image": "i", "args": []}}),
        "the executor more is not used",
    ),
    "component without executor": (
        lambda found: found[0]["deploymentSpec"]["executors"].pop("exec-first"),
        "exec-first, which is no executor",
    ),
    "component without use": (
        lambda found: found[0]["components"].update(more={"executorLabel": "exec-first"}),
        "the component more is not used",
    ),
    "neither graph nor container": (
        lambda found: found[0]["components"]["comp-first"].pop("executorLabel"),
        "neither a container nor a graph",
    ),
    "condition without else": (
        lambda found: branch(found[0])["tasks"]["mlopsctl-else"].pop("triggerPolicy"),
        "a condition without an else",
    ),
    "condition on text": (
        lambda found: found[0]["components"]["comp-third-then"]["inputDefinitions"]["parameters"]["on"].update(
            parameterType="STRING"
        ),
        "which is no parameter of it",
    ),
    "condition of another's making": (
        lambda found: branch(found[0])["tasks"]["mlopsctl-then"]["triggerPolicy"].update(condition="1 == 1"),
        "which is no parameter of it",
    ),
    "output from nobody": (
        lambda found: branch(found[0])["outputs"]["artifacts"]["out"]["artifactSelectors"][0].update(
            producerSubtask="nobody"
        ),
        "nobody.out, which is not there",
    ),
    "output not handed out": (
        lambda found: branch(found[0]).pop("outputs"),
        "hands out out and does not declare it, or the other way round",
    ),
    "a name of its own": (
        lambda found: steps(found[0])["first"].update(taskInfo={"name": "other"}),
        "calls itself otherwise",
    ),
    "the end does not wait": (
        lambda found: found[0]["root"]["dag"]["tasks"]["mlopsctl-end"].pop("triggerPolicy"),
        "asks how others ended and does not wait for them",
    ),
    "placeholder in an argument": (
        lambda found: arguments(found[0], "exec-first").append("{{$.inputs.parameters['x']}}"),
        "placeholder",
    ),
    "dollar in an argument": (lambda found: arguments(found[0], "exec-first").append("$(HOME)"), "holds a dollar"),
    "placeholder in a key": (
        lambda found: found[0]["root"]["inputDefinitions"].update({"{{x}}": {}}),
        "placeholder",
    ),
    "placeholder in the platform": (
        lambda found: found[1]["platforms"]["kubernetes"].update(x="{{workflow.name}}"),
        "placeholder",
    ),
    "platform of nobody": (
        lambda found: found[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"].update({"exec-no": {}}),
        "exec-no, which is no executor",
    ),
    "two sources": (
        lambda found: steps(found[0])["first"]["inputs"]["parameters"]["mlopsctl_run"].update(
            runtimeValue={"constant": "x"}
        ),
        "from two places",
    ),
    "another shape": (lambda found: found[0].update(components=[]), "a mapping was expected"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_found(sound: list[Spec], name: str) -> None:
    mutate, said = MUTATIONS[name]
    mutated = copy.deepcopy(sound)
    mutate(mutated)
    assert mutated != sound
    with pytest.raises(Unsound, match=said.replace(".", r"\.")):
        check_ir(mutated)


def test_every_flaw_is_told_at_once(sound: list[Spec], tmp_path: Path) -> None:
    mutated = copy.deepcopy(sound)
    for name in ("cycle", "executor without use", "dollar in an argument"):
        MUTATIONS[name][0](mutated)
    with pytest.raises(Unsound) as raised:
        check_ir(mutated)
    assert all(said in str(raised.value) for said in ("each other", "is not used", "a dollar"))
