"""The small file and the door between two commands."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.process import ProcessId
from mlopsctl.servers.door import knock, open_door
from mlopsctl.servers.example import example_content, example_request
from mlopsctl.servers.local import LocalServer
from mlopsctl.servers.scoring import other_versions
from mlopsctl.servers.spawn import tail
from mlopsctl.servers.state import FILE, Served, ServerState, read_state, write_state

ME = str(ProcessId.current())


def served(process: str = ME, **changes: object) -> Served:
    values: dict[str, object] = {
        "process": process, "digest": "sha256:0", "model": "/m", "port": 1, "door": "door-1", "started": 5, **changes,
    }  # fmt: skip
    return Served(**values)  # type: ignore[arg-type]


@given(st.text(), st.text(), st.integers(0, 65_535))
def test_a_state_is_read_as_it_was_written(model: str, door: str, port: int) -> None:
    model, door = (text.encode("utf-8", "replace").decode() for text in (model, door))
    state = ServerState((served(model=model, door=door), served(port=port)), port)
    with tempfile.TemporaryDirectory() as folder:
        write_state(Path(folder), state)
        assert read_state(Path(folder)) == state


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"processes": [{}], "port": 1}', b'{"processes": 3, "port": 1}', b"\xff"]
)
def test_a_damaged_state_is_no_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert read_state(tmp_path) == ServerState()


def test_a_state_with_a_strange_process_is_no_state(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        json.dumps({"port": 1, "processes": [{**dict.fromkeys(Served.__slots__, "1"), "process": "nonsense"}]})
    )
    assert read_state(tmp_path) == ServerState()


def test_a_process_of_another_boot_or_start_does_not_live() -> None:
    mine = ProcessId.current()
    other_boot = ProcessId("another-boot", mine.pid, mine.started)
    other_start = ProcessId(mine.boot, mine.pid, "1")
    state = ServerState(tuple(served(str(one)) for one in (other_boot, other_start, mine)), 7)
    assert state.living() == ServerState((served(),), 7)


def test_nothing_served_is_a_status_and_leaves_no_file(tmp_path: Path) -> None:
    server = LocalServer(tmp_path / "serve")
    assert not server.status().running
    server.stop()
    assert not (tmp_path / "serve").exists()


def test_a_stop_never_ends_a_process_that_only_has_the_number(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        now = ProcessId.of(bystander.pid)
        write_state(tmp_path, ServerState((served(str(ProcessId(now.boot, now.pid, "1"))),), 1))
        LocalServer(tmp_path).stop()
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    assert bystander.returncode == 0


@pytest.mark.parametrize("depth", [0, 8])
def test_a_door_is_for_this_user_only_however_deep_it_stands(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["a-folder-with-a-name"] * depth)
    folder.mkdir(parents=True, exist_ok=True)
    with open_door(folder / "door"):
        assert (folder / "door").stat().st_mode & 0o777 == 0o600


def test_nobody_opens_a_door_that_is_not_there(tmp_path: Path) -> None:
    assert knock(tmp_path / "door") is None
    (tmp_path / "door").write_text("not a socket")
    assert knock(tmp_path / "door") is None


def test_a_door_whose_keeper_sleeps_is_given_up(tmp_path: Path) -> None:
    with open_door(tmp_path / "door"):
        assert knock(tmp_path / "door", timeout=0.05) is None


def test_the_example_request_survives_the_shell(tmp_path: Path) -> None:
    table = {"columns": ["a b", "it's"], "data": [["O'Brien $(id) `x` \"", 1.5], ["second", None]]}
    (tmp_path / "serving_input_example.json").write_text(json.dumps({"dataframe_split": table}))
    words = shlex.split(example_request(tmp_path, "http://127.0.0.1:1234"))
    assert words[2] == "http://127.0.0.1:1234/invocations"
    assert json.loads(words[-1]) == {"dataframe_split": {"columns": table["columns"], "data": table["data"][:1]}}


def test_a_model_without_an_example_has_none(tmp_path: Path) -> None:
    assert example_content(tmp_path) is None
    (tmp_path / "serving_input_example.json").write_text("[]")
    assert example_content(tmp_path) is None


def test_the_tail_of_a_log_is_short_and_skips_empty_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_bytes(b"\xff\n\n" + b"".join(b"line %d\n" % number for number in range(100_000)))
    assert tail(log).splitlines() == [f"line {number}" for number in range(99_980, 100_000)]


def test_other_versions_than_the_models_are_said(tmp_path: Path) -> None:
    pinned = f"numpy=={version('numpy')}\npandas==0.1\nno-such-distribution==1\nscipy\n"
    (tmp_path / "requirements.txt").write_text(pinned)
    assert list(other_versions(str(tmp_path / "requirements.txt"))) == [
        f"the model was made with pandas 0.1, and runs with {version('pandas')}",
        "the model was made with no-such-distribution 1, which is not installed",
    ]
    assert list(other_versions(str(tmp_path / "nothing.txt"))) == []
