"""Preflight against the real scoring server: good models, bad ones, servers that die or hang."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pickle
import sys
import time
from pathlib import Path

import pytest

from mlopsctl.components import preflight
from mlopsctl.components.preflight import PreflightParameters
from mlopsctl.evidence import INFRA_BLESSING_FILE, InfraBlessing, Verdict, read
from mlopsctl.frameworks import packed
from mlopsctl.ground.process import children
from mlopsctl.registry import package
from tests.integration.packed_models import Made, make_examples, make_model, make_work, repacked

# Behaves in this process, and as told in a server's.
MODULE = """
import sys, time
import numpy as np

SERVED = sys.argv[0].endswith("scoring.py")


class Odd:
    def __init__(self, habit):
        self.habit = habit

    def __setstate__(self, state):
        self.__dict__.update(state)
        if SERVED and self.habit == "dies":
            raise OSError("no licence file on this machine")
        if SERVED and self.habit == "hangs":
            time.sleep(60)

    def predict(self, numbers):
        return np.zeros(len(numbers), dtype=int)

    def predict_proba(self, numbers):
        if SERVED and self.habit == "refuses":
            raise ValueError("cannot do this here")
        share = 0.25 if SERVED and self.habit == "differs" else 0.75
        return np.tile([share, 1 - share], (len(numbers), 1))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    return make_model(folder / "model", make_examples(folder / "examples"))


def odd(made: Made, folder: Path, habit: str) -> Made:
    """The model with an estimator of the user's own, shipped in its ``code/``."""
    (folder / "odd_estimator.py").write_text(MODULE)
    found = importlib.util.spec_from_file_location("odd_estimator", folder / "odd_estimator.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["odd_estimator"] = module
    try:
        found.loader.exec_module(module)
        estimator = pickle.dumps(module.Odd(habit), protocol=5)
    finally:
        del sys.modules["odd_estimator"]
    return repacked(made, folder / "odd", {"estimator.pkl": estimator, "code/odd_estimator.py": MODULE.encode()})


def preflighted(made: Made, folder: Path, **parameters: float) -> InfraBlessing:
    work = make_work(made, folder, "infra_blessing")
    before = children(os.getpid())
    notes = preflight.run(work, PreflightParameters(**parameters))  # type: ignore[arg-type]
    found = read(InfraBlessing, work.outputs["infra_blessing"], INFRA_BLESSING_FILE)
    assert found.model == made.digest
    assert notes.values["verdict"] == found.verdict.value
    assert children(os.getpid()) == before, "a server is left"
    return found


def test_a_good_model_passes_with_its_latency(made: Made, tmp_path: Path) -> None:
    found = preflighted(made, tmp_path, samples=6, latency_p95_ms=10_000)
    assert found.verdict is Verdict.PASS, found.reason
    assert found.samples == 6
    assert found.largest_difference is not None
    assert found.largest_difference <= 1e-9
    assert found.latency_p50_ms is not None
    assert found.latency_p95_ms is not None
    assert found.startup_ms is not None
    assert 0 < found.latency_p50_ms <= found.latency_p95_ms < 10_000


@pytest.mark.parametrize(("p95", "verdict"), [(49.9, Verdict.PASS), (50.0, Verdict.PASS), (50.1, Verdict.FAIL)])
def test_a_model_may_take_as_long_as_is_allowed_and_no_longer(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, p95: float, verdict: Verdict
) -> None:
    times = [1.0] * 18 + [p95, 9_999.0]
    monkeypatch.setattr(preflight, "_serving", lambda *_: contextlib.nullcontext((1, 2.0)))
    monkeypatch.setattr(preflight, "_ask", lambda *_: preflight._Asked(0.0, times))
    found = preflighted(made, tmp_path, latency_p95_ms=50.0)
    assert found.verdict is verdict
    assert (found.latency_p50_ms, found.latency_p95_ms, found.startup_ms) == (1.0, p95, 2.0)
    if verdict is Verdict.FAIL:
        assert found.reason == "the server is too slow: p95 is 50.1 ms, 50 ms is allowed"


def test_a_model_that_cannot_be_loaded_is_an_error_and_starts_no_server(made: Made, tmp_path: Path) -> None:
    begun = time.monotonic()
    found = preflighted(repacked(made, tmp_path / "m", {"estimator.pkl": b"\x80\x05corrupt"}), tmp_path)
    assert found.verdict is Verdict.ERROR
    assert found.reason.startswith("the model cannot be loaded or asked: UnpicklingError")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("habit", "verdict", "reason"),
    [
        ("dies", Verdict.ERROR, "no licence file on this machine"),
        ("differs", Verdict.FAIL, "row 1: the server answers probability_Adelie 0.25, the model predicts 0.75"),
        ("refuses", Verdict.FAIL, "the server refuses row 1: 400"),
    ],
)
def test_a_model_is_judged_by_what_it_does_when_served(
    made: Made, tmp_path: Path, habit: str, verdict: Verdict, reason: str
) -> None:
    found = preflighted(odd(made, tmp_path, habit), tmp_path)
    assert reason in found.reason
    assert found.verdict is verdict


def test_a_server_that_never_comes_up_is_an_error_and_is_ended(made: Made, tmp_path: Path) -> None:
    begun = time.monotonic()
    found = preflighted(odd(made, tmp_path, "hangs"), tmp_path, startup_timeout=1.5)
    assert found.verdict is Verdict.ERROR
    assert "took too long to start" in found.reason
    assert time.monotonic() - begun < 40


def test_a_signature_that_real_rows_do_not_meet_fails(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = package.signature

    def wrong(types, answers):  # type: ignore[no-untyped-def]
        import pyarrow as pa

        return right(types.append(pa.field("height", pa.float64())), answers)

    real = package._natural
    monkeypatch.setattr(package, "signature", wrong)
    monkeypatch.setattr(package, "_natural", lambda rows: real(rows).assign(height=1.0))
    found = preflighted(made, tmp_path)
    assert found.verdict is Verdict.FAIL
    assert "the server refuses row 1: 400" in found.reason
    assert "height" in found.reason


def test_a_model_that_guesses_a_missing_column_fails(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def optional(types, answers):  # type: ignore[no-untyped-def]
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, DataType, Schema

        given = [ColSpec(package._incoming(field.type), field.name, required=False) for field in types]
        return ModelSignature(inputs=Schema(given), outputs=Schema([ColSpec(DataType.string, "prediction")]))

    guessing = "        frame = frame.assign(**dict.fromkeys(missing, 1.0))\n        if False:\n"
    loader = Path(packed.__file__).read_text(encoding="utf-8").replace("        if missing:\n", guessing)
    (tmp_path / "packed.py").write_text(loader, encoding="utf-8")
    monkeypatch.setattr(packed, "__file__", str(tmp_path / "packed.py"))
    monkeypatch.setattr(package, "signature", optional)
    found = preflighted(made, tmp_path)
    assert found.verdict is Verdict.FAIL
    assert "a request without the column age is answered with 200" in found.reason
