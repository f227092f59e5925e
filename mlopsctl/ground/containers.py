"""Containers: one command in an image, with the folders that it may see, by docker or podman.

The container belongs to an engine and not to this process's tree. So a note with its name lies in a folder of the
attempt while it runs, and whoever ends the attempt calls :func:`remove_noted`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlopsctl.ground.commands import Ended, run_command
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.scalars import refusal
from mlopsctl.ground.text import printable

ENGINES = ("docker", "podman")

# A name that begins with `-` would be an option of the engine.
_BY_DIGEST = re.compile(r"([^\s@\x00-\x1f\x7f-][^\s@\x00-\x1f\x7f]*@)?sha256:[0-9a-f]{64}")
_NOTE = re.compile(r"(docker|podman) (mlopsctl-[0-9a-f]{16})", re.ASCII)
_NOTE_FILE = ".container"
_SECONDS_TO_ANSWER = 30.0

# What docker says of itself, and not of the command inside.
_ENGINE_FAILED, _NOT_EXECUTABLE, _NOT_FOUND = 125, 126, 127


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers. ``rootless``: a user's own, where the user's id has to be kept inside."""

    name: str
    rootless: bool


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of this machine inside the container."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """What runs. ``cpu`` are cores, ``memory`` bytes; ``None`` is no limit.

    ``passed`` are variables that it gets from this process's environment: a secret must not stand in an argument.
    """

    image: str
    command: tuple[str, ...]
    mounts: tuple[Mount, ...]
    network: bool = False
    cpu: float | None = None
    memory: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[str, ...] = ()

    def words(self, engine: Engine, name: str) -> list[str]:
        """The engine's command line."""
        words = [engine.name, "run", "--rm", "--name", name]
        words += [] if self.network else ["--network", "none"]
        words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", "label=disable"]
        if engine.rootless:
            # A rootless docker has no such mapping: inside, root is the user outside.
            words += ["--userns", "keep-id"] if engine.name == "podman" else []
        else:
            words += ["--user", f"{os.getuid()}:{os.getgid()}"]
        words += ["--cpus", f"{self.cpu:g}"] if self.cpu is not None else []
        words += ["--memory", str(self.memory)] if self.memory is not None else []
        for key, value in self.environment.items():
            words += ["--env", f"{key}={value}"]
        for key in self.passed:
            words += ["--env", key]
        for mount in self.mounts:
            described = f"type=bind,source={mount.source},target={mount.target}"
            words += ["--mount", described if mount.writable else f"{described},readonly"]
        return [*words, self.image, *self.command]


def by_digest(image: str) -> str:
    """An image by what it is: a tag may name another image tomorrow, and nobody would run the step again.

    Raises:
        PydanticCustomError: when it is named otherwise.
    """
    if not _BY_DIGEST.fullmatch(image):
        raise refusal(
            "image-tag",
            f"the image {image[:80]!r} is not named by its digest",
            "write NAME@sha256:…, as `docker image inspect --format '{{index .RepoDigests 0}}' NAME` prints it, or "
            "the id of an image of this machine: sha256:…",
        )
    return image


def find_engine() -> Engine:
    """The first engine of this machine that answers.

    Raises:
        StepProblem: when there is none, with what the others said.
    """
    told = []
    for name in ENGINES:
        if shutil.which(name) is None:
            continue
        asked = _ask(name)
        if asked.returncode == 0:
            return Engine(name, rootless="rootless" in asked.stdout.lower() or "true" in asked.stdout.split())
        told.append(f"{name}: {printable((asked.stderr.strip().splitlines() or ['it does not answer'])[-1])}")
    message = "no container can be run here: " + ("; ".join(told) or "there is neither docker nor podman")
    raise StepProblem.because("no-containers", message, hint="install docker or podman, and start it")


def run_container(container: Container, folder: Path, notes: Path) -> Ended:
    """Run a container to its end from a folder of this machine; its note lies in ``notes`` meanwhile.

    Raises:
        StepProblem: when the engine cannot run it.
    """
    for mount in container.mounts:
        if "," in str(mount.source):
            raise StepProblem.because(
                "bad-path",
                f"a container cannot be given the folder {str(mount.source)!r}: a comma stands in its path",
                hint="move the project to a folder without one",
            )
    engine, name = find_engine(), f"mlopsctl-{secrets.token_hex(8)}"
    note = notes / _NOTE_FILE
    note.write_text(f"{engine.name} {name}", encoding="ascii")
    ended = run_command(container.words(engine, name), folder)
    note.unlink(missing_ok=True)
    said = ended.last_words or "it said nothing"
    if ended.code == _ENGINE_FAILED:
        raise StepProblem.because(
            "container-failed",
            f"{engine.name} cannot run {container.image}: {said}",
            hint="see that the image can be pulled here, and that its name is right",
        )
    if ended.code in (_NOT_EXECUTABLE, _NOT_FOUND):
        raise StepProblem.because(
            "container-failed",
            f"the command cannot be executed in the image {container.image}: {said}",
            hint="name a program that the image has",
        )
    return ended


def remove_noted(notes: Path) -> None:
    """Remove the container whose note is still there: its attempt was ended before it."""
    note = notes / _NOTE_FILE
    try:
        found = _NOTE.fullmatch(note.read_text(encoding="ascii")) if note.is_file() else None
    except (OSError, ValueError):
        return
    if found is not None and shutil.which(found[1]) is not None:
        _quietly([found[1], "rm", "--force", found[2]])
    note.unlink(missing_ok=True)


def _ask(engine: str) -> subprocess.CompletedProcess[str]:
    """Whether the engine is alive, and whether it is rootless."""
    question = "{{.Host.Security.Rootless}}" if engine == "podman" else "{{.SecurityOptions}}"
    return _quietly([engine, "info", "--format", question])


def _quietly(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS_TO_ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))
