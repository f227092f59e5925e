"""docker, podman and buildah: the exact words they get, and what becomes of what they say."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from mlopsctl.delivery.images.engines import ImageEngine, find_image_engine
from mlopsctl.ground.errors import StepProblem, UsageProblem
from mlopsctl.ground.own_package import OwnPackage
from mlopsctl.lowering.image_context import ImageContext

DIGEST = "sha256:" + "ab" * 32
TAG = "a.example:5000/team/things:mlopsctl-0123"
CONTEXT = ImageContext(
    files=(),
    generated={},
    arguments={"SOURCE_DATE_EPOCH": "315532800", "BASE": "$(id) --privileged"},
    platform="linux/amd64",
    package=OwnPackage("1.2.3", released=True),
    digest=DIGEST,
)

# A tool that writes down its words, says something, and does what the test asks for.
_TOOL = """#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word" >> {folder}/words; done; printf '\\n' >> {folder}/words
case "$1" in info) {info};; esac
for word in "$@"; do if [ "$last" = --digestfile ]; then echo {digest} > "$word"; fi; last="$word"; done
case "$1 $2" in "image inspect") echo '{inspected}'; exit 0;; esac
{does}
"""


class Tools:
    """Stand-ins for the tools, in a folder that alone is on the PATH beside the shell's own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def have(
        self,
        *names: str,
        does: str = "echo building",
        info: str = "exit 0",
        digest: str = DIGEST,
        inspected: str = "[]",
    ) -> None:
        for name in names:
            path = self.folder / name
            text = _TOOL.format(folder=self.folder, does=does, info=info, digest=DIGEST, inspected=inspected)
            path.write_text(text)
            path.chmod(stat.S_IRWXU)

    @property
    def calls(self) -> list[list[str]]:
        lines = (self.folder / "words").read_text().splitlines()
        return [line.split("\0")[:-1] for line in lines]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    return Tools(tmp_path, monkeypatch)


def test_the_first_that_answers_is_taken(tools: Tools) -> None:
    tools.have("docker", info="echo no daemon >&2; exit 1")
    tools.have("podman", "buildah")
    assert find_image_engine().name == "podman"
    assert find_image_engine("buildah").name == "buildah"


def test_without_any_it_says_what_those_said_that_do_not_answer(tools: Tools) -> None:
    with pytest.raises(StepProblem, match="there is neither docker, podman nor buildah"):
        find_image_engine()
    with pytest.raises(StepProblem, match="there is no podman"):
        find_image_engine("podman")
    tools.have("docker", info="echo starting >&2; echo is the daemon running? >&2; exit 1")
    with pytest.raises(StepProblem, match=r"docker: is the daemon running\?"):
        find_image_engine()


def test_another_tool_is_a_slip_of_the_command_line() -> None:
    with pytest.raises(UsageProblem, match="no engine '--help'"):
        find_image_engine("--help")


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("docker", []),
        ("podman", ["--timestamp", "315532800"]),
        ("buildah", ["--layers", "--timestamp", "315532800"]),
    ],
)
def test_a_build_gets_a_list_of_words_and_no_shell(tools: Tools, tmp_path: Path, name: str, more: list[str]) -> None:
    tools.have(name)
    said: list[str] = []
    folder = tmp_path / "a folder"
    ImageEngine(name).build(folder, TAG, CONTEXT, said.append)
    assert tools.calls == [
        [
            "build", "--file", f"{folder}/.mlopsctl/Dockerfile", "--tag", TAG, "--platform", "linux/amd64",
            "--label", f"dev.mlopsctl.context={DIGEST}", "--build-arg", "BASE=$(id) --privileged",
            "--build-arg", "SOURCE_DATE_EPOCH=315532800", *more, str(folder),
        ]
    ]  # fmt: skip
    assert said == ["building"]


def test_a_failed_build_says_its_last_words_harmlessly(tools: Tools, tmp_path: Path) -> None:
    tools.have("podman", does="for n in 1 2 3 4 5 6; do echo line $n; done; printf '\\033[2Jpassed\\n' >&2; exit 3")
    with pytest.raises(StepProblem) as caught:
        ImageEngine("podman").build(tmp_path, TAG, CONTEXT, lambda line: None)
    message = caught.value.diagnostics[0].message
    assert message.endswith(r"line 4 | line 5 | line 6 | \x1b[2Jpassed")
    assert "line 3" not in message


@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_a_push_reads_the_digest_that_the_tool_wrote(tools: Tools, name: str) -> None:
    tools.have(name)
    assert ImageEngine(name).push(TAG, lambda line: None) == DIGEST
    assert tools.calls[0][0] == "push"
    assert tools.calls[0][-1] == TAG


def test_docker_is_asked_for_the_digest_under_the_pushed_name(tools: Tools) -> None:
    other = "sha256:" + "cd" * 32
    tools.have("docker", inspected=json.dumps([f"b.example/x@{other}", f"a.example:5000/team/things@{DIGEST}"]))
    assert ImageEngine("docker").push(TAG, lambda line: None) == DIGEST


@pytest.mark.parametrize("inspected", ["[]", "null", "no json", '["b.example/x@sha256:12"]'])
def test_a_push_without_a_digest_is_no_push(tools: Tools, inspected: str) -> None:
    tools.have("docker", inspected=inspected)
    with pytest.raises(StepProblem, match="does not say its digest"):
        ImageEngine("docker").push(TAG, lambda line: None)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("unauthorized: authentication required", "`podman login a.example:5000`"),
        ("denied: requested access to the resource is denied", "`podman login a.example:5000`"),
        ("dial tcp: lookup a.example: no such host", "a.example:5000 can be reached"),
        ("500 Internal Server Error", "push again"),
    ],
)
def test_a_push_that_fails_says_what_to_do(tools: Tools, said: str, hint: str) -> None:
    tools.have("podman", does=f"echo '{said}' >&2; exit 125")
    with pytest.raises(StepProblem, match="podman cannot push") as caught:
        ImageEngine("podman").push(TAG, lambda line: None)
    assert said in caught.value.diagnostics[0].message
    assert hint in caught.value.diagnostics[0].hint


def test_an_interrupt_ends_the_tool(tools: Tools, tmp_path: Path) -> None:
    tools.have("podman", does=f"echo $$ > {tmp_path}/pid; echo begun; exec sleep 60")

    def interrupt(line: str) -> None:
        assert line == "begun"
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ImageEngine("podman").build(tmp_path, TAG, CONTEXT, interrupt)
    assert time.monotonic() - begun < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIG_DFL)
