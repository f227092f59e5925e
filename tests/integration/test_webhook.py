"""The webhook notifier against a real server on the loopback address: signed, repeated, never redirected."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import SecretRef
from mlopsctl.notifiers import WebhookNotifier
from mlopsctl.notifiers.events import Happening
from mlopsctl.notifiers.post import post
from mlopsctl.notifiers.webhook import SIGNATURE
from tests.integration.cloud.hearing import Heard, hearing

FAILED = Happening("run_failed", "demo", "prod", "2026-01-02T03:04:05+00:00", "run-1", "train-a", reason="no luck")


@pytest.fixture
def heard() -> Iterator[Heard]:
    with hearing() as listening:
        yield listening


def test_the_body_is_the_payload_with_its_headers_and_signature(
    heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "Bearer very-secret-token")
    monkeypatch.setenv("KEY", "the-key-of-the-signature")
    notifier = WebhookNotifier(
        kind="webhook",
        url=heard.url,
        headers={"Authorization": SecretRef(secret="TOKEN")},
        sign=SecretRef(secret="KEY"),
    )
    notifier.send(FAILED, tmp_path)
    assert heard.events == [dict(FAILED.payload())]
    assert heard.headers[0]["Authorization"] == "Bearer very-secret-token"
    wanted = hmac.new(b"the-key-of-the-signature", heard.bodies[0], hashlib.sha256).hexdigest()
    assert heard.headers[0][SIGNATURE] == f"sha256={wanted}"


def test_a_busy_server_is_asked_again(heard: Heard) -> None:
    heard.answers = [503, 429]
    post(heard.url, b'{"n":1}', {}, pause=0.01)
    assert heard.events == [{"n": 1}]
    assert len(heard.bodies) == 3


def test_a_server_that_stays_busy_is_named_after_three_tries(heard: Heard) -> None:
    heard.answers = [500] * 5
    with pytest.raises(StepProblem, match=r"POST to 127\.0\.0\.1 failed: it answered 500 .*\(3 of 3 tries\)"):
        post(heard.url, b"{}", {}, pause=0.01)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_not_repeated(heard: Heard, status: int) -> None:
    heard.answers = [status]
    with pytest.raises(StepProblem, match=f"it answered {status}"):
        post(heard.url, b"{}", {}, pause=0.01)
    assert len(heard.bodies) == 1


def test_a_redirect_is_not_followed(heard: Heard) -> None:
    heard.answers = [307]
    with pytest.raises(StepProblem, match="a redirect, which is not followed"):
        post(heard.url, b"{}", {"Authorization": "Bearer x"}, pause=0.01)
    assert len(heard.bodies) == 1


def test_nobody_listening_is_told_with_the_host() -> None:
    with pytest.raises(StepProblem, match="cannot be reached"):
        post("http://127.0.0.1:9/hook", b"{}", {}, pause=0.01)


def test_no_proxy_is_asked(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    post(heard.url, b'{"n":2}', {})
    assert heard.events == [{"n": 2}]


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1", "0", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_other_spellings_of_this_machine_reach_nobody(heard: Heard, scheme: str, host: str) -> None:
    port = heard.url.split(":")[2].partition("/")[0]
    with pytest.raises(StepProblem):
        post(f"{scheme}://{host}:{port}/hook", b"{}", {}, pause=0.01)
    assert heard.bodies == []
