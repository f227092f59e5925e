"""Runs builds of Cloud Build for real: its triggers, substitutions, secrets and steps, each step with what its own
container would have. The machine, git and the commands are real; installing is left out.

    with builds() as cloud:
        cloud.repository.write({"mlops.yaml": "…"}); cloud.repository.commit("first")
        (build,) = cloud.push()
        ran = cloud.run(build)
        assert ran.ok, ran
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.workflow_runner import REPOSITORY, ROOT, Workflows, workflows

_SECONDS = 1200
_PROJECT = "p-1234"
_SUBSTITUTION = re.compile(r"\$\$|\$\{(?P<braced>\w+)\}|\$(?P<plain>[A-Z_][A-Z0-9_]*)", re.ASCII)
# What the image of the stages does not have, as far as it matters here.
_NOT_IN_THE_IMAGE = re.compile(r"git.*|apt.*|python.*|pip.*|mlopsctl")


@dataclass(frozen=True)
class Build:
    """One build that an event asks for; one that waits for an approval does not start by itself."""

    name: str
    file: str
    commit: str
    waits: bool
    given: Mapping[str, str]


@dataclass(frozen=True)
class Ran:
    """A build that ended: how each step ended that was started, and everything printed."""

    ok: bool
    steps: Mapping[str, int]
    text: str
    home: Path

    def __str__(self) -> str:
        return f"ok={self.ok} {json.dumps(self.steps)}\n{self.text[-12000:]}"


@dataclass
class CloudBuilds:
    """The builds of one repository.

    Attributes:
        secrets: what Secret Manager keeps, by name.
    """

    repository: Workflows
    secrets: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def pull_request(self, number: int, branch: str) -> list[Build]:
        """What a push to the branch of a pull request asks for."""
        commit = self.repository.git("rev-parse", f"origin/{branch}")
        given = {"BRANCH_NAME": branch, "_HEAD_BRANCH": branch, "_BASE_BRANCH": "main", "_PR_NUMBER": str(number)}
        return list(self._asked("pullRequest", "branch", "main", commit, given))

    def push(self) -> list[Build]:
        """What a push to main asks for."""
        self.repository.git("fetch", "--quiet", "origin")
        commit = self.repository.git("rev-parse", "origin/main")
        return list(self._asked("push", "branch", "main", commit, {"BRANCH_NAME": "main"}))

    def tag(self, name: str) -> list[Build]:
        """What a tag on main asks for."""
        commit = self.repository.git("rev-parse", "origin/main")
        return list(self._asked("push", "tag", name, commit, {"TAG_NAME": name}))

    def run(self, build: Build, *, approved: bool = False) -> Ran:
        """Run a build; one that waits must be approved."""
        assert approved or not build.waits, f"{build.name} waits for an approval"
        place = Path(tempfile.mkdtemp(dir=self.repository.folder, prefix="build-"))
        workspace = place / "workspace"
        self._fetched(workspace, build.commit)
        said = yaml.safe_load((workspace / build.file).read_text())
        told = _substituted(said, self._substitutions(build, said))
        secrets = {
            one["env"]: self._secret(one["versionName"])
            for one in told.get("availableSecrets", {}).get("secretManager", [])
        }
        (place / "home").mkdir()
        steps: dict[str, int] = {}
        lines: list[str] = []
        for step in told["steps"]:
            done = subprocess.run(
                _command(step, workspace), cwd=workspace / step.get("dir", "."), capture_output=True, text=True,
                env=self._environment(place, step, secrets), timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            steps[step["id"]] = done.returncode
            lines += [f"[{step['id']}] {line}" for line in (done.stdout + done.stderr).splitlines()]
            if done.returncode and not step.get("allowFailure"):
                return Ran(False, steps, "\n".join(lines), place / "home")
        return Ran(True, steps, "\n".join(lines), place / "home")

    def _asked(self, event: str, what: str, name: str, commit: str, given: Mapping[str, str]) -> Iterator[Build]:
        for one in json.loads((self.repository.clone / "cloudbuild" / "triggers.json").read_text()):
            assert f"{one['github']['owner']}/{one['github']['name']}" == REPOSITORY
            wanted = one["github"].get(event, {}).get(what)
            if wanted is not None and re.search(wanted, name):
                waits = one.get("approvalConfig", {}).get("approvalRequired", False)
                yield Build(one["name"], one["filename"], commit, waits, given)

    def _fetched(self, workspace: Path, commit: str) -> None:
        """The one commit, checked out without a branch."""
        origin = self.repository.origin
        asked = [
            ["git", "-C", str(origin), "config", "uploadpack.allowAnySHA1InWant", "true"],
            ["git", "init", "--quiet", str(workspace)],
            ["git", "-C", str(workspace), "remote", "add", "origin", f"file://{origin}"],
            ["git", "-C", str(workspace), "fetch", "--quiet", "--depth=1", "origin", commit],
            ["git", "-C", str(workspace), "checkout", "--quiet", "FETCH_HEAD"],
        ]
        for words in asked:
            subprocess.run(words, check=True, capture_output=True)

    def _substitutions(self, build: Build, said: Mapping[str, Any]) -> dict[str, str]:
        number = next(self._numbers)
        return {
            "PROJECT_ID": _PROJECT,
            "LOCATION": "global",
            "BUILD_ID": f"00000000-0000-4000-8000-{number:012d}",
            "COMMIT_SHA": build.commit,
            "REPO_FULL_NAME": REPOSITORY,
            **said.get("substitutions", {}),
            **build.given,
        }

    def _secret(self, version: str) -> str:
        found = re.fullmatch(rf"projects/{_PROJECT}/secrets/(\w+)/versions/latest", version)
        assert found is not None, f"there can be no secret {version}"
        assert found[1] in self.secrets, f"there is no secret {found[1]}, so the build does not start"
        return self.secrets[found[1]]

    def _environment(self, place: Path, step: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
        container = place / f"container-{step['id']}"
        _container(container, place / "workspace", self.repository.folder / "called")
        return {
            "PATH": f"{container}:{_tools(self.repository.folder)}",
            "HOME": str(place / "home"),
            "TMPDIR": tempfile.gettempdir(),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GITHUB_API_URL": self.repository.github.url,
            **dict(one.split("=", 1) for one in step.get("env", [])),
            **{name: secrets[name] for name in step.get("secretEnv", [])},
        }


@contextlib.contextmanager
def builds() -> Iterator[CloudBuilds]:
    """An empty repository, cloned, a GitHub, and builds of it."""
    with workflows() as repository:
        yield CloudBuilds(repository)


def _command(step: Mapping[str, Any], workspace: Path) -> list[str]:
    assert step["name"], step
    return [word.replace("/workspace", str(workspace)) for word in (step["entrypoint"], *step["args"])]


def _substituted(said: Any, given: Mapping[str, str]) -> Any:
    """The build with what stands for names; each name must be known, and each of the build's own be used."""
    used: set[str] = set()

    def one(found: re.Match[str]) -> str:
        name = found["braced"] or found["plain"]
        if name is None:
            return "$"
        assert name in given, f"the substitution {found[0]} is not known"
        used.add(name)
        return given[name]

    def whole(value: Any) -> Any:
        if isinstance(value, str):
            return _SUBSTITUTION.sub(one, value)
        if isinstance(value, list):
            return [whole(item) for item in value]
        return {key: whole(item) for key, item in value.items()} if isinstance(value, dict) else value

    told = {**said, "steps": whole(said["steps"])}
    assert set(said.get("substitutions", {})) <= used, "a substitution is not used"
    return told


