"""How a run stands is read out of the server's list of nodes."""

from __future__ import annotations

import pytest

from mlopsctl.orchestrators.contract import RunState
from mlopsctl.orchestrators.kfp.states import engine_run, task_names

pytestmark = pytest.mark.unit


def node(name: str, state: str, number: int, *children: int, **more: object) -> dict:
    led = {"child_tasks": [{"pod_name": f"flow-{child}"} for child in children]}
    return {"display_name": name, "state": state, "pod_name": f"flow-template-{number}", **led, **more}


def run(state: str, *nodes: dict, **more: object) -> dict:
    return {
        "run_id": "abc", "state": state, "created_at": "2026-03-01T10:00:00Z",
        "run_details": {"task_details": list(nodes)}, **more,
    }  # fmt: skip


NAMES = frozenset({"load", "train"})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("PENDING", RunState.PENDING), ("RUNTIME_STATE_UNSPECIFIED", RunState.PENDING), ("", RunState.PENDING),
        ("RUNNING", RunState.RUNNING), ("PAUSED", RunState.RUNNING), ("CANCELING", RunState.RUNNING),
        ("SUCCEEDED", RunState.SUCCESS), ("FAILED", RunState.FAILED), ("SKIPPED", RunState.SKIPPED),
        ("CANCELED", RunState.CANCELED), ("A_LATER_WORD", RunState.PENDING),
    ],
)  # fmt: skip
def test_the_servers_words_for_states_are_ours(theirs: str, ours: RunState) -> None:
    assert engine_run(run(theirs), NAMES, "https://kfp").state is ours


def test_a_task_is_its_group_and_before_that_its_driver() -> None:
    details = [
        node("load-driver", "SUCCEEDED", 1, 2), node("load", "SUCCEEDED", 2, 3), node("executor", "SUCCEEDED", 3),
        node("train-driver", "RUNNING", 4),
    ]  # fmt: skip
    found = engine_run(run("RUNNING", *details), NAMES, "https://kfp/")
    assert found.tasks == {"load": RunState.SUCCESS, "train": RunState.PENDING}
    assert found.url == "https://kfp/#/runs/details/abc"
    assert found.started == 1772359200000


def test_a_task_whose_driver_failed_has_failed() -> None:
    details = [node("train-driver", "FAILED", 1, error={"message": "cannot pull"})]
    found = engine_run(run("FAILED", *details), NAMES, "")
    assert found.tasks == {"train": RunState.FAILED}
    assert found.message == "train-driver: cannot pull"


def test_a_task_that_was_left_out_has_not_begun() -> None:
    details = [node("train-driver", "RUNTIME_STATE_UNSPECIFIED", 1), node("train", "RUNTIME_STATE_UNSPECIFIED", 2)]
    assert engine_run(run("FAILED", *details), NAMES, "").tasks == {}


def test_of_nodes_of_one_name_the_one_counts_that_the_tasks_driver_leads_to() -> None:
    names = frozenset({"executor", "load"})
    details = [
        node("load-driver", "SUCCEEDED", 1, 2), node("load", "RUNNING", 2, 3), node("executor", "RUNNING", 3),
        node("executor-driver", "SUCCEEDED", 4, 5), node("executor", "FAILED", 5, 6), node("executor", "FAILED", 6),
    ]  # fmt: skip
    assert engine_run(run("RUNNING", *details[:3]), names, "").tasks == {"load": RunState.RUNNING}
    assert engine_run(run("RUNNING", *details), names, "").tasks["executor"] is RunState.FAILED


def test_where_the_names_are_not_known_what_has_a_driver_is_a_task() -> None:
    details = [
        node("root-driver", "SUCCEEDED", 8, 9), node("root", "RUNNING", 9),
        node("load-driver", "SUCCEEDED", 1, 2), node("load", "RUNNING", 2, 3), node("executor", "RUNNING", 3),
    ]  # fmt: skip
    assert engine_run(run("RUNNING", *details), None, "").tasks == {"load": RunState.RUNNING}


def test_what_was_stopped_with_its_run_is_canceled() -> None:
    details = [node("load-driver", "SUCCEEDED", 1, 2), node("load", "FAILED", 2)]
    assert engine_run(run("CANCELED", *details), NAMES, "").tasks == {"load": RunState.CANCELED}


def test_messages_are_the_runs_before_its_tasks_each_once() -> None:
    history = [{"state": "FAILED", "error": {"code": 13, "message": "no space"}}]
    details = [node("load", "FAILED", 2, error={"message": "exit 1"}, state_history=[{"error": {"message": "exit 1"}}])]
    found = engine_run(run("FAILED", *details, state_history=history), NAMES, "")
    assert found.message == "no space; load: exit 1"


def test_our_run_id_is_in_the_mark_and_nowhere_else() -> None:
    marked = engine_run(run("RUNNING", description="mlopsctl project=a environment=b run=run-1"), NAMES, "")
    assert marked.run == "run-1"
    assert engine_run(run("RUNNING", display_name="run-1", description="by hand"), NAMES, "").run == ""


def test_the_tasks_of_a_pipeline_are_found_at_any_depth_also_beside_settings_for_kubernetes() -> None:
    spec = {
        "root": {"dag": {"tasks": {"group": {}, "mlopsctl-end": {}}}},
        "components": {"comp-group": {"dag": {"tasks": {"load": {}}}}, "comp-load": {"executorLabel": "exec-load"}},
    }
    assert task_names(spec) == {"group", "mlopsctl-end", "load"}
    assert task_names({"pipeline_spec": spec, "platform_spec": {}}) == task_names(spec)
    assert task_names({}) == frozenset()
