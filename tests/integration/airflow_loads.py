"""For Airflow's own Python: loads the DAGs of a folder as Airflow does, and writes what it finds as JSON to stdout.

``python airflow_loads.py FOLDER``. Every task is rendered, and then executed up to the border: what would be started on
the worker, sent to Kubernetes or given to Docker is caught there. Written for Python 3.9 and later.
"""

from __future__ import annotations

import copy
import io
import json
import logging
import subprocess
import sys
import warnings
from datetime import datetime, timezone
from types import SimpleNamespace

warnings.simplefilter("ignore")

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # Airflow 2
    from airflow.models.dagbag import DagBag
try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # Airflow 2
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

STARTED = []


class Started:
    """Stands in for a process, and keeps what it was told."""

    def __init__(self, words, cwd, **_):
        self.words, self.cwd = [str(word) for word in words], str(cwd)
        self.stdin, self.stdout = io.StringIO(), io.StringIO()
        self.stdin.close = lambda: None
        STARTED.append(self)

    def wait(self):
        return 0

    poll = wait


def catch_at_the_border():
    """Nothing leaves this process: operators give back what they would start."""
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from airflow.providers.docker.operators.docker import DockerOperator
    from kubernetes.client import ApiClient

    def pod(self, context):
        return ApiClient().sanitize_for_serialization(self.build_pod_request_obj(None))

    def container(self, context):
        return {
            "image": self.image,
            "command": self.command,
            "environment": self.environment,
            "network": self.network_mode,
            "xcom": self.do_xcom_push,
        }

    subprocess.Popen = Started
    KubernetesPodOperator.execute = pod
    KubernetesPodOperator.hook = SimpleNamespace(is_in_cluster=True)
    DockerOperator.execute = container


def task(dag, operator):
    """What Airflow makes of a task."""
    context = {"params": dag.params.dump(), "run_id": "manual__2026-01-05T00:00:00+00:00", "dag": dag, "task": operator}
    before = repr(sorted(vars(operator).items(), key=str))
    operator.render_template_fields(context, dag.get_template_env())
    left = {
        "class": type(operator).__name__,
        "template_fields": [*operator.template_fields, *operator.template_ext],
        "unchanged": before == repr(sorted(vars(operator).items(), key=str)),
        "upstream": sorted(operator.upstream_task_ids),
        "trigger_rule": str(getattr(operator.trigger_rule, "value", operator.trigger_rule)),
        "pool": operator.pool,
        "queue": operator.queue,
        "owner": operator.owner,
    }
    STARTED.clear()
    done = copy.copy(operator).execute(context)
    if STARTED:
        process = STARTED[0]
        done = {"words": process.words, "cwd": process.cwd, "told": process.stdin.getvalue()}
    return {**left, "done": done}


def main(folder):
    from airflow.timetables.base import TimeRestriction

    logging.disable(logging.CRITICAL)
    bag = DagBag(folder)
    found = {"errors": {str(name): str(error) for name, error in bag.import_errors.items()}, "dags": {}}
    logging.disable(logging.CRITICAL)
    stored = {name: json.dumps(DagSerialization.to_dict(dag), default=str) for name, dag in bag.dags.items()}
    catch_at_the_border()
    for name, dag in bag.dags.items():
        # As the API server and the scheduler read it back.
        read = DagSerialization.from_dict(json.loads(stored[name]))
        now = datetime.now(timezone.utc)  # noqa: UP017 (its Python may be older)
        first = read.timetable.next_dagrun_info(
            last_automated_data_interval=None, restriction=TimeRestriction(dag.start_date, None, False)
        )
        found["dags"][name] = {
            "starts_in_the_past": first is not None and first.run_after <= now,
            "description": dag.description,
            "doc": dag.doc_md,
            "tags": sorted(dag.tags),
            "params": dag.params.dump(),
            "tasks": {one.task_id: task(dag, one) for one in dag.tasks},
        }
    json.dump(found, sys.__stdout__)


if __name__ == "__main__":
    main(sys.argv[1])
