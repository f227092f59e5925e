"""Two projects whose steps have an order of their own: a small one with every rule, and the Composer lab's 20 tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

CODE = """\
def choose(choice, *, say: str = ""):
    (choice / "choice.txt").write_text(say + "\\n")


def work(out, *, fails: bool = False):
    if fails:
        raise ValueError("asked to fail")
    (out / "said.txt").write_text("done")


def look(seen, first=None, second=None):
    (seen / "seen.txt").write_text(f"{first is not None} {second is not None}")
"""

BRANCHES = """\
version: 1
name: branches
parameters: {say: keep, fails: false}
components:
  choose:
    run: {kind: python, entrypoint: "mine:choose"}
    outputs: {choice: File}
    parameters: {say: "${parameters.say}"}
  risky:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    parameters: {fails: "${parameters.fails}"}
  keep:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    when: {reads: choose.choice, equals: keep}
  drop:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    when: {reads: choose.choice, equals: drop}
    reuse: false
  joined:
    run: {kind: python, entrypoint: "mine:look"}
    inputs: {first: keep.out, second: drop.out}
    outputs: {seen: File}
    trigger_rule: none_failed_min_one_success
  both:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    after: [keep, drop]
  after-risky:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    after: [risky, choose]
  none-failed:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    after: [risky, keep]
    trigger_rule: none_failed
  one:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    after: [risky, keep]
    trigger_rule: one_success
  alarm:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    after: [risky]
    trigger_rule: all_failed
  below:
    run: {kind: python, entrypoint: "mine:work"}
    outputs: {out: File}
    after: [after-risky]
  last:
    run: {kind: python, entrypoint: "mine:look"}
    inputs: {first: after-risky.out, second: joined.seen}
    outputs: {seen: File}
    after: [below, alarm]
    trigger_rule: all_done
