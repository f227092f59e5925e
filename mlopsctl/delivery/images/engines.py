"""docker, podman and buildah: building an image from a folder, and pushing it.

What a tool says goes on as progress, line by line, and its last words into the message when it fails. Credentials of
registries are the tool's own business.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.ground.errors import StepProblem, UsageProblem
from mlopsctl.ground.image_name import image_name
from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import printable
from mlopsctl.lowering.image_context import DOCKERFILE, ImageContext

ENGINES = ("docker", "podman", "buildah")
LABEL = "dev.mlopsctl.context"

Say = Callable[[str], None]

_SECONDS_TO_ANSWER = 60.0
_SECONDS_TO_STOP = 10.0
_LAST_LINES = 4
_LONGEST_LINE = 400
# Without a terminal, one line a step.
_SETTINGS = {"BUILDKIT_PROGRESS": "plain", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True)
class ImageEngine:
    """A tool of this machine that builds images."""

    name: str

    def build(self, folder: Path, tag: str, context: ImageContext, say: Say) -> None:
        """Build the folder's context under a local name.

        Raises:
            StepProblem: when the tool cannot.
        """
        words = [self.name, "build", "--file", str(folder / DOCKERFILE), "--tag", tag, "--platform", context.platform]
        words += ["--label", f"{LABEL}={context.digest}"]
        for name, value in sorted(context.arguments.items()):
            words += ["--build-arg", f"{name}={value}"]
        # Layers of an earlier build are used again, and times are no part of the image.
        words += ["--layers"] if self.name == "buildah" else []
        words += ["--timestamp", context.arguments["SOURCE_DATE_EPOCH"]] if self.name != "docker" else []
        code, last = _run([*words, str(folder)], say)
        if code != 0:
            raise StepProblem.because(
                "image-build",
                f"{self.name} cannot build the image {tag}: {last}",
                hint="correct what it says; every line that it printed stands above",
            )

    def push(self, tag: str, say: Say) -> str:
        """Push an image by its local name, and return the digest that it has in the registry.

        Raises:
            StepProblem: when it cannot be pushed, or the tool does not say its digest.
        """
        with tempfile.TemporaryDirectory(prefix="mlopsctl-push-") as folder:
            file = Path(folder) / "digest"
            told = [] if self.name == "docker" else ["--digestfile", str(file)]
            code, last = _run([self.name, "push", *told, tag], say)
            if code != 0:
                raise _not_pushed(self.name, tag, last)
            found = file.read_text(encoding="ascii").strip() if file.exists() else self._digest_of(tag)
        named = image_name(f"{tag}@{found}")
        if named is None or not named.digest:
            message = f"{self.name} pushed {tag} and does not say its digest"
            raise StepProblem.because("image-push", message, hint="push again; nothing is written twice")
        return named.digest

    def _digest_of(self, tag: str) -> str:
        """What docker remembers of the image's pushes; the digest under the pushed name."""
        done = _ask([self.name, "image", "inspect", "--format", "{{json .RepoDigests}}", tag])
        try:
            found = json.loads(done.stdout or "[]") or []
        except ValueError:
            return ""
        wanted = image_name(tag)
        names = [image_name(text) for text in found if isinstance(text, str)]
        digests = [one.digest for one in names if one is not None and wanted is not None and one.name == wanted.name]
        return digests[0] if digests else ""


def find_image_engine(wanted: str | None = None) -> ImageEngine:
    """The tool of that name, or the first one that is there and answers.

    Raises:
        UsageProblem: for a name that is none of them.
        StepProblem: when there is none, with what those said that do not answer.
    """
    if wanted is not None and wanted not in ENGINES:
        hint = f"one of: {', '.join(ENGINES)}"
        raise UsageProblem.because("usage", f"there is no engine {printable(wanted)!r}", hint=hint)
    told = []
    for name in ENGINES if wanted is None else (wanted,):
        if shutil.which(name) is None:
            continue
        asked = _ask([name, "info"])
        if asked.returncode == 0:
            return ImageEngine(name)
        lines = asked.stderr.strip().splitlines() or ["it does not answer"]
        told.append(f"{name}: {printable(redact(lines[-1]))}")
    missing = f"there is no {wanted}" if wanted is not None else "there is neither docker, podman nor buildah"
    raise StepProblem.because(
        "no-image-engine",
        f"no image can be built here: {'; '.join(told) or missing}",
        hint="install one of them and start it, or let Cloud Build do it (`build: cloud_build`)",
    )


def _not_pushed(engine: str, tag: str, last: str) -> StepProblem:
    named = image_name(tag)
    registry = named.registry if named is not None else tag
    said = last.lower()
    if any(word in said for word in ("unauthorized", "denied", "authentication", "forbidden", "credential")):
        hint = f"log in where you may write: `{engine} login {registry}`, or correct the image's name"
    elif any(word in said for word in ("no such host", "connection refused", "timeout", "unreachable", "dial tcp")):
        hint = f"see that {registry} can be reached from here, and push again; what arrived is not sent twice"
    else:
        hint = "push again; what arrived is not sent twice"
    return StepProblem.because("image-push", f"{engine} cannot push {tag} to {registry}: {last}", hint=hint)


def _run(words: Sequence[str], say: Say) -> tuple[int, str]:
    """Run a tool to its end; its exit code and its last lines on one line.

    Raises:
        StepProblem: when it cannot be started.
    """
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_SETTINGS},
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        message = f"{words[0]} cannot be started: {error.strerror}"
        raise StepProblem.because("no-image-engine", message, hint="see that it is installed") from error
    last: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        with process:
            for line in process.stdout or ():
                text = printable(redact(line.rstrip()))
                if text.strip():
                    last.append(text if len(text) <= _LONGEST_LINE else f"…{text[-_LONGEST_LINE:]}")
                    say(text)
    except BaseException:
        _stop(process)
        raise
    return process.returncode, " | ".join(line.strip() for line in last) or "it said nothing"


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ask(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS_TO_ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(list(words), 1, "", str(error))
