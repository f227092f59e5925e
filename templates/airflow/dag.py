"""The DAG of a project, made by mlopsctl. What it runs stands in the plan file beside it, which is data.

This file is the same for every project: it reads the plan, and no text of a project ever becomes Python or a template.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.exceptions import AirflowException, AirflowSkipException

try:
    from airflow.sdk import DAG, Asset, BaseOperator, Param

    BEGINNING = None
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.param import Param

    BEGINNING = datetime(2020, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 (its Python may be older)
from airflow.timetables.trigger import CronTriggerTimetable

PLAN = Path(__file__).with_suffix(".json")
PROGRAM = "mlopsctl.delivery.inside.called"
SKIPPED = 77
_SAFE = re.compile(r"[^A-Za-z0-9._-]")


def run_of(context):
    """The run's id, as the ledger of the run is named."""
    return str(context["params"].get("mlopsctl_run") or "") or _SAFE.sub("-", str(context["run_id"]))


def call_of(task, context):
    """What the runtime of a step is told, as one JSON text."""
    return json.dumps(
        {
            "kind": task["kind"],
            "task": task["text"],
            "run": run_of(context),
            "parameters": dict(context["params"]),
        }
    )


class StepOnWorker(BaseOperator):
    """Runs a step as a process of the worker, in the project's folder, with a Python of its own."""

    template_fields = ()
    ui_color = "#e8f4ea"

    def __init__(self, *, task, python, folder, **more):
        super().__init__(**more)
        self.task_of_plan = task
        self.python = python
        self.folder = folder
        self._process = None

    def execute(self, context):
        with tempfile.TemporaryDirectory(prefix="mlopsctl-") as own:
            report = Path(own) / "report.json"
            code = self._call([*self._words(), "--report", str(report)], call_of(self.task_of_plan, context))
            told = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
        if code == SKIPPED:
            raise AirflowSkipException(told.get("problem", "skipped"))
        if code != 0:
            raise AirflowException(told.get("problem") or f"the step's process ended with code {code}")
        # Digests only: the artifacts are in the store.
        return told.get("outputs", {})

    def on_kill(self):
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)

    def _words(self):
        return [self.python, "-P", "-m", PROGRAM]

    def _call(self, words, told):
        self._process = subprocess.Popen(
            words,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )
        self._process.stdin.write(told)
        self._process.stdin.close()
        for line in self._process.stdout:
            self.log.info("%s", line.rstrip("\n"))
        return self._process.wait()


def in_pod(task, settings, **more):
    """Runs a step in a pod of Kubernetes."""
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from kubernetes.client import models

    class StepInPod(KubernetesPodOperator):
        """A step in a pod; nothing of it is a template."""

        template_fields = ()

        def execute(self, context):
            told = models.V1EnvVar(name="MLOPSCTL_CALL", value=call_of(task, context))
            self.env_vars = [*(self.env_vars or []), told]
            return super().execute(context)

    secrets = [
        models.V1EnvVar(
            name=name,
            value_from=models.V1EnvVarSource(
                secret_key_ref=models.V1SecretKeySelector(name=secret["name"], key=secret["key"])
            ),
        )
        for name, secret in sorted(settings["secrets"].items())
    ]
    return StepInPod(
        name=task["id"],
        image=task["image"],
        cmds=["python3", "-P", "-m", PROGRAM],
        namespace=settings["namespace"],
        service_account_name=settings["service_account"],
        node_selector=settings["node_selector"] or None,
        container_resources=models.V1ResourceRequirements(requests=task["requests"], limits=task["limits"]),
        env_vars=secrets,
        skip_on_exit_code=SKIPPED,
        get_logs=True,
        **more,
    )


def in_docker(task, settings, **more):
    """Runs a step in a container of Docker."""
    from airflow.providers.docker.operators.docker import DockerOperator

    class StepInDocker(DockerOperator):
        """A step in a container; nothing of it is a template."""

        template_fields = ()

        def execute(self, context):
            self.environment = {**(self.environment or {}), "MLOPSCTL_CALL": call_of(task, context)}
            return super().execute(context)

    return StepInDocker(
        image=task["image"],
        command=["python3", "-P", "-m", PROGRAM],
        network_mode=settings["network"],
        mount_tmp_dir=False,
        auto_remove="force",
        skip_on_exit_code=SKIPPED,
        **more,
    )


def operator(task, plan):
    """The task of the DAG for one task of the plan."""
    settings = plan["execution"]
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
        "doc_md": task["doc"] or None,
    }
    if task["queue"]:
        more["queue"] = task["queue"]
    if settings["kind"] == "kubernetes":
        return in_pod(task, settings, **more)
    if settings["kind"] == "docker":
        return in_docker(task, settings, **more)
    folder = settings["folder"] or str((PLAN.parent / plan["project_folder"]).resolve())
    python = settings["python"] or os.environ.get("MLOPSCTL_PYTHON") or "python3"
    return StepOnWorker(task=task, python=python, folder=folder, **more)


def schedule_of(plan):
    """When the DAG runs: cron in a time zone, new data, or only when somebody asks."""
    if plan["cron"]:
        return CronTriggerTimetable(plan["cron"]["expression"], timezone=plan["cron"]["timezone"])
    return [Asset(uri) for uri in plan["assets"]] or None


def build(plan):
    """The DAG that the plan describes."""
    dag = DAG(
        dag_id=plan["dag_id"],
        description=plan["description"] or None,
        schedule=schedule_of(plan),
        # Airflow 3 needs none, and so runs nothing at once for a time that is past.
        start_date=BEGINNING,
        catchup=False,
        max_active_runs=plan["max_active_runs"],
        params={name: Param(default=value) for name, value in plan["params"].items()},
        default_args={"owner": plan["owner"]},
        tags=plan["tags"],
        doc_md=plan["doc"] or None,
        is_paused_upon_creation=True,
    )
    with dag:
        made = {task["id"]: operator(task, plan) for task in plan["tasks"]}
        for task in plan["tasks"]:
            for before in task["upstream"]:
                made[before] >> made[task["id"]]
            if task["teardown"]:
                made[task["id"]].as_teardown()
    return dag


dag = build(json.loads(PLAN.read_text(encoding="utf-8")))
