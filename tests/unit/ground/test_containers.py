from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlopsctl.ground.containers import Container, Engine, Mount, find_engine, remove_noted, run_container
from mlopsctl.ground.errors import StepProblem

IMAGE = "example.com/x@sha256:00"

# A docker that writes down how it was called, answers `info`, and ends `run` as the first word of the command says.
FAKE = """#!{python}
import json, sys
with open({calls!r}, "a") as stream:
    stream.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "info":
    print("[name=seccomp]")
    sys.exit({info})
if sys.argv[1] == "run":
    print("it broke", file=sys.stderr)
    sys.exit({run})
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def make(name: str = "docker", *, info: int = 0, run: int = 0) -> Path:
        calls = tmp_path / f"{name}.calls"
        program = programs / name
        program.write_text(FAKE.format(python=sys.executable, calls=str(calls), info=info, run=run))
        program.chmod(0o755)
        return calls

    return make


def called(calls: Path) -> list[list[str]]:
    return [json.loads(line) for line in calls.read_text().splitlines()]


def container(tmp_path: Path, **changes: object) -> Container:
    mounts = (Mount(tmp_path / "in", "/mlops/inputs/a"), Mount(tmp_path / "out", "/mlops/outputs/b", writable=True))
    return Container(IMAGE, ("Rscript", "x.R"), mounts, **changes)  # type: ignore[arg-type]


def test_a_container_sees_its_inputs_and_outputs_and_no_network(tmp_path: Path, engine: Callable[..., Path]) -> None:
    calls = engine()
    assert run_container(container(tmp_path), tmp_path, tmp_path).code == 0
    asked, words = called(calls)
    assert asked[0] == "info"
    assert words[-3:] == [IMAGE, "Rscript", "x.R"]
    assert words[words.index("--network") + 1] == "none"
    assert words[words.index("--cap-drop") + 1] == "ALL"
    assert [words[at + 1] for at, word in enumerate(words) if word == "--mount"] == [
        f"type=bind,source={tmp_path}/in,target=/mlops/inputs/a,readonly",
        f"type=bind,source={tmp_path}/out,target=/mlops/outputs/b",
    ]
    assert "--cpus" not in words
    assert list(tmp_path.glob(".container")) == [], "the note goes with the container"


def test_network_cores_and_memory_are_asked_for(tmp_path: Path) -> None:
    words = container(tmp_path, network=True, cpu=1.5, memory=1 << 30).words(Engine("docker", rootless=False), "name")
    assert "--network" not in words
    assert words[words.index("--cpus") + 1] == "1.5"
    assert words[words.index("--memory") + 1] == str(1 << 30)


def test_the_users_id_is_kept(tmp_path: Path) -> None:
    assert "--user" in container(tmp_path).words(Engine("docker", rootless=False), "name")
    assert "--user" not in container(tmp_path).words(Engine("docker", rootless=True), "name")
    podman = container(tmp_path).words(Engine("podman", rootless=True), "name")
    assert podman[podman.index("--userns") + 1] == "keep-id"


def test_podman_takes_over_where_docker_does_not_answer(tmp_path: Path, engine: Callable[..., Path]) -> None:
    engine("docker", info=1)
    engine("podman")
    assert find_engine() == Engine("podman", rootless=False)


def test_without_an_engine_it_is_said_what_to_do(engine: Callable[..., Path]) -> None:
    with pytest.raises(StepProblem, match="there is neither docker nor podman") as caught:
        find_engine()
    assert caught.value.diagnostics[0].hint


@pytest.mark.parametrize(("code", "told"), [(125, "docker cannot run"), (126, "executed"), (127, "executed")])
def test_the_engines_own_failures_are_told_apart(
    code: int, told: str, tmp_path: Path, engine: Callable[..., Path]
) -> None:
    engine(run=code)
    with pytest.raises(StepProblem, match=told):
        run_container(container(tmp_path), tmp_path, tmp_path)


def test_the_commands_failure_is_the_commands(tmp_path: Path, engine: Callable[..., Path]) -> None:
    engine(run=3)
    ended = run_container(container(tmp_path), tmp_path, tmp_path)
    assert (ended.code, ended.last_words) == (3, "it broke")


def test_a_noted_container_is_removed_and_other_notes_are_not_obeyed(
    tmp_path: Path, engine: Callable[..., Path]
) -> None:
    calls = engine()
    note = tmp_path / ".container"
    for text in ("rm mlopsctl-0123456789abcdef", "docker prod", "docker mlopsctl-0123456789abcdef --all", "\xff"):
        note.write_bytes(text.encode("latin-1"))
        remove_noted(tmp_path)
        assert not calls.exists()
    note.write_text("docker mlopsctl-0123456789abcdef")
    remove_noted(tmp_path)
    assert called(calls) == [["rm", "--force", "mlopsctl-0123456789abcdef"]]
    assert not note.exists()
    remove_noted(tmp_path)


def test_a_folder_with_a_comma_cannot_be_mounted(tmp_path: Path, engine: Callable[..., Path]) -> None:
    engine()
    wrong = Container(IMAGE, (), (Mount(tmp_path / "a,b", "/x"),))
    with pytest.raises(StepProblem, match="a comma"):
        run_container(wrong, tmp_path, tmp_path)
