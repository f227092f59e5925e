"""Executor inputs and pipelines by hand, and containers that are processes of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.components.spec import spec
from mlopsctl.pipeline.ir import ArtifactType, Input, Ref, Step
from mlopsctl.step import ledger
from mlopsctl.step.key import code_digests
from mlopsctl.step.portable import PortableStep, encode

ROOT = Path(__file__).parents[3]
RUN = "20260102T030405-abcdef"


def own(id: str, entrypoint: str, inputs: Mapping[str, Input] | None = None, **more: Any) -> Step:
    """A step that calls a function of the project and leaves one file."""
    wired = inputs or {}
    outputs = {"out": ArtifactType.FILE}
    return Step(
        id=id,
        component="own",
        component_version=spec("own").version,
        inputs=wired,
        outputs=outputs,
        parameters={
            "run": {"kind": "python", "entrypoint": entrypoint},
            "parameters": more.pop("parameters", {}),
            "inputs": {name: one.type.value for name, one in wired.items()},
            "outputs": {name: kind.value for name, kind in outputs.items()},
        },
        code=more.pop("code", (entrypoint.partition(":")[0] + ".py",)),
        **more,
    )


def reads(step: str, *, optional: bool = False) -> Input:
    return Input(Ref(step, "out"), ArtifactType.FILE, optional)


@dataclass
class Engine:
    """What an engine does for one run: hand pointers on, start containers, read what they give out."""

    project: Path
    run: str = RUN
    pointers: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    schema: str = "system.Artifact"

    @property
    def artifacts(self) -> Path:
        return self.project.parent / "store"

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(str(self.artifacts))

    def words(self, step: Step, *more: str, code: Mapping[str, str] | None = None) -> list[str]:
        """The command line of a step's container."""
        found = code if code is not None else code_digests(self.project, step.code)
        travels = PortableStep("demo", "dev", step, f"file://{self.artifacts}", code=found)
        return [
            *(sys.executable, "-P", "-m", "mlopsctl.step.container"),
            *("--step", encode(travels), "--executor-input", json.dumps(self.input(step)), *more),
        ]

    def input(self, step: Step) -> dict[str, Any]:
        root = self.project.parent / "engine" / self.run / step.id
        artifacts = {
            name: {"artifacts": [self.pointers[str(wired.ref)]]}
            for name, wired in step.inputs.items()
            if str(wired.ref) in self.pointers
        }
        outputs = {
            name: {"artifacts": [{"name": name, "uri": str(root / name), "type": {"schemaTitle": self.schema}}]}
            for name in step.outputs
        }
        return {
            "inputs": {"parameterValues": {"mlopsctl_run": self.run, **self.parameters}, "artifacts": artifacts},
            "outputs": {"artifacts": outputs, "outputFile": str(root / "executor_output.json")},
        }

    def start(self, step: Step, *more: str, **options: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("secrets", {})}
        return subprocess.Popen(
            self.words(step, *more, **options),
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )

    def do(self, step: Step, *more: str, **options: Any) -> Done:
        """Run the container to its end and take what it gave out."""
        process = self.start(step, *more, **options)
        out, err = process.communicate(timeout=60)
        given = self.input(step)
        file = Path(given["outputs"]["outputFile"])
        found = json.loads(file.read_text())["artifacts"] if process.returncode == 0 else {}
        for name, one in found.items():
            self.pointers[f"{step.id}.{name}"] = one["artifacts"][0]
        metadata = {name: one["artifacts"][0]["metadata"] for name, one in found.items()}
        return Done(process.returncode, out, err, metadata, list(ledger.records(self.store, self.run)))


@dataclass
class Done:
    """How a container ended: its exit code, what it said, the metadata of its outputs, all records of the run."""

    code: int
    out: str
    err: str
    outputs: dict[str, dict[str, Any]]
    records: list[Any]

    @property
    def record(self) -> Any:
        return self.records[-1]
