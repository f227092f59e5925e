"""``kubectl``: what is read from a cluster and applied to it, as argument lists with a deadline.

Credentials are kubectl's own business. Reading, and applying on the server's side, may be repeated, so what fails in
passing is tried again.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import printable

SECONDS = 60
TRIES = 4
_FIRST_PAUSE = 0.5
_LONGEST_WORDS = 600
_PASSING = re.compile(
    r"connection refused|connection reset|i/o timeout|TLS handshake timeout|unexpected EOF|net/http: request canceled|"
    r"TooManyRequests|too many requests|ServiceUnavailable|currently unable to handle|InternalError|Internal error|"
    r"etcdserver: (request timed out|leader changed)|timed out",
    re.IGNORECASE,
)


class ClusterUnavailable(StepProblem):
    """The cluster cannot be reached, or refuses (exit 1)."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One context and namespace; ``pause`` waits so many seconds."""

    context: str
    namespace: str
    pause: Callable[[float], None] = field(repr=False)

    def get(self, kind: str, name: str) -> dict[str, Json] | None:
        """A resource; ``None`` when there is none."""
        words = ["get", kind, name, "--output=json", "--ignore-not-found"]
        said = self._done(f"read {kind} {name}", words)
        if not said.strip():
            return None
        found = json.loads(said)
        return found if isinstance(found, dict) else None

    def apply(self, doing: str, manifest: str) -> None:
        """Make a resource as the manifest says; fields that others have set by hand are ours again."""
        words = ["apply", "--server-side", "--field-manager=mlopsctl", "--force-conflicts", "--filename=-"]
        self._done(doing, words, manifest)

    def delete(self, kind: str, name: str) -> None:
        """Remove a resource; nothing when it is gone."""
        words = ["delete", kind, name, "--ignore-not-found", "--wait=true", f"--timeout={SECONDS}s"]
        self._done(f"delete {kind} {name}", words)

    def host(self) -> str:
        """Where the cluster answers; the context's name when kubectl does not say."""
        code, said, _ = _run([*self._where(), "config", "view", "--minify", "--output=json"], "")
        try:
            return str(json.loads(said)["clusters"][0]["cluster"]["server"]) if code == 0 else self.context
        except (ValueError, KeyError, IndexError, TypeError):
            return self.context

    def _where(self) -> list[str]:
        return ["kubectl", f"--context={self.context}", f"--namespace={self.namespace}"]

    def _done(self, doing: str, words: Sequence[str], given: str = "") -> str:
        """What kubectl printed.

        Raises:
            ClusterUnavailable: when it failed, after some tries where that may help.
        """
        line = [*self._where(), f"--request-timeout={SECONDS}s", *words]
        for number in range(1, TRIES + 1):
            code, said, complaint = _run(line, given)
            if code == 0:
                return said
            if not _PASSING.search(complaint) or number == TRIES:
                break
            self.pause(_FIRST_PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.0))
        times = f", {number} times in a row" if number > 1 else ""
        words_of_it = printable(" ".join(redact(complaint).split()))[:_LONGEST_WORDS].rstrip(".")
        raise ClusterUnavailable.because(
            "cluster", f"cannot {doing}: kubectl, context {self.context}, {self.host()}, says{times}: {words_of_it}",
            hint=_advice(complaint, self.namespace),
        )  # fmt: skip


def current_context() -> str:
    """The context that kubectl has chosen; empty without kubectl, or when none is chosen."""
    if shutil.which("kubectl") is None:
        return ""
    code, said, _ = _run(["kubectl", "config", "current-context"], "")
    return said.strip() if code == 0 else ""


def _run(words: Sequence[str], given: str) -> tuple[int, str, str]:
    """Exit code, output and complaint; 127 without kubectl, 124 after the deadline."""
    try:
        done = subprocess.run(
            words, input=given, capture_output=True, text=True, encoding="utf-8", timeout=2 * SECONDS, check=False
        )
    except FileNotFoundError:
        return 127, "", "kubectl is not installed on this machine"
    except subprocess.TimeoutExpired:
        return 124, "", f"timed out: no answer within {2 * SECONDS} seconds"
    return done.returncode, done.stdout, done.stderr


def _advice(complaint: str, namespace: str) -> str:
    if "not installed" in complaint:
        return "install kubectl, or leave `deployment.server.context` out and apply the written manifest elsewhere"
    if "orbidden" in complaint:
        return f"let this account get, patch and delete inferenceservices.serving.kserve.io in {namespace}"
    if "no matches for kind" in complaint or "resource type" in complaint:
        return "install KServe in the cluster"
    if "context" in complaint and "not exist" in complaint:
        return "`kubectl config get-contexts` lists the contexts; set `deployment.server.context`"
    return "correct what it says, and run the same command again; `kubectl config get-contexts` lists the contexts"
