"""What is said when a call comes to nothing, and how long is waited; without the vendor's client."""

from __future__ import annotations

import importlib.util
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.errors import Problem
from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.contract import Bundle, Wanted
from mlopsctl.orchestrators.kfp.engine import KubeflowEngine
from mlopsctl.orchestrators.kfp.problems import answered, not_the_api, problem, shown_host
from mlopsctl.orchestrators.kfp.things import Recurring, Version, milliseconds
from mlopsctl.orchestrators.specs import Kubeflow

pytestmark = pytest.mark.unit

SETTINGS = Kubeflow(kind="kfp", host="https://me:secret@kfp.example:8888/pipeline/", token="KFP_TOKEN", namespace="ml")


@pytest.mark.skipif(importlib.util.find_spec("kfp") is not None, reason="kfp is installed here")
def test_where_the_client_is_not_installed_it_is_said_how_to_install_it() -> None:
    engine = KubeflowEngine(SETTINGS, ambient={"KFP_TOKEN": "t"})
    with pytest.raises(Problem) as told:
        engine.look(Wanted("churn", "churn", "prod", Bundle({}, "")))
    (diagnostic,) = told.value.diagnostics
    assert (diagnostic.id, diagnostic.hint) == ("kfp-not-installed", "pip install 'mlopsctl[kfp]'")


@pytest.mark.parametrize(
    ("status", "id", "advice"),
    [
        (401, "kfp-credentials", "KFP_TOKEN"), (403, "kfp-permission", "namespace ml"),
        (404, "kfp-not-found", "without /apis"), (302, "kfp-credentials", "orchestrator.token"),
        (429, "kfp-quota", "later"), (503, "kfp-busy", "again"), (400, "kfp-refused", "log"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_call_the_host_and_what_to_do(status: int, id: str, advice: str) -> None:
    body = json.dumps({"error": "no", "message": "the server's words", "code": 3, "details": []})
    told = problem("list runs", SETTINGS, answered(status, body, {"Location": "https://sso"}), 1).diagnostics[0]
    assert told.message.startswith(f"cannot list runs: https://kfp.example:8888/pipeline answers {status}: ")
    assert ("the server's words" in told.message) == (status != 302)
    assert told.id == id
    assert advice in told.hint
    assert "secret@" not in told.message + told.hint


def test_the_servers_words_are_found_in_each_of_its_forms() -> None:
    assert answered(400, '{"error_message": "bad file", "error_details": "…"}', {}).said == "bad file"
    assert answered(502, "<html><body>Bad Gateway</body></html>", {}).said == ""
    assert answered(400, "plain", {}).said == "plain"


def test_only_whole_seconds_are_taken_from_retry_after() -> None:
    assert answered(429, "", {"Retry-After": "7"}).asked == 7.0
    assert answered(429, "", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}).asked == 0.0


def test_control_characters_of_a_server_reach_no_terminal() -> None:
    told = problem("list runs", SETTINGS, answered(400, '{"message": "a\\u001b[2Jb"}', {}))
    assert "\x1b" not in str(told)
    assert "\x1b" not in str(not_the_api("list runs", SETTINGS, "\x1b[2J"))


@given(st.text())
def test_a_shown_host_has_no_credentials(text: str) -> None:
    assert "hidden" not in shown_host("https://me:hidden@host" + text.replace("@", "").replace("hidden", ""))


@given(st.integers(1, 9), st.floats(0, 1e6), st.floats(0, 1))
def test_a_pause_is_within_its_limits(tried: int, asked: float, chance: float) -> None:
    waited: list[float] = []
    Patience(sleep=waited.append, chance=lambda: chance).pause(tried, asked)
    assert min(asked, 60.0) <= waited[0] <= 60.0
    assert waited[0] >= 0.25


def test_things_are_read_though_the_server_leaves_out_what_is_empty() -> None:
    empty = Recurring.read({})
    assert (empty.cron, empty.most, empty.paused, empty.mark, empty.catches_up) == ("", 0, True, None, True)
    assert Version.read({"display_name": "v1"}).name == "v1"
    assert Recurring.read({"max_concurrency": 3}).most == Recurring.read({"max_concurrency": "3"}).most == 3
    assert milliseconds("1970-01-01T00:00:01Z") == 1000
    assert milliseconds("soon") == milliseconds("") == 0