"""
"""In no situation do two of its steps end in a state that hangs on which of them ended first."""

SITUATIONS: Mapping[str, tuple[Mapping[str, object], Mapping[str, str]]] = {
    "keep": (
        {"say": "keep"},
        {
            "choose": "success", "risky": "success", "keep": "success", "drop": "skipped", "joined": "success",
            "both": "skipped", "after-risky": "success", "none-failed": "success", "one": "success",
            "alarm": "skipped", "below": "success", "last": "success",
        },
    ),
    "drop": (
        {"say": "drop"},
        {
            "choose": "success", "risky": "success", "keep": "skipped", "drop": "success", "joined": "success",
            "both": "skipped", "after-risky": "success", "none-failed": "success", "one": "success",
            "alarm": "skipped", "below": "success", "last": "success",
        },
    ),
    "neither": (
        {"say": "something else"},
        {
            "choose": "success", "risky": "success", "keep": "skipped", "drop": "skipped", "joined": "skipped",
            "both": "skipped", "after-risky": "success", "none-failed": "success", "one": "success",
            "alarm": "skipped", "below": "success", "last": "success",
        },
    ),
    "failed": (
        {"say": "keep", "fails": True},
        {
            "choose": "success", "risky": "failed", "keep": "success", "drop": "skipped", "joined": "success",
            "both": "skipped", "after-risky": "upstream_failed", "none-failed": "upstream_failed", "one": "success",
            "alarm": "success", "below": "upstream_failed", "last": "success",
        },
    ),
}  # fmt: skip
"""What each run is started with, and how its steps end, on every orchestrator."""

LAB_EDGES: tuple[tuple[str, str], ...] = (
    ("bq_check_data_task", "publish_on_failed_check_task"),
    ("bq_check_data_task", "python_new_version_name_task"),
    ("bq_check_data_task", "bq_train_data_task"),
    ("bq_check_data_task", "bq_eval_data_task"),
    ("bq_train_data_task", "bq_export_gcs_train_csv_task"),
    ("bq_eval_data_task", "bq_export_gcs_valid_csv_task"),
    ("bq_export_gcs_train_csv_task", "bash_remove_old_trained_model_task"),
    ("bq_export_gcs_valid_csv_task", "bash_remove_old_trained_model_task"),
    ("python_new_version_name_task", "ml_engine_training_task"),
    ("bash_remove_old_trained_model_task", "ml_engine_training_task"),
    ("ml_engine_training_task", "bq_value_check_rmse_task"),
    ("bq_value_check_rmse_task", "publish_on_failed_value_check_task"),
    ("bq_value_check_rmse_task", "bash_copy_new_saved_model_task"),
    ("bq_value_check_rmse_task", "bash_ml_engine_models_list_task"),
    ("bash_ml_engine_models_list_task", "check_if_model_already_exists_task"),
    ("check_if_model_already_exists_task", "ml_engine_create_model_task"),
    ("check_if_model_already_exists_task", "dont_create_model_dummy_task"),
    ("ml_engine_create_model_task", "python_curent_version_name_task"),
    ("dont_create_model_dummy_task", "python_curent_version_name_task"),
    ("ml_engine_create_model_task", "ml_engine_create_version_task"),
    ("dont_create_model_dummy_task", "ml_engine_create_version_task"),
    ("bash_copy_new_saved_model_task", "ml_engine_create_version_task"),
    ("python_curent_version_name_task", "ml_engine_create_version_task"),
    ("ml_engine_create_version_task", "ml_engine_set_default_version_task"),
    ("ml_engine_set_default_version_task", "publish_on_success_task"),
)
"""The DAG of the Composer lab: 20 tasks."""

LAB_RULES = {
    "publish_on_failed_check_task": "all_failed",
    "publish_on_failed_value_check_task": "all_failed",
    "python_curent_version_name_task": "none_failed",
    "ml_engine_create_version_task": "none_failed",
}
_BRANCH = "check_if_model_already_exists_task"
_BRANCHES = {"ml_engine_create_model_task": "create", "dont_create_model_dummy_task": "exists"}
_FAILING = {"bq_check_data_task": "stale", "bq_value_check_rmse_task": "worse"}

LAB_TASKS = tuple(dict.fromkeys(task for edge in LAB_EDGES for task in edge))

_STOPPED = ("failed", "upstream_failed")
LAB_SITUATIONS: Mapping[str, Mapping[str, object]] = {
    "new": {"say": "create"},
    "known": {"say": "exists"},
    "worse": {"say": "create", "worse": True},
}


def lab_states(situation: str) -> dict[str, str]:
    """How the lab's tasks end."""
    states = dict.fromkeys(LAB_TASKS, "success") | dict.fromkeys(
        ("publish_on_failed_check_task", "publish_on_failed_value_check_task"), "skipped"
    )
    if situation != "worse":
        other = "dont_create_model_dummy_task" if situation == "new" else "ml_engine_create_model_task"
        return states | {other: "skipped"}
    after = LAB_TASKS[LAB_TASKS.index("bash_copy_new_saved_model_task") :]
    return states | {
        "bq_value_check_rmse_task": "failed",
        "publish_on_failed_value_check_task": "success",
        **dict.fromkeys(after, "upstream_failed"),
    }


def lab() -> str:
    """The lab as a project: each task is a step, each edge an ``after`` or the branch that a step is."""
    lines = ["version: 1", "name: lab", "parameters: {say: create, stale: false, worse: false}", "components:"]
    for task in LAB_TASKS:
        before = [first for first, then in LAB_EDGES if then == task]
        function = "choose" if task == _BRANCH else "work"
        output = "choice" if task == _BRANCH else "out"
        lines.append(f"  {task}:")
        lines.append(f'    run: {{kind: python, entrypoint: "mine:{function}"}}')
        lines.append(f"    outputs: {{{output}: File}}")
        if task == _BRANCH:
            lines.append('    parameters: {say: "${parameters.say}"}')
        if task in _FAILING:
            lines.append(f'    parameters: {{fails: "${{parameters.{_FAILING[task]}}}"}}')
        if task in _BRANCHES:
            lines.append(f"    when: {{reads: {_BRANCH}.choice, equals: {_BRANCHES[task]}}}")
        elif before:
            lines.append(f"    after: [{', '.join(before)}]")
        if task in LAB_RULES:
            lines.append(f"    trigger_rule: {LAB_RULES[task]}")
    return "\n".join(lines) + "\n"


def write(folder: Path, project: str, more: str = "") -> Path:
    """A project's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.py").write_text(CODE, encoding="utf-8")
    (folder / "mlops.yaml").write_text(project + more, encoding="utf-8")
    return folder