def _tools(folder: Path) -> Path:
    """The programs of this machine that the image of the stages has as well."""
    place = folder / "tools"
    if not place.exists():
        place.mkdir()
        for known in ("/usr/bin", "/bin"):
            for program in Path(known).iterdir():
                if not _NOT_IN_THE_IMAGE.fullmatch(program.name) and not (place / program.name).exists():
                    (place / program.name).symlink_to(program)
    return place


def _container(place: Path, workspace: Path, called: Path) -> None:
    """What a step's own container has beside the tools: Python; and git, once it is installed in it."""
    place.mkdir()
    git = shutil.which("git")
    bin = workspace / ".mlopsctl" / "bin"
    mlopsctl = (
        f'echo "$*" >> {called}\n'
        # What it compares has tests of its own; here only that it is asked for.
        'if [ "$1 $2" = "test --conformance" ]; then exit 0; fi\n'
        f'export PYTHONPATH={ROOT}\nexec {sys.executable} -m mlopsctl "$@"\n'
    )
    made = (
        f'mkdir -p "$3/bin" && cp {place}/mlopsctl.sh "$3/bin/mlopsctl" && cp {place}/pip.sh "$3/bin/python"'
        f' && [ "$3" = {bin.parent} ]'
    )
    programs = {
        "apt-get": f'case "$*" in update*) ;; install*git) ln -s {git} {place}/git;; *) exit 100;; esac\n',
        "python": f'if [ "$1 $2" = "-m venv" ]; then {made}; else exec {sys.executable} "$@"; fi\n',
        "pip.sh": f'if [ "$1 $2 $3" = "-m pip install" ]; then exit 0; fi\nexec {sys.executable} "$@"\n',
        "mlopsctl.sh": mlopsctl,
    }
    for name, script in programs.items():
        (place / name).write_text(f"#!/bin/sh\n{script}")
        (place / name).chmod(0o755)


def credential(ran: Ran, token: str) -> str:
    """What git of a build would answer GitHub with, after its last step."""
    asked = "protocol=https\nhost=github.com\n\n"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(ran.home), "GITHUB_TOKEN": token, "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
    }  # fmt: skip
    done = subprocess.run(
        ["git", "credential", "fill"], input=asked, capture_output=True, text=True, env=environment, cwd=ran.home,
        check=False,
    )  # fmt: skip
    return done.stdout
