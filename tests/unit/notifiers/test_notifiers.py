"""What is told, to whom, and that whoever cannot be told changes nothing."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from mlopsctl.ground.errors import StepProblem
from mlopsctl.notifiers import FileNotifier, Notifier, PubSubNotifier, WebhookNotifier
from mlopsctl.notifiers.events import Happening
from mlopsctl.notifiers.post import post
from mlopsctl.notifiers.tell import tell

FAILED = Happening("gate_failed", "demo", "prod", "2026-01-02T03:04:05+00:00", "run-1", "gate", "floor", "fail", "0.5")


def test_the_payload_has_every_key_always() -> None:
    keys = {"event", "project", "environment", "run", "step", "name", "verdict", "reason", "time"}
    assert FAILED.payload().keys() == keys
    assert Happening("drift", "demo", "prod", "t").payload().keys() == keys


def test_a_file_gets_a_line_an_event(tmp_path: Path) -> None:
    notifier = FileNotifier(kind="file", path="told/events.jsonl")
    assert tell([notifier], [FAILED, FAILED], tmp_path) == ()
    lines = (tmp_path / "told" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["floor", "floor"]


def _append(folder: Path) -> None:
    for _ in range(200):
        FileNotifier(kind="file", path="events.jsonl").send(FAILED, folder)


def test_lines_of_several_writers_do_not_mix(tmp_path: Path) -> None:
    writers = [multiprocessing.get_context("fork").Process(target=_append, args=(tmp_path,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert len(lines) == 800
    assert {json.loads(line)["event"] for line in lines} == {"gate_failed"}


def test_only_the_events_that_are_wanted_are_told(tmp_path: Path) -> None:
    notifier = FileNotifier(kind="file", path="events.jsonl", events=("run_failed",))
    assert tell([notifier], [FAILED], tmp_path) == ()
    assert not (tmp_path / "events.jsonl").exists()


def test_who_cannot_be_told_is_noted_and_the_others_are_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    bad = FileNotifier(kind="file", path="taken/events.jsonl")
    good = FileNotifier(kind="file", path="events.jsonl")
    (said,) = tell([bad, good], [FAILED], tmp_path)
    assert said.startswith("gate_failed was not told: ")
    assert (tmp_path / "events.jsonl").exists()


def test_a_notifier_is_read_from_the_project_file() -> None:
    adapter: TypeAdapter[Notifier] = TypeAdapter(Notifier)
    read = adapter.validate_python(
        {"kind": "webhook", "url": {"secret": "HOOK"}, "headers": {"X": "y"}, "sign": {"secret": "KEY"}}
    )
    assert isinstance(read, WebhookNotifier)
    topic = adapter.validate_python({"kind": "pubsub", "topic": "projects/p/topics/t"})
    assert isinstance(topic, PubSubNotifier)
    assert not read.not_yet


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "http://127.0.0.2/hook",
        "http://[::ffff:127.0.0.1]/hook",
        "http://2130706433/hook",
        "http://0x7f.1/hook",
        "http://localhost.example.com/hook",
        "ftp://example.com/hook",
        "file:///etc/passwd",
        "https://user:word@example.com/hook",
        "https:///hook",
        "https://example.com:99999/hook",
        "gopher://127.0.0.1",
        "//example.com",
        "",
    ],
)
def test_a_url_that_is_not_a_plain_https_host_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(StepProblem, match="failed"):
        post(url, b"{}", {})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("metadata.example.com", "169.254.169.254"),
        ("rebound.example.com", "127.0.0.1"),
        ("mapped.example.com", "::ffff:127.0.0.1"),
        ("link.example.com", "fe80::1"),
        ("nowhere.example.com", "0.0.0.0"),
        ("many.example.com", "224.0.0.1"),
    ],
)
def test_a_name_that_leads_to_this_machine_or_its_link_is_refused(
    host: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 443))])
    with pytest.raises(StepProblem, match="not a host outside"):
        post(f"https://{host}/hook", b"{}", {})


def test_a_problem_names_the_host_and_never_the_path_of_a_webhook() -> None:
    with pytest.raises(StepProblem) as caught:
        post("http://example.com/services/T0/token-in-the-path", b"{}", {})
    assert "example.com" in str(caught.value)
    assert "token" not in str(caught.value)


def test_a_secret_url_leads_only_to_hosts_on_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    notifier = WebhookNotifier.model_validate(
        {"kind": "webhook", "url": {"secret": "HOOK"}, "hosts": ["hooks.example.com"]}, strict=False
    )
    sent: list[str] = []
    monkeypatch.setattr("mlopsctl.notifiers.webhook.post", lambda url, body, headers: sent.append(url))
    monkeypatch.setenv("HOOK", "https://HOOKS.example.com/token")
    notifier.send(FAILED, Path())
    monkeypatch.setenv("HOOK", "https://hooks.example.com.evil.example/token")
    with pytest.raises(StepProblem, match="not among `hosts`") as raised:
        notifier.send(FAILED, Path())
    assert "token" not in str(raised.value)
    assert sent == ["https://HOOKS.example.com/token"]
