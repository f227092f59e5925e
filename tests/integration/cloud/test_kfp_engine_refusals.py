"""What a server, or what stands in its place, can refuse: it is said which call it was, to which host, what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("kfp", reason="kfp is not installed: requirements/cloud.txt")

from werkzeug.wrappers import Response

from mlopsctl.ground.errors import Problem
from mlopsctl.ground.patience import Patience
from mlopsctl.ground.redact import forget_secrets, redact
from mlopsctl.orchestrators.contract import Bundle, Schedule, Wanted
from mlopsctl.orchestrators.kfp.engine import KubeflowEngine
from mlopsctl.orchestrators.specs import Kubeflow
from tests.doubles.kfp import KfpDouble, serving
from tests.doubles.kfp_yaml import pipeline_yaml

pytestmark = pytest.mark.integration

NAME = "churn-prod"
BUNDLE = Bundle({"pipeline.yaml": pipeline_yaml()}, "pipeline.yaml")
WANTED = Wanted(NAME, "churn", "prod", BUNDLE, (Schedule(name=NAME, cron="0 3 * * *", version=BUNDLE.digest),))


class Waits:
    """How long was waited, without waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def patience(self) -> Patience:
        return Patience(sleep=self.seconds.append, chance=lambda: 1.0)


@pytest.fixture
def double() -> KfpDouble:
    return KfpDouble()


@pytest.fixture
def host(double: KfpDouble) -> Iterator[str]:
    with serving(double) as base:
        yield base


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def engine(host: str, waits: Waits) -> KubeflowEngine:
    return KubeflowEngine(Kubeflow(kind="kfp", host=host), waits.patience())


@pytest.fixture(autouse=True)
def no_secrets() -> Iterator[None]:
    yield
    forget_secrets()


def test_a_server_that_is_not_there_is_named(waits) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
    engine = KubeflowEngine(Kubeflow(kind="kfp", host=f"{host}/pipeline/"), waits.patience())
    with pytest.raises(Problem) as problem:
        engine.look(WANTED)
    (told,) = problem.value.diagnostics
    assert told.message == (
        f"cannot look for the pipeline {NAME}: {host}/pipeline cannot be reached: Connection refused (5 tries)"
    )
    assert "orchestrator.host" in told.hint


def test_a_host_without_an_address_is_said(waits) -> None:
    engine = KubeflowEngine(Kubeflow(kind="kfp", host="http://me:hidden@nowhere.invalid:1"), waits.patience())
    with pytest.raises(Problem, match=r"http://nowhere.invalid:1 cannot be reached: ") as problem:
        engine.look(WANTED)
    assert "hidden" not in str(problem.value)


@pytest.mark.parametrize("host", ["http://[", "http://:x", "https://@"])
def test_a_host_that_is_no_url_is_said(waits, host) -> None:
    with pytest.raises(Problem, match="cannot be reached") as problem:
        KubeflowEngine(Kubeflow(kind="kfp", host=host), waits.patience()).look(WANTED)
    assert "orchestrator.host" in problem.value.diagnostics[0].hint


def test_a_certificate_that_nobody_vouches_for_is_said(tmp_path: Path, waits) -> None:
    import subprocess
    import threading

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)

    from werkzeug.serving import make_server

    double = KfpDouble()
    server = make_server("127.0.0.1", 0, double, ssl_context=(str(certificate), str(key)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        settings = Kubeflow(kind="kfp", host=f"https://localhost:{server.server_port}")
        with pytest.raises(Problem, match="certificate") as problem:
            KubeflowEngine(settings, waits.patience()).look(WANTED)
        assert "orchestrator.certificates" in problem.value.diagnostics[0].hint
        assert waits.seconds == []
        trusting = settings.model_copy(update={"certificates": str(certificate)})
        assert not KubeflowEngine(trusting, waits.patience()).look(WANTED).exists
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_token_is_read_from_its_variable_and_told_nowhere(waits) -> None:
    double = KfpDouble(token="s3cret-bearer")
    with serving(double) as host:
        settings = Kubeflow(kind="kfp", host=host, token="KFP_TOKEN")
        engine = KubeflowEngine(settings, waits.patience(), {"KFP_TOKEN": "s3cret-bearer"})
        assert engine.deploy(WANTED)
        assert redact("Bearer s3cret-bearer") == "Bearer ***"
        for ambient, said in (({"KFP_TOKEN": "old"}, "401"), ({}, "the secret KFP_TOKEN is not set")):
            with pytest.raises(Problem, match=said) as problem:
                KubeflowEngine(settings, waits.patience(), ambient).look(WANTED)
            assert "KFP_TOKEN" in problem.value.diagnostics[0].hint
        with pytest.raises(Problem, match="401") as problem:
            KubeflowEngine(Kubeflow(kind="kfp", host=host), waits.patience()).look(WANTED)
        assert "orchestrator.token" in problem.value.diagnostics[0].hint
    assert waits.seconds == []


def test_a_token_in_a_file_is_read_again_for_every_call(tmp_path: Path, waits) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    double = KfpDouble(token="first")
    with serving(double) as host:
        settings = Kubeflow(kind="kfp", host=host, token="KFP_TOKEN")
        engine = KubeflowEngine(settings, waits.patience(), {"KFP_TOKEN_FILE": str(file)})
        engine.look(WANTED)
        double.token = "second"
        file.write_text("second\n")
        engine.look(WANTED)


def test_a_refusal_is_told_with_the_servers_words_and_not_tried_again(engine, double, waits) -> None:
    double.faults.refused("upload_pipeline_version", "pipelines.create")
    with pytest.raises(Problem, match=r"Permission 'pipelines\.create' denied") as problem:
        engine.deploy(WANTED)
    assert problem.value.diagnostics[0].id == "kfp-permission"
    assert waits.seconds == []


def test_a_pipeline_that_the_server_does_not_take_is_told_with_its_words(engine) -> None:
    broken = replace(WANTED, bundle=Bundle({"p.yaml": b"root: {dog: {}}\n"}, "p.yaml"))
    with pytest.raises(Problem, match=r"400: .*invalid pipeline spec"):
        engine.deploy(broken)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            lambda: Response("<html>Sign in</html>", content_type="text/html"),
            "something else than the API does: <html>",
        ),
        (
            lambda: Response("", 302, headers={"Location": "https://sso.example/login"}),
            "302: https://sso.example/login",
        ),
        (lambda: Response("<h1>no</h1>", 404), "answers 404"),
        (lambda: Response(b"\xff\xfe", 400), "answers 400"),
    ],
    ids=["page", "redirect", "missing", "bytes"],
)
def test_something_else_than_the_api_is_recognized(engine, double, page, said) -> None:
    double.page = page()
    with pytest.raises(Problem, match=said) as problem:
        engine.look(WANTED)
    assert problem.value.diagnostics[0].hint


def test_a_run_that_is_gone_is_said(engine) -> None:
    with pytest.raises(Problem, match=r"cannot read the run nope: .* answers 404"):
        engine.follow("nope")
