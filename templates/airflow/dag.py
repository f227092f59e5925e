"""The DAG of a project, made by mlopsctl. What it runs stands in the plan file beside it, which is data.

This file is the same for every project: it reads the plan, and no text of a project ever becomes Python or a template.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

try:
    from airflow.sdk import DAG, BaseOperator, Param

    BEGINNING = None
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.param import Param

    BEGINNING = datetime(2020, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 (its Python may be older)

FILE = Path(__file__)
PLAN = json.loads(FILE.with_suffix(".json").read_text(encoding="utf-8"))
TASKS = {task["id"]: task for task in PLAN["tasks"]}
EXECUTION = PLAN["execution"]

KINDS = {bool: "boolean", int: "integer", float: "number", str: "string"}
CALLED = ["-P", "-m", "mlopsctl.delivery.inside.called"]
CALL = "MLOPSCTL_CALL"
SKIPPED = 77


def call_of(task_id, context):
    """What the runtime of a step is told, as one JSON text."""
    task, params = TASKS[task_id], dict(context["params"])
    # The run's id, as the ledger of the run is named.
    run = str(params.get("mlopsctl_run") or "") or re.sub(r"[^A-Za-z0-9._-]", "-", str(context["run_id"]))
    told = json.dumps({"kind": task["kind"], "task": task["text"], "run": run, "parameters": params})
    # Kubernetes puts other variables, which may be secrets, in the place of `$(NAME)`.
    return told.replace("$", "\\u0024")


class StepOnWorker(BaseOperator):
    """Runs a step as a process of the worker, in the project's folder, with a Python of its own."""

    template_fields = template_ext = ()
    ui_color = "#e8f4ea"
    _process = None

    def execute(self, context):
        import tempfile

        try:
            from airflow.sdk.exceptions import AirflowException, AirflowSkipException
        except ImportError:
            from airflow.exceptions import AirflowException, AirflowSkipException

        with tempfile.TemporaryDirectory(prefix="mlopsctl-") as own:
            report = Path(own) / "report.json"
            code = self._call(["--report", str(report)], call_of(self.task_id, context))
            told = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
        if code == SKIPPED:
            raise AirflowSkipException(told.get("problem") or "skipped")
        if code != 0:
            raise AirflowException(told.get("problem") or f"the step's process ended with code {code}")
        # Digests only: the artifacts are in the store.
        return told.get("outputs", {})

    def on_kill(self):
        import signal

        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)

    def _call(self, words, told):
        import contextlib
        import subprocess

        python = EXECUTION["python"] or os.environ.get("MLOPSCTL_PYTHON") or "python3"
        process = self._process = subprocess.Popen(
            [python, *CALLED, *words],
            cwd=EXECUTION["folder"] or (FILE.parent / PLAN["project_folder"]).resolve(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )
        try:
            # Who ends before it has read everything says why on stdout.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(told)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            for line in process.stdout:
                self.log.info("%s", line.rstrip("\n"))
            return process.wait()
        finally:
            self.on_kill()


@lru_cache(maxsize=None)  # noqa: UP033 (its Python may be older)
def in_pod():
    """The operator that runs a step in a pod of Kubernetes, and what all of them share."""
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from kubernetes.client import models

    secrets = [
        models.V1EnvVar(
            name=name,
            value_from=models.V1EnvVarSource(
                secret_key_ref=models.V1SecretKeySelector(name=secret["name"], key=secret["key"])
            ),
        )
        for name, secret in sorted(EXECUTION["secrets"].items())
    ]

    class StepInPod(KubernetesPodOperator):
        """A step in a pod; nothing of it is a template."""

        template_fields = template_ext = ()
        ui_color = "#e8f4ea"

        def execute(self, context):
            self.env_vars = [*secrets, models.V1EnvVar(name=CALL, value=call_of(self.task_id, context))]
            return super().execute(context)

    shared = {
        "cmds": ["python3", *CALLED],
        "namespace": EXECUTION["namespace"],
        "service_account_name": EXECUTION["service_account"],
        "node_selector": EXECUTION["node_selector"] or None,
        "skip_on_exit_code": SKIPPED,
        # A node that has not this image yet pulls it first.
        "startup_timeout_seconds": 900,
        "get_logs": True,
    }

    def made(task, more):
        return StepInPod(
            name=task["id"].replace("_", "-"),
            image=task["image"],
            container_resources=models.V1ResourceRequirements(requests=task["requests"], limits=task["limits"]),
            **shared,
            **more,
        )

    return made


@lru_cache(maxsize=None)  # noqa: UP033
def in_docker():
    """The operator that runs a step in a container of Docker."""
    from airflow.providers.docker.operators.docker import DockerOperator

    class StepInDocker(DockerOperator):
        """A step in a container; nothing of it is a template."""

        template_fields = template_ext = ()
        ui_color = "#e8f4ea"

        def execute(self, context):
            self.environment = {CALL: call_of(self.task_id, context)}
            return super().execute(context)

    def made(task, more):
        return StepInDocker(
            image=task["image"],
            command=["python3", *CALLED],
            network_mode=EXECUTION["network"],
            mount_tmp_dir=False,
            auto_remove="force",
            skip_on_exit_code=SKIPPED,
            # It would be the last line of the log.
            do_xcom_push=False,
            **more,
        )

    return made


def operator(task):
    """The task of the DAG for one task of the plan."""
    more = {
        "task_id": task["id"],
        "retries": task["retries"],
        "retry_delay": timedelta(seconds=task["retry_delay"]),
        "execution_timeout": timedelta(seconds=task["timeout"]) if task["timeout"] else None,
        "trigger_rule": task["trigger_rule"],
        "pool": task["pool"] or "default_pool",
        "pool_slots": task["pool_slots"],
        "priority_weight": task["priority"],
        "weight_rule": "absolute",
    }
    if task["queue"]:
        more["queue"] = task["queue"]
    if EXECUTION["kind"] == "kubernetes":
        return in_pod()(task, more)
    if EXECUTION["kind"] == "docker":
        return in_docker()(task, more)
    return StepOnWorker(**more)


def schedule():
    """When the DAG runs: cron in a time zone, new data, or only when somebody asks."""
    if PLAN["cron"]:
        from airflow.timetables.trigger import CronTriggerTimetable

        # Without the last word a new DAG starts at once for a time that is past, if that was not long ago.
        return CronTriggerTimetable(
            PLAN["cron"]["expression"],
            timezone=PLAN["cron"]["timezone"],
            **({} if BEGINNING else {"run_immediately": timedelta(0)}),
        )
    if not PLAN["assets"]:
        return None
    try:
        from airflow.sdk import Asset
    except ImportError:
        from airflow.datasets import Dataset as Asset
    return [Asset(uri) for uri in PLAN["assets"]]


def param(name, value):
    """A param of the DAG, of the type that its default has."""
    kind = KINDS.get(type(value))
    # Airflow's form takes no empty text where it knows that it is text.
    return value if kind is None or value == "" else Param(value, type=kind)


def build():
    """The DAG that the plan describes."""
    dag = DAG(
        dag_id=PLAN["dag_id"],
        description=PLAN["description"] or None,
        schedule=schedule(),
        # Airflow 3 needs none, and so runs nothing at once for a time that is past.
        start_date=BEGINNING,
        catchup=False,
        max_active_runs=PLAN["max_active_runs"],
        default_args={"owner": PLAN["owner"]},
        tags=PLAN["tags"],
        # A text that ends in `.md` would be taken for the name of a file.
        doc_md=PLAN["doc"] + "\n" if PLAN["doc"] else None,
        is_paused_upon_creation=True,
    )
    with dag:
        made = {task_id: operator(task) for task_id, task in TASKS.items()}
    for task_id, task in TASKS.items():
        if task["upstream"]:
            made[task_id].set_upstream([made[before] for before in task["upstream"]])
        if task["teardown"]:
            made[task_id].as_teardown()
    # Last, for every task that is made takes a deep copy of what is there.
    dag.params.update({name: param(name, value) for name, value in PLAN["params"].items()})
    return dag


dag = build()
