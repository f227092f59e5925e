"""What a project becomes in KFP's IR: tasks, components, executors, platform."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.errors import InvalidProject
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.ir.check import Unsound
from mlopsctl.orchestrators.ir.compile import compile_ir
from mlopsctl.orchestrators.ir.containers import LONGEST_ARGUMENT
from mlopsctl.orchestrators.ir.contract import Settings
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.step.portable import decode_run, decode_step
from mlopsctl.step.ports import from_port
from tests.unit.orchestrators.ir.compiled import IMAGE, arguments, command, documents, emitted, inner, project

CSV = {"kind": "csv", "uri": "gs://b/rows.csv"}
TRAINED: dict[str, Any] = {
    "data": {"rows": {"source": CSV, "label": "y"}},
    "training": {
        "task": "classification",
        "targets": {
            "a": {"kind": "sklearn", "estimator": "sklearn.svm.SVC"},
            "b": {"kind": "sklearn", "estimator": "sklearn.tree.DecisionTreeClassifier"},
        },
    },
    "evaluation": {"gates": [{"name": "g", "kind": "threshold", "metric": "accuracy", "min": 0.5}]},
}


def test_each_step_is_a_task_that_runs_the_step_runtime(tmp_path: Path) -> None:
    loaded = project(tmp_path, **TRAINED)
    (spec,) = documents(loaded)
    steps = lower(loaded).pipeline.steps
    assert set(inner(spec)) == {"mlopsctl-begin", *(step.id for step in steps)}
    for step in steps:
        container = spec["deploymentSpec"]["executors"][f"exec-{step.id}"]["container"]
        assert container["image"] == IMAGE
        assert container["command"] == ["python3", "-P", "-m", "mlopsctl.step.container"]
        told = dict(zip(container["args"][::2], container["args"][1::2], strict=True))
        assert told.keys() == {"--step", "--executor-input", "--job"}
        assert (told["--executor-input"], told["--job"]) == ("{{$}}", "{{$.pipeline_job_uuid}}")
        assert decode_step(told["--step"]).step == step


def test_wires_types_and_order_are_those_of_the_pipeline(tmp_path: Path) -> None:
    loaded = project(tmp_path, **TRAINED)
    (spec,) = documents(loaded)
    for step in lower(loaded).pipeline.steps:
        task, component = inner(spec)[step.id], spec["components"][f"comp-{step.id}"]
        wires = task["inputs"].get("artifacts", {})
        found = {from_port(port): wire["taskOutputArtifact"] for port, wire in wires.items()}
        assert found == {
            name: {"producerTask": wired.ref.step, "outputArtifactKey": wired.ref.output}
            for name, wired in step.inputs.items()
        }
        begin = ["mlopsctl-begin"] if step.state_inputs else []
        assert task.get("dependentTasks", []) == [*begin, *step.upstream]
        outputs = component.get("outputDefinitions", {}).get("artifacts", {})
        assert {name: one["metadata"]["type"] for name, one in outputs.items()} == dict(step.outputs)


@pytest.mark.parametrize(
    ("task", "title"), [("classification", "system.ClassificationMetrics"), ("regression", "system.Metrics")]
)
def test_our_types_are_the_engines_nearest(tmp_path: Path, task: str, title: str) -> None:
    training = {"task": task, "targets": {"a": {"kind": "sklearn", "estimator": "sklearn.linear_model.Ridge"}}}
    metric, bound = ("accuracy", "min") if task == "classification" else ("rmse", "max")
    gates = [{"name": "g", "kind": "threshold", "metric": metric, bound: 1}]
    (spec,) = documents(project(tmp_path, **{**TRAINED, "training": training, "evaluation": {"gates": gates}}))

    def schema(step: str, output: str) -> str:
        found: str = spec["components"][f"comp-{step}"]["outputDefinitions"]["artifacts"][output]["artifactType"][
            "schemaTitle"
        ]
        return found

    assert schema("evaluate", "evaluation") == title
    assert (schema("ingest-rows", "examples"), schema("evaluate", "predictions")) == ("system.Dataset",) * 2
    assert (schema("select", "model"), schema("push", "pushed_model")) == ("system.Model",) * 2
    assert schema("gate", "blessing") == "system.Artifact"


def test_parameters_have_the_type_of_their_default_and_go_where_they_are_read(tmp_path: Path) -> None:
    parameters = {"n": 3, "x": 0.5, "t": "a", "b": True}
    components = {"one": command(parameters={"n": "${parameters.n}", "all": ["${parameters.x}"]}), "two": command()}
    (spec,) = documents(project(tmp_path, parameters=parameters, components=components))
    declared = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: (one["parameterType"], one["defaultValue"]) for name, one in declared.items()} == {
        "seed": ("NUMBER_INTEGER", 0), "n": ("NUMBER_INTEGER", 3), "x": ("NUMBER_DOUBLE", 0.5), "t": ("STRING", "a"),
        "b": ("BOOLEAN", True), "mlopsctl_run": ("STRING", ""), "mlopsctl_pinned": ("STRING", ""),
    }  # fmt: skip
    assert all(one["isOptional"] for one in declared.values())
    assert set(inner(spec)["one"]["inputs"]["parameters"]) == {"mlopsctl_run", "n", "x"}
    assert set(inner(spec)["two"]["inputs"]["parameters"]) == {"mlopsctl_run"}
    assert "mlopsctl-begin" not in inner(spec)


def test_only_steps_that_draw_random_numbers_take_the_seed(tmp_path: Path) -> None:
    loaded = project(tmp_path, **TRAINED)
    (spec,) = documents(loaded)
    drawing = {step.id for step in lower(loaded).pipeline.steps if step.seed is not None}
    assert {"train-a", "train-b"} <= drawing
    assert {name for name, task in inner(spec).items() if "seed" in task["inputs"]["parameters"]} == drawing


def test_names_with_dots_dashes_and_underscores_are_renamed_and_found_again(tmp_path: Path) -> None:
    components = {
        "clean_up": command(parameters={"a": "${parameters.a--b}"}, inputs={"a--b": "rows", "mlopsctl_run": "rows"}),
    }
    (spec,) = documents(project(tmp_path, **TRAINED, parameters={"a--b": "x"}, components=components))
    assert set(inner(spec)["select"]["inputs"]["artifacts"]) == {
        "examples",
        "anomalies",
        "models_DOT_a",
        "models_DOT_b",
    }
    task = inner(spec)["clean-up"]
    assert task["inputs"]["parameters"]["a-_DASH_b"] == {"componentInputParameter": "a-_DASH_b"}
    assert set(task["inputs"]["artifacts"]) == {"a-_DASH_b_INPUT", "mlopsctl_run_INPUT"}
    outer = spec["root"]["dag"]["tasks"]["mlopsctl-steps"]["inputs"]["parameters"]
    assert outer["a-_DASH_b"] == {"componentInputParameter": "a--b"}


def test_the_last_task_runs_whatever_came_of_the_others(tmp_path: Path) -> None:
    notify = [{"kind": "webhook", "url": "https://hooks.example.com/x"}]
    (spec,) = documents(project(tmp_path, components={"one": command()}, notify=notify))
    end = spec["root"]["dag"]["tasks"]["mlopsctl-end"]
    assert end["dependentTasks"] == ["mlopsctl-steps"]
    assert end["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert end["inputs"]["parameters"]["status"] == {"taskFinalStatus": {"producerTask": "mlopsctl-steps"}}
    words = arguments(spec, "exec-mlopsctl-end")
    run = decode_run(words[words.index("--run") + 1])
    assert run.steps == ("one",)
    assert run.notify[0]["url"] == "https://hooks.example.com/x"  # type: ignore[index,call-overload]


def test_the_first_task_gives_state_inputs_to_those_who_want_them(tmp_path: Path) -> None:
    (spec,) = documents(project(tmp_path, **TRAINED))
    taken = {name for name, task in inner(spec).items() if "mlopsctl_pinned" in task["inputs"]["parameters"]} - {
        "mlopsctl-begin"
    }
    wanted = {step.id for step in lower(project(tmp_path, **TRAINED)).pipeline.steps if step.state_inputs}
    assert taken == wanted != set()
    begin = spec["components"]["comp-mlopsctl-begin"]["outputDefinitions"]["parameters"]
    assert begin == {"run": {"parameterType": "STRING"}, "pinned": {"parameterType": "STRING"}}
    words = arguments(spec, "exec-mlopsctl-begin")
    assert set(decode_run(words[words.index("--run") + 1]).wanted) == {"champion", "overrides"}


def test_a_condition_has_both_branches_and_hands_out_what_either_left(tmp_path: Path) -> None:
    components = {
        "one": command(when="${parameters.on}", retry={"attempts": 2}),
        "two": command(inputs={"in": "one.out"}),
        "one-skip": command(), "one-when": command(), "one-then": command(),
    }  # fmt: skip
    (spec,) = documents(project(tmp_path, components=components, parameters={"on": True}))
    whole = spec["components"][inner(spec)["one"]["componentRef"]["name"]]["dag"]
    then, other = whole["tasks"]["mlopsctl-then"], whole["tasks"]["mlopsctl-else"]
    assert then["triggerPolicy"]["condition"] == "inputs.parameter_values['on'] == true"
    assert other["triggerPolicy"]["condition"] == "!(inputs.parameter_values['on'] == true)"
    assert [one["producerSubtask"] for one in whole["outputs"]["artifacts"]["out"]["artifactSelectors"]] == [
        "mlopsctl-then",
        "mlopsctl-else",
    ]
    runs = spec["components"][then["componentRef"]["name"]]["dag"]["tasks"]["mlopsctl-run"]
    assert (runs["componentRef"]["name"], runs["retryPolicy"]["maxRetryCount"]) == ("comp-one", 2)
    skips = spec["components"][other["componentRef"]["name"]]["dag"]["tasks"]["mlopsctl-skip"]
    label = spec["components"][skips["componentRef"]["name"]]["executorLabel"]
    assert arguments(spec, label)[-2:] == ["--skip", "its `when` is false"]
    assert "--skip" not in arguments(spec, "exec-one-skip")
    assert decode_step(arguments(spec, label)[1]).step.id == "one"
    assert decode_step(arguments(spec, "exec-one")[1]).step.bindings == {}


def test_a_step_that_is_never_run_records_its_skip(tmp_path: Path) -> None:
    (spec,) = documents(project(tmp_path, components={"one": command(when=False)}))
    assert arguments(spec, "exec-one")[-2:] == ["--skip", "its `when` is false"]


def test_repetitions_machines_and_caching_are_said_in_the_engines_words(tmp_path: Path) -> None:
    components = {
        "one": command(
            retry={"attempts": 3, "delay": "90s"},
            resources={"cpu": "1500m", "memory": "4Gi", "accelerators": {"nvidia.com/gpu": 2}},
        ),
        "two": command(resources={"cpu": 2, "memory": "1536Mi"}),
    }
    data = {"rows": {"source": CSV}}
    found = documents(project(tmp_path, settings={"caching": True}, components=components, data=data))
    tasks, executors = inner(found[0]), found[0]["deploymentSpec"]["executors"]
    assert tasks["one"]["retryPolicy"] == {
        "maxRetryCount": 3, "backoffDuration": "90s", "backoffFactor": 1.0, "backoffMaxDuration": "3600s",
    }  # fmt: skip
    assert executors["exec-one"]["container"]["resources"] == {
        "cpuLimit": 1.5, "resourceCpuLimit": "1500m", "memoryLimit": 4.294967296, "resourceMemoryLimit": "4Gi",
        "accelerator": {"type": "nvidia.com/gpu", "count": "2", "resourceType": "nvidia.com/gpu", "resourceCount": "2"},
    }  # fmt: skip
    assert executors["exec-two"]["container"]["resources"]["resourceMemoryLimit"] == "1536Mi"
    assert executors["exec-two"]["container"]["resources"]["resourceCpuLimit"] == "2"
    cached = {name: task["cachingOptions"]["enableCache"] for name, task in tasks.items()}
    assert cached["one"]
    assert not cached["ingest-rows"]


def test_the_engines_cache_is_off_by_default(tmp_path: Path) -> None:
    (spec,) = documents(project(tmp_path, components={"one": command()}))
    assert inner(spec)["one"]["cachingOptions"] == {"enableCache": False}


def test_kubernetes_is_told_what_only_it_knows(tmp_path: Path) -> None:
    settings = {
        "node_selector": {"pool": "batch"},
        "tolerations": [{"key": "batch", "operator": "Exists"}],
        "image_pull_secrets": ["registry"],
        "accelerators": {"t4": {"node_selector": {"gpu": "t4"}}},
        "secrets": {"TOKEN": {"name": "s", "key": "k"}, "HOOK": {"name": "h", "key": "u"}},
    }
    one = command(parameters={"token": {"secret": "TOKEN"}}, timeout="90.5s", resources={"accelerators": {"t4": 1}})
    notify = [{"kind": "webhook", "url": {"secret": "HOOK"}}]
    spec, platform = documents(project(tmp_path, settings=settings, components={"one": one}, notify=notify))
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["exec-one"] == {
        "secretAsEnv": [
            {
                "secretName": "s",
                "secretNameParameter": {"runtimeValue": {"constant": "s"}},
                "keyToEnv": [{"secretKey": "k", "envVar": "TOKEN"}],
                "optional": False,
            }
        ],
        "nodeSelector": {"labels": {"gpu": "t4", "pool": "batch"}},
        "tolerations": [{"key": "batch", "operator": "Exists"}],
        "imagePullSecret": [
            {"secretName": "registry", "secretNameParameter": {"runtimeValue": {"constant": "registry"}}}
        ],
        "activeDeadlineSeconds": "391",
    }
    assert executors["exec-mlopsctl-end"]["secretAsEnv"][0]["secretName"] == "h"
    assert spec["deploymentSpec"]["executors"]["exec-one"]["container"]["resources"]["accelerator"]["count"] == "1"


def test_without_settings_of_kubernetes_there_is_one_document(tmp_path: Path) -> None:
    assert len(documents(project(tmp_path, components={"one": command()}))) == 1


def test_vertex_asks_for_accelerators_by_its_own_names_and_jobs_by_theirs(tmp_path: Path) -> None:
    components = {"one": command(resources={"accelerators": {"nvidia-tesla-t4": 1}})}
    (spec,) = documents(project(tmp_path, "vertex", {"machine_type": "n1-standard-4"}, components=components))
    container = spec["deploymentSpec"]["executors"]["exec-one"]["container"]
    assert container["resources"]["accelerator"]["type"] == "NVIDIA_TESLA_T4"
    assert container["args"][container["args"].index("--job") + 1] == "{{$.pipeline_job_name}}"
    assert "defaultPipelineRoot" not in spec


def test_a_project_without_an_image_compiles_to_a_name_that_nobody_has(tmp_path: Path) -> None:
    (spec,) = documents(project(tmp_path, settings={"image": None}, components={"one": command()}))
    images = {one["container"]["image"] for one in spec["deploymentSpec"]["executors"].values()}
    assert images == {"unpinned.invalid/shop"}


def test_a_step_that_says_more_than_linux_passes_on_is_refused_at_its_line(tmp_path: Path) -> None:
    loaded = project(tmp_path, components={"one": command(parameters={"text": "x" * LONGEST_ARGUMENT})})
    with pytest.raises(InvalidProject) as raised:
        emitted(loaded)
    (told,) = raised.value.diagnostics
    assert told.id == "too-large"
    assert told.span is not None
    assert '"one"' in Path(told.span.file).read_text().splitlines()[told.span.line - 1]


def test_a_step_just_below_that_is_taken(tmp_path: Path) -> None:
    text = "x" * (LONGEST_ARGUMENT - 2000)
    (spec,) = documents(project(tmp_path, components={"one": command(parameters={"text": text})}))
    longest = max(len(word.encode()) for word in arguments(spec, "exec-one"))
    assert LONGEST_ARGUMENT - 2000 < longest <= LONGEST_ARGUMENT


def test_the_names_of_tasks_are_names_of_kubernetes(tmp_path: Path) -> None:
    components = {name: command() for name in ("a_b", "c--d", "e-", "f_", "x" * 63)}
    (spec,) = documents(project(tmp_path, components=components))
    assert len(inner(spec)) == len(components)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) for name in (*inner(spec), *spec["components"]))


@given(st.lists(st.from_regex(r"[a-z][a-z_-]{0,3}", fullmatch=True), min_size=2, max_size=5, unique=True))
def test_names_that_differ_are_different_tasks_or_are_refused(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            loaded = project(Path(folder), components={name: command() for name in names})
        except InvalidProject as problem:
            assert {told.id for told in problem.diagnostics} <= {"name-collision", "reserved-name"}
            return
        (spec,) = documents(loaded)
    assert len(inner(spec)) == len(names)
    assert len(spec["deploymentSpec"]["executors"]) == len(names) + 1


def test_two_steps_of_one_name_are_a_bug_and_not_one_task(tmp_path: Path) -> None:
    pipeline = lower(project(tmp_path, components={"a-b": command()})).pipeline
    twin = replace(pipeline.steps[0], id="a_b")
    settings = Settings("p", "p", "e", {}, "gs://b", "{{$.pipeline_job_uuid}}")
    with pytest.raises(Unsound, match="two steps"):
        compile_ir(Pipeline("p", (*pipeline.steps, twin)), settings)
