"""The double of Kubeflow Pipelines takes the vendor's own client as it is, and refuses what the server would refuse."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("kfp", reason="kfp is not installed: requirements/cloud.txt")

from tests.doubles.kfp import KfpDouble, serving
from tests.doubles.kfp_contract import contract
from tests.doubles.kfp_recurring import cron_problem
from tests.doubles.kfp_yaml import pipeline_yaml

pytestmark = pytest.mark.integration


@pytest.fixture
def double() -> KfpDouble:
    return KfpDouble()


@pytest.fixture
def host(double: KfpDouble) -> Iterator[str]:
    with serving(double) as base:
        yield base


def asked(host: str, path: str, body: object = None) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{host}/apis/{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["message"]


def test_the_contract_is_all_of_the_vendors_api() -> None:
    names = {operation.name for operation in contract().operations}
    assert len(names) == len(contract().operations) >= 40
    assert {"upload_pipeline_version", "recurring_run_service_disable_recurring_run"} <= names


def test_the_vendors_client_works_against_it_as_it_is(host, double, tmp_path: Path) -> None:
    import kfp

    file = tmp_path / "pipeline.yaml"
    file.write_bytes(pipeline_yaml())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = kfp.Client(host=host)
    pipeline = client.upload_pipeline(str(file), pipeline_name="churn", description="d")
    version = client.upload_pipeline_version(str(file), "v2", pipeline_name="churn")
    experiment = client.create_experiment("e")
    assert client.create_experiment("e").experiment_id == experiment.experiment_id
    where = {"pipeline_id": pipeline.pipeline_id, "version_id": version.pipeline_version_id}
    run = client.run_pipeline(experiment.experiment_id, "job", params={"rows": 4}, **where)
    double.runs.advance(run.run_id, load="SUCCEEDED")
    double.runs.end(run.run_id, "SUCCEEDED")
    assert client.wait_for_run_completion(run.run_id, 10).state == "SUCCEEDED"
    recurring = client.create_recurring_run(
        experiment.experiment_id, "nightly", cron_expression="0 0 3 * * *", max_concurrency=1, **where
    )
    client.disable_recurring_run(recurring.recurring_run_id)
    assert client.get_recurring_run(recurring.recurring_run_id).status == "DISABLED"
    assert [one.display_name for one in client.list_recurring_runs().recurring_runs] == ["nightly"]
    assert [one.display_name for one in client.list_runs(sort_by="created_at desc").runs] == ["job"]
    client.delete_recurring_run(recurring.recurring_run_id)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("v1beta1/runs", {}, 404, "Not Found"),
        ("v2beta1/runs", {"display_nam": "x"}, 400, "display_nam"),
        ("v2beta1/recurringruns", {"display_name": "x", "max_concurrency": "1", "mode": "ON"}, 400, "mode"),
        ("v2beta1/recurringruns", {"display_name": "x", "trigger": {"cron_schedule": {"cron": 5}}}, 400, "5 is not of"),
        ("v2beta1/experiments", {"description": "x"}, 400, "display_name: is required"),
        ("v2beta1/experiments", {"display_name": "x", "description": "d" * 256}, 500, "Data too long"),
        ("v2beta1/pipelines", {"name": "n" * 129}, 400, "cannot exceed 128"),
        ("v2beta1/pipelines?pagesize=5", None, 400, "pagesize: unknown query parameter"),
        ("v2beta1/pipelines?sort_by=color", None, 400, "Invalid sorting field"),
        ("v2beta1/pipelines?page_token=zzz", None, 400, "Invalid page token"),
        ("v2beta1/runs/none", None, 404, "run none not found"),
    ],
)
def test_it_refuses_what_the_server_would_refuse(host, path, body, status, said) -> None:
    found, message = asked(host, path, body)
    assert found == status
    assert said in message


def test_a_name_that_is_taken_is_a_conflict(host) -> None:
    assert asked(host, "v2beta1/pipelines", {"name": "churn"})[0] == 200
    assert asked(host, "v2beta1/pipelines", {"name": "Churn"})[0] == 409


@pytest.mark.parametrize("cron", ["TZ=Europe/Zurich 0 0 3 * * *", "CRON_TZ=UTC 0 0 3 * * *", "0 0 3 * * 7", "0 3 * *"])
def test_its_cron_is_the_servers(cron) -> None:
    assert cron_problem(cron)
    assert cron_problem("0 0 3 ? * MON-FRI") == ""
    assert cron_problem("@weekly") == ""


def test_an_answer_that_the_server_could_not_give_is_a_lie(host, double) -> None:
    double.handlers["healthz_service_get_healthz"] = lambda _: {"multi_user": "no"}
    status, message = asked(host, "v2beta1/healthz")
    assert status == 500
    assert "DOUBLE LIES" in message
