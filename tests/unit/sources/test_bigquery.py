"""BigQuery as it is written: names, the text of queries, what stands in the key, and where problems are told."""

from __future__ import annotations

import json
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlopsctl.components.ingest import IngestParameters
from mlopsctl.config.load import load_project
from mlopsctl.delivery.make import _costs
from mlopsctl.delivery.plan import StepPlan
from mlopsctl.delivery.refresh import _fingerprints
from mlopsctl.ground.errors import InvalidProject, StepProblem
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.pipeline.ir import Step
from mlopsctl.sources import BigQuery
from mlopsctl.sources.bigquery import Asked
from mlopsctl.sources.bigquery_names import TableId, table_id
from mlopsctl.sources.bigquery_reading import size
from mlopsctl.sources.bigquery_text import bare, exporting, kept_rows, name, no_select, numbers, text, tokens, unseen
from mlopsctl.step.key import Surroundings, key_material, step_key
from mlopsctl.tables.bigquery import Fingerprinted

INSTALLED = {found.name for found in distributions()}


def _source(**written: Any) -> BigQuery:
    return BigQuery.model_validate(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("shop.sales", TableId("", "shop", "sales")),
        ("shop-prod.shop.sales", TableId("shop-prod", "shop", "sales")),
        ("example.com:shop-prod.shop.sales", TableId("example.com:shop-prod", "shop", "sales")),
        ("shop.Umsätze 2024-01", TableId("", "shop", "Umsätze 2024-01")),
        ("sales", None),
        ("a.b.c.d", None),
        ("shop.", None),
        ("shop.sales$20240101", None),
        ("shop.sales_*", None),
        ("shop.sales`; DROP TABLE x; --", None),
        ("shop.sales\\", None),
        ("shop.sales'", None),
        ("shop.sales\n", None),
        ("shop/../x.sales", None),
        ("Shop.shop.sales", None),
    ],
)
def test_a_table_has_two_names_or_three(written: str, read: TableId | None) -> None:
    assert table_id(written) == read
    if read is None:
        with pytest.raises(ValidationError, match=r"no table of BigQuery"):
            _source(table=written)
    else:
        assert _source(table=written).table == written == str(read)
        assert str(read.within("other")).endswith(".".join((read.dataset, read.table)))


@pytest.mark.parametrize(
    "written",
    [
        {"project": "Shop"},
        {"project": "shop/../other"},
        {"project": "shop' OR 1"},
        {"location": "EU; DROP"},
        {"location": ""},
        {"export": "s3://bucket/x"},
        {"export": "gs://b/x"},
        {"export": "gs://bucket/../x"},
        {"export": "gs://bucket/x/*.parquet"},
        {"export": "gs://bucket/x', overwrite = true) AS SELECT 1; --"},
        {"export": "/tmp/x"},
        {"max_bytes_billed": 0},
        {"version": ""},
    ],
)
def test_names_that_could_mean_more_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _source(table="shop.sales", **written)


def test_a_folder_in_a_bucket_may_end_with_a_slash() -> None:
    assert _source(table="shop.sales", export="gs://shop-exports/a/b_c/").export == "gs://shop-exports/a/b_c"


@pytest.mark.parametrize(
    ("sql", "without"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1;", "SELECT 1"),
        ("SELECT 1 ; ; -- all\n/* of it */ # yes", "SELECT 1"),
        ("SELECT ';' -- ;", "SELECT ';'"),
        ("SELECT '''a'b;''';", "SELECT '''a'b;'''"),
        ('SELECT r"\\";";', 'SELECT r"\\";"'),
        ("SELECT `a;b`;", "SELECT `a;b`"),
        ("-- nothing", ""),
    ],
)
def test_what_ends_a_query_is_taken_off(sql: str, without: str) -> None:
    assert bare(sql) == without


