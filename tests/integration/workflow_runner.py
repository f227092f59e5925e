"""Runs GitHub workflows for real: `act` on this machine, a git repository, and a GitHub on loopback.

The actions of others (check out, set up Python, hand files from job to job) are stand-ins, since github.com is out of
reach; every command of the workflow itself is the real one.

    with workflows(folder) as ci:
        ci.write({"mlops.yaml": "…"}); ci.commit("first")
        ran = ci.pull_request("topic")
        assert ran.ok, ran
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.doubles.github import GitHubDouble, serving_github

ROOT = Path(__file__).parents[2]
ACT = Path(sys.executable).parent / "act"
REPOSITORY = "acme/models"
_SECONDS = 1200

# What stands in for an action: its inputs, and the script that it is here.
_ACTIONS = {
    "actions/checkout": (
        ("ref", "persist-credentials", "fetch-depth", "clean"),
        'git clone --quiet "$STANDIN_ORIGIN" . && if [ -n "$INPUT_REF" ]; '
        'then git checkout --quiet --detach "$INPUT_REF"; else git checkout --quiet -B main "$GITHUB_SHA"; fi',
    ),
    "actions/setup-python": (("python-version",), 'echo "$STANDIN_BIN" >> "$GITHUB_PATH"'),
    "actions/upload-artifact": (
        ("name", "path", "include-hidden-files", "if-no-files-found", "retention-days"),
        'mkdir -p "$STANDIN_FILES/$INPUT_NAME" && if [ -d "$INPUT_PATH" ]; '
        'then cp -R "$INPUT_PATH/." "$STANDIN_FILES/$INPUT_NAME"; '
        'elif [ -f "$INPUT_PATH" ]; then cp "$INPUT_PATH" "$STANDIN_FILES/$INPUT_NAME"; fi',
    ),
    "actions/download-artifact": (
        ("name", "path"),
        'mkdir -p "$INPUT_PATH" && cp -R "$STANDIN_FILES/$INPUT_NAME/." "$INPUT_PATH"',
    ),
}


@dataclass(frozen=True)
class Ran:
    """One run of a workflow: whether every job succeeded, the jobs with their steps, and everything printed.

    Attributes:
        steps: by job, the outcome of each of its steps by name.
        files: what it left, a folder for each artifact.
    """

    ok: bool
    steps: Mapping[str, Mapping[str, str]]
    text: str
    files: Path = Path()

    def __str__(self) -> str:
        return f"ok={self.ok} {json.dumps(self.steps, indent=1)}\n{self.text[-12000:]}"


@dataclass
class Workflows:
    """A repository whose workflows are run.

    Attributes:
        reviewers: who lets every run begin in an environment, by its name; the others have no reviewers.
        runs: how many there were; the number of each.
    """

    folder: Path
    github: GitHubDouble
    token: str = "workflow-token"
    secrets: dict[str, str] = field(default_factory=dict)
    reviewers: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    @property
    def origin(self) -> Path:
        """What the machines of the CI clone and push to."""
        return self.folder / "origin.git"

    @property
    def clone(self) -> Path:
        """A person's own clone."""
        return self.folder / "clone"

    @property
    def called(self) -> list[str]:
        """Every call of mlopsctl in a job so far, with the job's name."""
        file = self.folder / "called"
        return file.read_text().splitlines() if file.exists() else []

    def git(self, *words: str) -> str:
        """What git answers in the clone."""
        named = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        alone = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *named, *words], cwd=self.clone, capture_output=True, text=True, env=alone, check=False
        )
        assert done.returncode == 0, f"git {words}: {done.stderr}"
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        """Put files into the clone."""
        for name, text in files.items():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / name).write_text(text)

    def commit(self, message: str, branch: str = "main") -> str:
        """Commit everything on a branch, push it, and give the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD")

    def pull_request(
        self, workflow: str, branch: str, *, number: int, fork: bool = False, action: str = "synchronize"
    ) -> Ran:
        """Run the workflow as a pull request of that branch into main would."""
        head, base = (self.git("rev-parse", name) for name in (f"origin/{branch}", "origin/main"))
        repository = "stranger/models" if fork else REPOSITORY
        event = {
            "action": action,
            "number": number,
            "pull_request": {
                "number": number,
                "title": '$(touch owned) ${{ github.token }} "; exit 0',
                "head": {"sha": head, "ref": branch, "repo": {"full_name": repository, "fork": fork}},
                "base": {"sha": base, "ref": "main", "repo": {"full_name": REPOSITORY, "fork": False}},
            },
        }
        return self._run(workflow, "pull_request", event, head, "" if fork else self.token, secrets=False)

    def push(self, workflow: str) -> Ran:
        """Run the workflow as a push to main would."""
        head = self.git("rev-parse", "origin/main")
        event = {"ref": "refs/heads/main", "after": head, "head_commit": {"id": head}}
        return self._run(workflow, "push", event, head, self.token)

    def other(self, workflow: str, name: str, event: Mapping[str, Any] | None = None) -> Ran:
        """Run the workflow upon another event on main."""
        return self._run(workflow, name, event or {}, self.git("rev-parse", "origin/main"), self.token)

    def _run(
        self, workflow: str, name: str, event: Mapping[str, Any], commit: str, token: str, *, secrets: bool = True
    ) -> Ran:
        place = Path(tempfile.mkdtemp(dir=self.folder, prefix="run-"))
        self.runs += 1
        for environment, login in self.reviewers.items():
            self.github.repository.review(self.runs, environment, login)
        tree = place / "tree"
        subprocess.run(["git", "clone", "--quiet", str(self.origin), str(tree)], check=True)
        # The branch is the event's; act looks at the clone for what the event does not say.
        subprocess.run(["git", "checkout", "--quiet", "-B", "main", commit], cwd=tree, check=True)
        told = {"repository": {"full_name": REPOSITORY, "name": "models", "default_branch": "main",
                               "owner": {"login": "acme"}}, "sender": {"login": "ada"}, **event}  # fmt: skip
        (place / "event.json").write_text(json.dumps(told))
        command = [str(ACT), name, "--json", "-W", workflow, "-e", str(place / "event.json")]
        command += ["-P", "ubuntu-latest=-self-hosted", "-s", f"GITHUB_TOKEN={token}"]
        for key, value in self.secrets.items() if secrets else ():
            command += ["-s", f"{key}={value}"]
        for key, value in self._variables(place).items():
            command += ["--env", f"{key}={value}"]
        for used in _uses(tree / workflow):
            command += ["--local-repository", f"{used}={self._stand_in(used.partition('@')[0])}"]
        done = subprocess.run(
            command, cwd=tree, capture_output=True, text=True, env=self._environment(place), timeout=_SECONDS,
            check=False,
        )  # fmt: skip
        return replace(_read(done), files=self.folder / "files" / place.name)

    def _variables(self, place: Path) -> dict[str, str]:
        files = self.folder / "files" / place.name
        files.mkdir(parents=True)
        return {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(self.runs),
            "STANDIN_ORIGIN": str(self.origin),
            "STANDIN_BIN": str(_programs(self.folder)),
            "STANDIN_FILES": str(files),
            "NO_COLOR": "1",
        }

    def _environment(self, place: Path) -> dict[str, str]:
        home = place / "home"
        home.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}

    def _stand_in(self, action: str) -> Path:
        inputs, script = _ACTIONS[action]
        place = self.folder / "actions" / action
        place.mkdir(parents=True, exist_ok=True)
        environment = {f"INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}" for name in inputs}
        step = {"shell": "bash", "env": environment, "run": script}
        told = {
            "name": action,
            "description": "A stand-in.",
            "inputs": {name: {"description": name, "default": ""} for name in inputs},
            "runs": {"using": "composite", "steps": [step]},
        }
        (place / "action.yml").write_text(yaml.safe_dump(told))
        return place


@contextlib.contextmanager
def workflows() -> Iterator[Workflows]:
    """An empty repository, cloned, and a GitHub; folders with short names, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="ci-", ignore_cleanup_errors=True) as name,
        serving_github(REPOSITORY) as github,
    ):
        ci = Workflows(Path(name).resolve(), github)
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(ci.origin)], check=True)
        subprocess.run(["git", "clone", "--quiet", str(ci.origin), str(ci.clone)], check=True, capture_output=True)
        subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/main"], cwd=ci.clone, check=True)
        yield ci


