"""Names, labels and steps of pipeline jobs, and the settings that a job cannot have."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.orchestrators.contract import Bundle, Wanted
from mlopsctl.orchestrators.specs.vertex import Vertex
from mlopsctl.orchestrators.vertex import jobs, schedules
from mlopsctl.orchestrators.vertex.schedules import Found

pytestmark = pytest.mark.unit

SETTINGS: dict[str, Any] = {
    "kind": "vertex",
    "project": "p",
    "location": "europe-west4",
    "pipeline_root": "gs://b/root",
}


def wanted(name: str = "churn", main: bytes = b"{}", **parameters: Json) -> Wanted:
    return Wanted(name, "churn", "prod", Bundle({"pipeline.yaml": main}, "pipeline.yaml"), parameters=parameters)


def test_a_runs_job_has_the_runs_id() -> None:
    assert jobs.job_id(wanted(), "20261121T203000-abc123") == "churn-20261121t203000-abc123"


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_run_has_an_id_that_the_service_takes(name: str, run: str) -> None:
    assert re.fullmatch(r"[a-z][-a-z0-9]{0,126}", jobs.job_id(wanted(name), run))


@given(st.lists(st.text(alphabet="ab_-. ", min_size=1), min_size=2, max_size=2, unique=True))
def test_different_runs_have_different_jobs(runs: list[str]) -> None:
    first, second = (jobs.job_id(wanted(), run) for run in runs)
    assert first != second


@given(st.text())
def test_every_text_has_a_label_that_the_service_takes(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", jobs.as_label(text))


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_different_texts_have_different_labels(texts: list[str]) -> None:
    first, second = map(jobs.as_label, texts)
    assert first != second


@given(st.text(max_size=300), st.integers(14, 128))
def test_a_shortened_text_fits(text: str, longest: int) -> None:
    assert len(jobs.shortened(text, longest)) <= longest


def test_a_file_that_is_no_mapping_is_no_pipeline() -> None:
    for main in (b"- 1", b"a: 1\n---\nb: 2\n", b"{", b"\x00"):
        with pytest.raises(StepProblem, match="not one YAML document"):
            jobs.pipeline_spec(wanted(main=main))


def test_steps_are_found_in_groups_and_ours_are_not_steps() -> None:
    def runs(id: str) -> dict[str, Any]:
        return {"container": {"args": ["--step", json.dumps({"step": {"id": id}}), "--job", "x"]}}

    spec = {
        "root": {
            "dag": {
                "tasks": {
                    "mlopsctl-steps": {"componentRef": {"name": "comp-mlopsctl-steps"}},
                    "mlopsctl-end": {"componentRef": {"name": "comp-end"}},
                }
            }
        },
        "components": {
            "comp-mlopsctl-steps": {
                "dag": {
                    "tasks": {
                        "mlopsctl-begin": {"componentRef": {"name": "comp-end"}},
                        "ingest-sales": {"componentRef": {"name": "comp-ingest"}},
                        "train": {"componentRef": {"name": "comp-train-when"}},
                    }
                }
            },
            "comp-train-when": {
                "dag": {
                    "tasks": {
                        "mlopsctl-then": {"componentRef": {"name": "comp-then"}},
                        "mlopsctl-else": {"componentRef": {"name": "comp-end"}},
                    }
                }
            },
            "comp-then": {"dag": {"tasks": {"mlopsctl-run": {"componentRef": {"name": "comp-train"}}}}},
            "comp-ingest": {"executorLabel": "exec-ingest"},
            "comp-train": {"executorLabel": "exec-train"},
            "comp-end": {"executorLabel": "exec-end"},
        },
        "deploymentSpec": {
            "executors": {
                "exec-ingest": runs("ingest_sales"),
                "exec-train": runs("train"),
                "exec-end": {"container": {"args": ["--run", "{}"]}},
            }
        },
    }
    assert dict(jobs._steps(spec)) == {"ingest-sales": "ingest_sales", "train": "train"}


@pytest.mark.parametrize(
    "strange", [{}, {"root": 1}, {"root": {"dag": {"tasks": {"a": 1}}}}, {"components": {"x": None}}]
)
def test_a_pipeline_that_is_not_ours_has_no_steps(strange: dict[str, Any]) -> None:
    assert dict(jobs._steps(strange)) == {}


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("TZ=Europe/Berlin 0 3 * * *", ("0 3 * * *", "Europe/Berlin")),
        ("CRON_TZ=UTC 0 3 * * *", ("0 3 * * *", "UTC")),
        ("0 3 * * *", ("0 3 * * *", "UTC")),
        ("TZ=UTC 0 0 * * 0", ("@weekly", "UTC")),
    ],
)
def test_a_time_is_told_in_the_words_of_the_project(cron: str, told: tuple[str, str]) -> None:
    message: Any = SimpleNamespace(cron=cron)
    assert Found("id", "name", "", message).times("@weekly") == told


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"labels": {"Team": "a"}}, "Team: a is no label"),
        ({"labels": {"team": "A B"}}, "team: A B is no label"),
        ({"labels": {"mlopsctl-run": "x"}}, "belong to mlopsctl"),
        ({"labels": {"vertex-ai-pipelines-run-billing-id": "x"}}, "belong to Vertex AI"),
        ({"encryption_key": "projects/p/locations/us/keyRings/r/cryptoKeys/k"}, "not in the location"),
        ({"reserved_ip_ranges": ["r"]}, "are of a network"),
        ({"network": "default"}, "should match pattern"),
        ({"api_endpoint": "https://evil.example"}, "should match pattern"),
        ({"api_endpoint": "https://evil.example/googleapis.com"}, "should match pattern"),
        ({"api_endpoint": "http://example.googleapis.com"}, "should match pattern"),
        ({"pipeline_root": "/tmp/x"}, "should match pattern"),
    ],
)
def test_settings_that_no_job_can_have_are_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Vertex(**{**SETTINGS, **more})


@pytest.mark.parametrize("url", ["https://europe-west4-aiplatform.googleapis.com", "https://x-ab.p.googleapis.com"])
def test_private_addresses_of_google_are_taken(url: str) -> None:
    assert Vertex(**SETTINGS, api_endpoint=url).api_endpoint == url


def test_every_nickname_has_five_fields() -> None:
    from mlopsctl.ground.cron import NICKNAMES, cron_problem

    for nickname in NICKNAMES:
        assert cron_problem(schedules.five_fields(nickname)) == ""
        assert schedules.five_fields(nickname) != nickname
