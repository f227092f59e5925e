"""The portability table: what each property comes to on each engine, and what is refused at its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.portability.machines import ACCELERATORS, shape
from mlopsctl.orchestrators.portability.table import Support
from mlopsctl.orchestrators.portability.whole import portability
from tests.unit.orchestrators.ir.compiled import STORES, command, emitted, project, rows

NATIVE, EMULATED, REFUSED = Support.NATIVE, Support.EMULATED, Support.REFUSED
TRAINED: dict[str, Any] = {
    "data": {"rows": {"source": {"kind": "csv", "uri": "gs://b/rows.csv"}, "label": "y"}},
    "training": {"task": "classification", "targets": {"t": {"kind": "sklearn", "estimator": "sklearn.svm.SVC"}}},
    "evaluation": {"gates": [{"name": "g", "kind": "threshold", "metric": "accuracy", "min": 0.5}]},
}
SCHEDULED = {"triggers": [{"kind": "schedule", "cron": "0 3 * * 1"}]}
LOCAL_RECORDS = {"stores": {**STORES, "metadata": "sqlite:///.mlops/metadata.db"}}


def refused(folder: Path, name: str, **given: Any) -> str:
    """Why a property is refused; the compiler says the same at the property's line."""
    loaded = project(folder, **given)
    row = rows(loaded)[name]
    assert row.support is REFUSED, row
    with pytest.raises(InvalidProject) as raised:
        emitted(loaded)
    (told,) = (one for one in raised.value.diagnostics if one.message.startswith(f"{name}: "))
    assert told.id == "not-portable"
    assert told.span == row.span is not None
    assert told.hint
    return row.how


def support(folder: Path, name: str, **given: Any) -> Support:
    return rows(project(folder, **given))[name].support


def test_a_project_on_this_machine_has_no_table(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text("version: 1\nname: p\ndata: {d: {source: {kind: csv, uri: a.csv}}}\n")
    loaded = load_project(tmp_path)
    assert portability(loaded, lower(loaded)) == ()


@pytest.mark.parametrize("engine", ["kfp", "vertex"])
@pytest.mark.parametrize(
    ("url", "expected"),
    [("gs://b/a", NATIVE), ("/mnt/store", EMULATED), ("file:///mnt/store", EMULATED)],
)
def test_artifacts_lie_where_containers_reach_them(tmp_path: Path, engine: str, url: str, expected: Support) -> None:
    found = support(
        tmp_path, "stores.artifacts", engine=engine, stores={"artifacts": url}, components={"one": command()}
    )
    assert found is expected


@pytest.mark.parametrize("stores", [{}, {"artifacts": "../store"}])
def test_artifacts_on_this_machine_are_refused(tmp_path: Path, stores: dict[str, str]) -> None:
    assert "on this machine" in refused(tmp_path, "stores.artifacts", stores=stores, components={"one": command()})


def test_tracking_matters_only_where_a_model_is_registered(tmp_path: Path) -> None:
    stores = {"artifacts": "gs://b/a"}
    assert "stores.tracking" not in rows(project(tmp_path, stores=stores, components={"one": command()}))
    assert "registers" in refused(tmp_path, "stores.tracking", stores=stores, **TRAINED)


def test_records_on_this_machine_are_refused_only_for_scheduled_runs_that_look_them_up(tmp_path: Path) -> None:
    assert support(tmp_path, "stores.metadata", **TRAINED, **LOCAL_RECORDS) is EMULATED
    plain = {"components": {"one": command()}, **SCHEDULED, **LOCAL_RECORDS}
    assert support(tmp_path, "stores.metadata", **plain) is EMULATED
    assert "champion" in refused(tmp_path, "stores.metadata", **TRAINED, **SCHEDULED, **LOCAL_RECORDS)
    database = {"stores": {**STORES, "metadata": "postgresql+psycopg://db.example.com/r"}}
    assert support(tmp_path, "stores.metadata", **TRAINED, **SCHEDULED, **database) is EMULATED


@pytest.mark.parametrize(
    ("source", "name", "expected", "said"),
    [
        ({"kind": "csv", "uri": "gs://b/a.csv"}, "uri", NATIVE, "reads gs://b/a.csv"),
        ({"kind": "csv", "uri": "data/a.csv"}, "uri", EMULATED, "the image must hold data/a.csv"),
        ({"kind": "csv", "uri": "../a.csv"}, "uri", EMULATED, "outside the project's folder"),
        ({"kind": "parquet", "uri": "/data/a"}, "uri", EMULATED, "mounted"),
        ({"kind": "sql", "url": "sqlite:///a.db", "table": "t"}, "url", EMULATED, "the image must hold a.db"),
        ({"kind": "sql", "url": "postgresql+psycopg://h/d", "table": "t"}, "", NATIVE, "asks the database"),
        ({"kind": "bigquery", "table": "d.t"}, "", NATIVE, "BigQuery"),
        ({"kind": "duckdb", "query": "SELECT 1 FROM a", "files": {"a": "a.csv"}}, "files.a", EMULATED, "a.csv"),
    ],
)
def test_data_is_read_where_it_lies(
    tmp_path: Path, source: dict[str, Any], name: str, expected: Support, said: str
) -> None:
    row = rows(project(tmp_path, data={"d": {"source": source}}))[".".join(filter(None, ("data.d.source", name)))]
    assert row.support is expected
    assert said in row.how


def test_parameters_are_passed_with_their_types(tmp_path: Path) -> None:
    found = rows(project(tmp_path, parameters={"n": 1, "t": "a"}, components={"one": command()}))
    assert (found["parameters.n"].how, found["parameters.t"].how) == ("NUMBER_INTEGER", "STRING")


@pytest.mark.parametrize(
    ("value", "engine", "said"),
    [
        (2**53 + 1, "kfp", "binary64"),
        ("a {{$.x}}", "kfp", "placeholder"),
        ("a {{workflow.x}}", "vertex", "placeholder"),
        ("$$(HOME)", "kfp", "placeholder"),
    ],
)
def test_parameters_that_would_change_on_their_way_are_refused(
    tmp_path: Path, value: Any, engine: str, said: str
) -> None:
    given = {"parameters": {"p": value}, "components": {"one": command()}}
    assert said in refused(tmp_path, "parameters.p", engine=engine, **given)


def test_parameters_that_decide_what_is_compiled_are_refused_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "rows.py").write_text("def load():\n    return None\n")
    source = {"kind": "python", "entrypoint": "${parameters.code}"}
    loaded = project(tmp_path, parameters={"code": "rows:load"}, data={"d": {"source": source}})
    found = [row for row in portability(loaded, lower(loaded)) if row.name == "parameters.code"]
    assert [row.support for row in found] == [NATIVE, REFUSED]
    assert found[1].span == loaded.span(("data", "d", "source", "entrypoint"))


