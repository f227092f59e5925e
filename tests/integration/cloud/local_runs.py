"""A project with an environment for Kubeflow Pipelines, compiled, and executed from the emitted YAML here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import load_project
from mlopsctl.lowering.lower import executable, lower
from mlopsctl.metadata.records import ExecutionRecord
from mlopsctl.orchestrators.kfp.compile import compile_kfp
from mlopsctl.step import ledger

RUNNER = Path(__file__).with_name("local_runner.py")
CHECKOUT = Path(__file__).parents[3]
IMAGE = f"registry.example.com/steps@sha256:{'a' * 64}"


@dataclass(frozen=True)
class Ran:
    """How a run ended: the engine's state, all that its containers said, the last record of each step."""

    run: str
    state: str
    output: str
    attempts: tuple[ExecutionRecord, ...]

    @property
    def records(self) -> Mapping[str, ExecutionRecord]:
        return {record.step: record for record in self.attempts}

    @property
    def states(self) -> dict[str, str]:
        return {step: record.state.value for step, record in self.records.items()}

    def __str__(self) -> str:
        return f"{self.state}: {self.states}\n{self.output[-8000:]}"


@dataclass(frozen=True)
class Cluster:
    """A project's copy beside its stores, which every container reaches.

    Attributes:
        folder: the project; its parent also holds the stores and the engine's files.
    """

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder.parent

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(f"file://{self.root}/artifacts")

    @property
    def stores(self) -> str:
        return (
            f"{{metadata: 'sqlite:///{self.root}/metadata.db', artifacts: 'file://{self.root}/artifacts', "
            f"tracking: 'sqlite:///{self.root}/mlflow.db'}}"
        )

    def declare(self, *, image: str = IMAGE, dev: str = "", cluster: str = "") -> None:
        """Give the project the environments ``here`` (this machine, stores of its own) and ``cluster``."""
        file = self.folder / "mlops.yaml"
        text = file.read_text(encoding="utf-8").partition("\nenvironments:")[0]
        engine = f'{{kind: kfp, host: "https://kfp.example.com", image: "{image}"}}'
        file.write_text(
            f"{text}\nenvironments:\n  here:\n    owner: nobody\n{dev}"
            f"  cluster:\n    orchestrator: {engine}\n    stores: {self.stores}\n{cluster}",
            encoding="utf-8",
        )

    def change(self, old: str, new: str) -> None:
        """Replace a text of the project file, which must stand there."""
        file = self.folder / "mlops.yaml"
        text = file.read_text(encoding="utf-8")
        assert old in text, old
        file.write_text(text.replace(old, new), encoding="utf-8")

    def compile(self) -> Path:
        """The emitted pipeline."""
        loaded = load_project(self.folder, "cluster")
        bundle = compile_kfp(loaded, executable(lower(loaded)))
        target = self.root / "pipeline.yaml"
        target.write_bytes(bundle.files[bundle.main])
        return target

    def run(self, run: str, *words: str, environment: Mapping[str, str] = os.environ, **parameters: Any) -> Ran:
        """Compile, and execute what was emitted. A run without a name is one of a schedule."""
        told = {**parameters, **({"mlopsctl_run": run} if run else {})}
        known = self.runs()
        done = subprocess.run(
            [
                *(sys.executable, str(RUNNER), str(self.compile()), str(self.folder), str(self.root / "engine")),
                *(json.dumps(told), *words),
            ],
            cwd=self.root,
            env={**environment, "PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        *said, last = done.stdout.strip().splitlines() or [""]
        assert done.returncode == 0, done.stdout[-8000:]
        name = run or next(iter(self.runs() - known), "")
        attempts = tuple(sorted(ledger.records(self.store, name), key=lambda one: one.finished)) if name else ()
        return Ran(name, json.loads(last)["state"], "\n".join(said), attempts)

    def runs(self) -> set[str]:
        """The runs in the ledger."""
        folder = self.root / "artifacts" / "runs"
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def apply_here(self) -> dict[str, Any]:
        """The outcome of the same project on this machine, with stores of its own; its server is stopped."""
        done = self.call("apply", "-e", "here", "--yes", "-o", "json")
        self.call("destroy", "-e", "here", "--yes")
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome

    def call(
        self, *words: str, code: int = 0, environment: Mapping[str, str] = os.environ
    ) -> subprocess.CompletedProcess[str]:
        """The command line in the project's folder; it must end with this code."""
        done = subprocess.run(
            [sys.executable, "-m", "mlopsctl", *words],
            cwd=self.folder,
            env={"PYTHONPATH": str(CHECKOUT), **environment, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


def copied(source: Path, target: Path) -> Cluster:
    """A copy of a project."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".mlops", "__pycache__", "expected"))
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    target.chmod(0o755)
    return Cluster(target)
