from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlopsctl.ground.process import ProcessId, children, descendants, kill_tree

PYTHON = sys.executable
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and a subreaper")


def test_a_process_knows_itself_and_its_identity_survives_text() -> None:
    me = ProcessId.current()
    assert me.pid == os.getpid()
    assert me.alive()
    assert ProcessId.parse(str(me)) == me


def test_another_process_with_the_same_number_is_not_the_same_process() -> None:
    me = ProcessId.current()
    assert not ProcessId(me.boot, me.pid, me.started + "0").alive()
    assert not ProcessId("another boot", me.pid, me.started).alive()


def test_a_process_that_ended_is_not_alive_even_before_it_was_waited_for() -> None:
    child = subprocess.Popen([PYTHON, "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessId.of(child.pid)
    assert identity.alive()
    child.kill()
    deadline = time.monotonic() + 10
    while identity.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not identity.alive(), "a zombie is not alive"
    child.communicate()
    assert not identity.alive()
    with pytest.raises(ProcessLookupError):
        ProcessId.of(child.pid)


@pytest.mark.parametrize("text", ["", "a/b", "a/b/c"])
def test_other_text_is_no_identity(text: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        ProcessId.parse(text)


def test_a_name_with_brackets_and_spaces_does_not_confuse(tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to(PYTHON)
    with subprocess.Popen([odd, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in children(os.getpid())
        child.kill()


def test_a_tree_is_found_and_killed_although_it_ignores_term() -> None:
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STUBBORN!r}])"
    with subprocess.Popen([PYTHON, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        (grandchild,) = descendants(parent.pid)
        identity = ProcessId.of(grandchild)
        assert kill_tree(parent.pid, grace=0.2) == ()
        assert not identity.alive()
        # The parent obeyed TERM; the grandchild needed KILL.
        assert parent.wait() == -signal.SIGTERM


def test_a_tree_that_obeys_is_not_killed() -> None:
    script = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print(1, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([PYTHON, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert kill_tree(child.pid, grace=20) == ()
        assert child.wait() == 7


def test_killing_who_is_gone_is_no_error() -> None:
    child = subprocess.Popen([PYTHON, "-c", ""])
    child.wait()
    assert kill_tree(child.pid, grace=0) == ()


@linux
def test_a_subreaper_ends_a_daemon_in_a_session_of_its_own() -> None:
    daemon = f"""
import os, subprocess, sys
left = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], start_new_session=True, stdout=subprocess.PIPE)
left.stdout.readline()
os._exit(0)
"""
    script = f"""
import os, subprocess, sys
from mlopsctl.ground.process import become_subreaper, descendants, end_descendants
assert become_subreaper()
subprocess.run([sys.executable, "-c", {daemon!r}], check=True)
(left,) = descendants(os.getpid())
assert end_descendants(grace=0.1) == ()
try:
    os.kill(left, 0)
except ProcessLookupError:
    print("gone")
"""
    ran = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False, timeout=30
    )
    assert ran.stdout == "gone\n", ran.stderr


@linux
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_child_dies_with_its_parent_also_when_it_asks_too_late(when: str) -> None:
    script = f"""
import os, signal, time
from mlopsctl.ground.process import die_with_parent
parent = os.getpid()
reading, writing = os.pipe()
if os.fork() == 0:
    if {when == "after"}:
        while os.getppid() == parent: time.sleep(0.01)
    die_with_parent(signal.SIGKILL, parent)
    os.write(writing, b"x")
    time.sleep(600)
if {when == "before"}:
    os.read(reading, 1)
os._exit(0)
"""
    # The pipe of stdout closes only when the last process is gone.
    subprocess.run([PYTHON, "-c", script], stdout=subprocess.PIPE, check=True, timeout=30)