def test_text_around_a_parameter_is_filled_in_by_the_step(tmp_path: Path) -> None:
    one = command(parameters={"t": "day ${parameters.p}"})
    row = rows(project(tmp_path, parameters={"p": "a"}, components={"one": one}))["one.parameters.t"]
    assert row.support is EMULATED
    assert "day ${parameters.p}" in row.how


def test_secrets_come_from_kubernetes_or_not_at_all(tmp_path: Path) -> None:
    given: dict[str, Any] = {"components": {"one": command(parameters={"t": {"secret": "TOKEN"}})}}
    settings = {"secrets": {"TOKEN": {"name": "s", "key": "k"}}}
    assert support(tmp_path, "secret TOKEN", settings=settings, **given) is NATIVE
    assert "do not have it" in refused(tmp_path, "secret TOKEN", **given)
    assert "no secrets" in refused(tmp_path, "secret TOKEN", engine="vertex", **given)


def test_the_records_secret_is_needed_by_scheduled_runs_alone(tmp_path: Path) -> None:
    given = {**TRAINED, "stores": {**STORES, "metadata": {"secret": "RECORDS"}}}
    assert "secret RECORDS" not in rows(project(tmp_path, **given))
    refused(tmp_path, "secret RECORDS", **given, **SCHEDULED)


@pytest.mark.parametrize(("engine", "expected"), [("kfp", NATIVE), ("vertex", EMULATED)])
def test_timeouts(tmp_path: Path, engine: str, expected: Support) -> None:
    found = support(tmp_path, "components.one.timeout", engine=engine, components={"one": command(timeout="15m")})
    assert found is expected


def test_a_pause_of_more_than_an_hour_is_refused(tmp_path: Path) -> None:
    retry = {"attempts": 1, "delay": "2h"}
    refused(tmp_path, "components.one.retry.delay", components={"one": command(retry=retry)})
    short = {"one": command(retry={"attempts": 1, "delay": "60m"})}
    assert support(tmp_path, "components.one.retry", components=short) is NATIVE


def test_conditions_are_native_and_what_never_runs_is_recorded(tmp_path: Path) -> None:
    components = {"one": command(when="${parameters.on}"), "two": command(when=False)}
    found = rows(project(tmp_path, parameters={"on": True}, components=components))
    assert found["components.one.when"].support is NATIVE
    assert "2.17" in found["components.one.when"].how
    assert found["components.two.when"].support is EMULATED


def resources(**asked: Any) -> dict[str, Any]:
    return {"components": {"one": command(resources=asked)}}


def test_machines(tmp_path: Path) -> None:
    found = rows(project(tmp_path, **resources(cpu=2, memory="4Gi", accelerators={"nvidia.com/gpu": 1})))
    for name in ("cpu", "memory", "accelerators.nvidia.com/gpu"):
        assert found[f"components.one.resources.{name}"].support is NATIVE