def _programs(folder: Path) -> Path:
    """`python` and `mlopsctl` as the jobs find them once they are installed; installing is left out."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    called = {
        "python": f'if [ "$1 $2 $3" = "-m pip install" ]; then exit 0; fi\nexec {sys.executable} "$@"\n',
        "mlopsctl": f'echo "$GITHUB_JOB: $*" >> {folder}/called\n'
        # What it compares has tests of its own; here only that it is asked for.
        'if [ "$1 $2" = "test --conformance" ]; then exit 0; fi\n'
        f'export PYTHONPATH={ROOT}\nexec {sys.executable} -m mlopsctl "$@"\n',
    }
    for name, script in called.items():
        (place / name).write_text(f"#!/bin/sh\n{script}")
        (place / name).chmod(0o755)
    return place


def _uses(workflow: Path) -> Sequence[str]:
    return sorted(set(re.findall(r"uses: (\S+@[0-9a-f]{40})", workflow.read_text())))


def _read(done: subprocess.CompletedProcess[str]) -> Ran:
    steps: dict[str, dict[str, str]] = {}
    lines = []
    for line in done.stdout.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            lines.append(line)
            continue
        lines.append(f"[{one.get('jobID', '')}] {one.get('msg', '').rstrip()}")
        if one.get("stage") == "Main" and "stepResult" in one and len(one.get("stepID", [])) == 1:
            steps.setdefault(one["jobID"], {})[one["step"].removeprefix("Main ")] = one["stepResult"]
    return Ran(done.returncode == 0, steps, "\n".join([*lines, done.stderr]))


def installed() -> bool:
    """Whether `act` and git are here."""
    return ACT.is_file() and shutil.which("git") is not None
