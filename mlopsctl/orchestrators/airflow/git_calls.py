"""Calls of git in a repository of our own, without a terminal or hooks, and with nothing secret among the words."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import register_secret
from mlopsctl.ground.secrets import secret_value
from mlopsctl.ground.text import printable
from mlopsctl.orchestrators.specs.airflow_dags import GitDags

_SECONDS = 180.0
_LONGEST_WORDS = 400
# These would make git work on another repository than the one that is named.
_OTHERS = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_WORK_TREE",
    }
)
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "",
    "protocol.ext.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


class GitFailed(Exception):
    """Git ended badly; ``said`` is what it said, on one line."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said

    @property
    def is_missing(self) -> bool:
        """Whether there is no repository at the place."""
        return "does not appear to be a git repository" in self.said or "does not exist" in self.said


class GitCalls:
    """Git in one bare repository."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        if shutil.which("git") is None:
            raise StepProblem.because(
                "no-git", "DAGs in a repository need git, which is not here", hint="install git on this machine"
            )
        self._folder = folder
        given = {**_SETTINGS, **settings}
        self._env = {
            **{name: value for name, value in os.environ.items() if name not in _OTHERS},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_DIR": str(folder),
            "LC_ALL": "C",
            "GIT_CONFIG_COUNT": str(len(given)),
            **{f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(given)},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(given.values())},
        }
        self._env.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")

    def ask(self, *words: str, given: bytes = b"", more: Mapping[str, str] | None = None) -> bytes:
        """What git prints.

        Raises:
            GitFailed: when it ends badly, or not at all.
        """
        try:
            done = subprocess.run(
                ["git", *words],
                cwd=self._folder,
                env={**self._env, **(more or {})},
                input=given,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GitFailed(f"git {words[0]} took longer than {_SECONDS:.0f} s") from error
        except OSError as error:
            raise GitFailed(f"git cannot be started: {error.strerror}") from error
        if done.returncode != 0:
            raise GitFailed(_last_words(done.stderr + b"\n" + done.stdout) or f"exit code {done.returncode}")
        return done.stdout

    def line(self, *words: str, given: bytes = b"", more: Mapping[str, str] | None = None) -> str:
        """The one line that git prints."""
        return self.ask(*words, given=given, more=more).decode("utf-8", "replace").strip()


def credentials(dags: GitDags) -> dict[str, str]:
    """Git settings that carry the token to its host and nowhere else; none without a token."""
    if dags.token is None:
        return {}
    pair = base64.b64encode(f"{dags.user}:{secret_value(dags.token.secret)}".encode()).decode()
    register_secret(pair)
    return {f"http.{dags.repository}.extraHeader": f"Authorization: Basic {pair}", "http.followRedirects": "false"}


def _last_words(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!"))] or lines
    return printable(" | ".join(line for line in telling if line))[:_LONGEST_WORDS]