@given(st.text(alphabet=st.sampled_from("SELECT 1;'\"`\\-#/*\n\trb@.,()äx"), max_size=60))
def test_any_text_has_tokens_and_what_was_bare_stays_so(sql: str) -> None:
    ends = [token.end for token in tokens(sql)]
    assert ends == sorted(ends)
    assert bare(bare(sql)) == bare(sql)
    assert isinstance(unseen(sql) + no_select(sql), str)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1", "(SELECT 1)", "with a AS (SELECT 1) SELECT * FROM a", "FROM shop.sales |> WHERE x > 1;",
        "/* a */ SELECT 1 -- b",
    ],
)  # fmt: skip
def test_a_select_is_one(sql: str) -> None:
    assert no_select(sql) == ""


@pytest.mark.parametrize(
    "sql",
    ["", ";", "DROP TABLE a.b", "SELECT 1; SELECT 2", "BEGIN SELECT 1; END", "EXPORT DATA AS SELECT 1", "'SELECT'"],
)
def test_anything_else_is_none(sql: str) -> None:
    assert no_select(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CURRENT_DATE()", "SELECT current_timestamp", "SELECT rand ( )", "SELECT SESSION_USER()",
        "SELECT * FROM EXTERNAL_QUERY('c', 'q')", "SELECT * FROM t TABLESAMPLE SYSTEM (1 PERCENT)",
        "SELECT * FROM ML.PREDICT(MODEL a.m, TABLE a.t)", "SELECT AI.GENERATE('x')", "SELECT * FROM `a.b_*`",
        "SELECT * FROM `p.region-eu.INFORMATION_SCHEMA.JOBS`", "SELECT * FROM a.__TABLES__",
    ],
)  # fmt: skip
def test_what_changes_unseen_is_found(sql: str) -> None:
    assert unseen(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT t.current_date FROM a.t", "SELECT 1 AS current_date", "SELECT 'CURRENT_DATE()'", "-- RAND()\nSELECT 1",
        "SELECT rand FROM a.t", "SELECT `CURRENT_DATE` FROM a.t", 'SELECT """RAND()""", r\'RAND()\'',
        "SELECT ml FROM a.t", "SELECT x.ml.y FROM a.t AS x", "SELECT * FROM a.t FOR SYSTEM_TIME AS OF '2024-01-01'",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_let_through(sql: str) -> None:
    assert unseen(sql) == ""


def test_the_rows_of_used_buckets_are_asked_for_by_bound_numbers() -> None:
    split = Fingerprinted("a`b", 10, ((0, 4), (7, 8)))
    assert kept_rows("SELECT 1", split, ["row_", "ROW_0"]) == (
        "SELECT * FROM (\nSELECT 1\n) AS row_1\n"
        "WHERE MOD(ABS(FARM_FINGERPRINT(CAST(row_1.`a\\U00000060b` AS STRING))), @mlopsctl_buckets)"
        " BETWEEN @mlopsctl_from_0 AND @mlopsctl_to_0"
        " OR MOD(ABS(FARM_FINGERPRINT(CAST(row_1.`a\\U00000060b` AS STRING))), @mlopsctl_buckets)"
        " BETWEEN @mlopsctl_from_1 AND @mlopsctl_to_1"
    )
    assert numbers(split) == {
        "mlopsctl_buckets": 10, "mlopsctl_from_0": 0, "mlopsctl_to_0": 4, "mlopsctl_from_1": 7, "mlopsctl_to_1": 8,
    }  # fmt: skip
    whole = kept_rows("SELECT 1", Fingerprinted(None, 2, ((0, 0),)), [])
    assert "FARM_FINGERPRINT(TO_JSON_STRING(row_))" in whole


@given(st.text(max_size=40))
def test_no_name_and_no_text_ends_early(written: str) -> None:
    for made, kind in ((name(written), "quoted"), (text(written), "string")):
        assert [(token.kind, token.text) for token in tokens(made)] == [(kind, made)]


def test_an_export_names_its_files() -> None:
    assert exporting("SELECT 1", "gs://b1c/x/*.parquet") == (
        "EXPORT DATA OPTIONS (uri = 'gs://b1c/x/*.parquet', format = 'PARQUET', overwrite = false) AS\nSELECT 1"
    )


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (12_400_000_000, "12.4 GB"), (10**12, "1.0 TB")],
)
def test_amounts_are_told_in_powers_of_ten(count: int, told: str) -> None:
    assert size(count) == told


