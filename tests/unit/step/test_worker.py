from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from mlopsctl.ground.interrupts import Interrupts
from mlopsctl.step.worker import FIXED, step_environment


def test_a_step_gets_the_fixed_environment_and_the_allowed_names_only() -> None:
    ambient = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "MLFLOW_TRACKING_TOKEN": "x", "OMP_NUM_THREADS": "8"}
    assert step_environment(ambient) == {"PATH": "/bin", **FIXED}
    assert FIXED["OMP_NUM_THREADS"] == "1"


def test_a_relative_python_path_keeps_its_meaning() -> None:
    path = step_environment({"PYTHONPATH": f"src{os.pathsep}/lib"})["PYTHONPATH"]
    assert path == f"{os.path.abspath('src')}{os.pathsep}/lib"


@pytest.fixture(autouse=True)
def as_in_a_terminal() -> Iterator[None]:
    """Whoever started the tests with `nohup`, or behind `&`, had some of these signals ignored."""
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_counted_and_handlers_restored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert interrupts.count == 2
        interrupts.drain()
    assert signal.getsignal(number) is before


def test_a_signal_that_was_ignored_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGHUP)
        assert interrupts.count == 0
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_inactive_interrupts_leave_signals_alone() -> None:
    with Interrupts(active=False) as interrupts:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.count == 0