@pytest.mark.parametrize(
    ("engine", "accelerators", "name", "said"),
    [
        ("kfp", {"nvidia-tesla-t4": 1}, ".nvidia-tesla-t4", "how the cluster calls"),
        ("vertex", {"gpu": 1}, ".gpu", "no accelerator 'gpu'"),
        ("vertex", {"nvidia-l4": 0}, ".nvidia-l4", "0 accelerators"),
        ("kfp", {"a/b": 1, "a/c": 1}, "", "one kind"),
    ],
)
def test_accelerators_that_nobody_knows_are_refused(
    tmp_path: Path, engine: str, accelerators: dict[str, int], name: str, said: str
) -> None:
    path = f"components.one.resources.accelerators{name}"
    assert said in refused(tmp_path, path, engine=engine, **resources(accelerators=accelerators))


def test_a_container_in_a_container_is_refused(tmp_path: Path) -> None:
    run = {"kind": "container", "image": f"r.example.com/x@sha256:{'1' * 64}"}
    refused(tmp_path, "components.one.run", components={"one": command(run=run)})


def test_packages_are_installed_when_the_step_starts(tmp_path: Path) -> None:
    pinned = ["numpy==2.0.0"]
    given = {"requirements": pinned, "components": {"one": command(requirements=pinned)}}
    found = rows(project(tmp_path, **given))
    assert found["requirements"].support is found["components.one.requirements"].support is EMULATED


def test_checks_and_gates_are_decided_by_the_steps(tmp_path: Path) -> None:
    found = rows(project(tmp_path, **TRAINED))
    assert found["evaluation.gates"].support is EMULATED
    assert "champion" in found["evaluation"].how


@pytest.mark.parametrize("kind", ["data", "drift", "metric"])
def test_triggers_of_other_kinds_are_decided_by_trigger_check(tmp_path: Path, kind: str) -> None:
    trigger = {"kind": kind, **({"metric": "accuracy", "min": 0.5} if kind == "metric" else {"dataset": "rows"})}
    given = {**TRAINED, "triggers": [trigger]}
    if kind == "drift":
        check = {"name": "c", "kind": "drift", "column": "a", "metric": "psi", "max": 0.1, "against": "train"}
        given["data"] = {"rows": {**TRAINED["data"]["rows"], "checks": [check]}}
    row = rows(project(tmp_path, **given))["triggers.0"]
    assert row.support is EMULATED
    assert "trigger check" in row.how


def test_a_schedule_in_another_time_zone_than_kubeflows_server_is_refused(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "components": {"one": command()},
        "triggers": [{"kind": "schedule", "cron": "0 3 * * 1", "timezone": "Europe/Berlin"}],
    }
    assert "Europe/Berlin" in refused(tmp_path, "triggers.0.timezone", **given)
    assert support(tmp_path, "triggers.0", settings={"timezone": "Europe/Berlin"}, **given) is NATIVE
    assert support(tmp_path, "triggers.0", engine="vertex", **given) is NATIVE


def test_notifiers(tmp_path: Path) -> None:
    given: dict[str, Any] = {"components": {"one": command()}}
    hook = [{"kind": "webhook", "url": "https://hooks.example.com"}]
    assert support(tmp_path, "notify.0", notify=hook, **given) is NATIVE
    assert "container" in refused(tmp_path, "notify.0", notify=[{"kind": "file", "path": "n.jsonl"}], **given)


def test_a_local_server_is_kept_by_the_machine_that_applies(tmp_path: Path) -> None:
    row = rows(project(tmp_path, **TRAINED, deployment={"server": {"kind": "mlflow"}}))["deployment.server"]
    assert row.support is EMULATED
    assert "the machine that applies" in row.how


@pytest.mark.parametrize(
    ("image", "settings", "by_apply"),
    [(None, {}, True), ("r.example.com/x:1", {}, True), ("r.example.com/x:1", {"allow_tags": True}, False)],
)
def test_an_image_that_is_not_pinned_is_refused_by_apply_alone(
    tmp_path: Path, image: str | None, settings: dict[str, Any], by_apply: bool
) -> None:
    loaded = project(tmp_path, settings={"image": image, **settings}, components={"one": command()})
    row = rows(loaded)["orchestrator.image"]
    assert (row.support is REFUSED, row.by_apply) == (by_apply, by_apply)
    assert emitted(loaded)


def test_settings_are_listed_with_what_becomes_of_them(tmp_path: Path) -> None:
    settings = {"caching": True, "service_account": "a", "node_selector": {"a": "b"}, "experiment": "e"}
    found = rows(project(tmp_path, settings=settings, components={"one": command()}))
    assert {f"orchestrator.{name}" for name in settings} <= found.keys()


def test_a_machine_type_is_its_cores_and_memory() -> None:
    assert shape("n1-standard-4") == (4, 15 << 30)
    assert shape("e2-highmem-8") == (8, 64 << 30)
    assert shape("c2-highmem-4") is shape("unknown") is shape("x9-standard-4") is None
    assert all(name == name.upper() for name in ACCELERATORS)