def _project(folder: Path, **source: Any) -> None:
    written = {"kind": "bigquery", "query": "SELECT * FROM shop.sales", **source}
    lines = "".join(f"      {key}: {json.dumps(value)}\n" for key, value in written.items())
    head = "version: 1\nname: p\ndata:\n  sales:\n    split: {kind: farm_fingerprint, buckets: 10, train: 0-5, "
    (folder / "mlops.yaml").write_text(f"{head}validation: 6, test: 8}}\n    source:\n{lines}")


def _ingest(folder: Path) -> Step:
    return next(step for step in data_steps(load_project(folder)) if step.component == "ingest")


def test_what_may_be_spent_and_where_files_lie_are_not_in_the_key(tmp_path: Path) -> None:
    def key(digest: str = "sha256:1", **source: Any) -> str:
        _project(tmp_path, **source)
        step = _ingest(tmp_path)
        assert isinstance(IngestParameters.model_validate(step.parameters).source, BigQuery)
        around = Surroundings(
            sources=dict.fromkeys(step.sources.values(), digest), packages=dict.fromkeys(step.packages, "1")
        )
        return step_key(key_material(step, {}, around))

    assert key() == key(max_bytes_billed=10**9, export="gs://shop-exports/x", location="EU", project="shop-prod")
    assert key() != key("sha256:2")


def test_the_plan_asks_with_the_split_and_tells_what_a_run_would_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Fingerprinted | None] = []

    def asked(self: BigQuery, split: Fingerprinted | None = None) -> Asked:
        seen.append(split)
        return Asked("sha256:1", "the query would read 12.4 GB")

    monkeypatch.setattr(BigQuery, "asked", asked)
    _project(tmp_path)
    step = _ingest(tmp_path)
    sources, costs = _fingerprints(load_project(tmp_path), tmp_path / "memo")
    (uri,) = step.sources.values()
    assert sources == {uri: "sha256:1"}
    assert seen == [Fingerprinted(None, 10, ((0, 6), (8, 8)))]
    around = Surroundings(sources=sources, costs=costs)
    assert around.digest == Surroundings(sources=sources).digest
    assert list(_costs([StepPlan(step, ("new",))], around)) == ["ingest-sales: the query would read 12.4 GB"]
    assert list(_costs([StepPlan(step, (), skipped="no")], around)) == []


@pytest.mark.parametrize(("id", "line"), [("over-budget", 9), ("bad-query", 8)])
def test_a_problem_is_told_at_the_line_it_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, id: str, line: int
) -> None:
    def asked(self: BigQuery, split: Fingerprinted | None = None) -> Asked:
        raise StepProblem.because(id, "no", hint="do")

    monkeypatch.setattr(BigQuery, "asked", asked)
    _project(tmp_path, max_bytes_billed=5)
    with pytest.raises(InvalidProject) as caught:
        _fingerprints(load_project(tmp_path), tmp_path / "memo")
    (told,) = caught.value.diagnostics
    assert told.span is not None
    assert (told.span.line, told.hint) == (line, "do")


@pytest.mark.skipif("google-cloud-bigquery" in INSTALLED, reason="Google's client of BigQuery is installed here")
def test_without_the_client_the_package_to_install_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="google-cloud-bigquery is not installed") as caught:
        _source(table="shop.sales").read(tmp_path)
    assert "mlopsctl[gcp]" in caught.value.diagnostics[0].hint
    with pytest.raises(StepProblem, match="google-cloud-bigquery is not installed"):
        _source(table="shop.sales").asked()
