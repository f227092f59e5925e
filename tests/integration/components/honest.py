"""A component that behaves: it writes the texts it is told to, after a while, and says so."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.pipeline.ir import ArtifactType


class HonestParameters(Parameters):
    """``fail_first`` counts attempts to fail, counted in the project's file ``attempts``."""

    text: str = "text"
    seconds: float = 0.0
    fail_first: int = 0


SPEC = ComponentSpec(
    name="honest",
    version=1,
    inputs={},
    outputs={"model": ArtifactType.MODEL},
    parameters=HonestParameters,
)


def run(work: Work, parameters: HonestParameters) -> Notes:
    begun = time.monotonic()
    # Appended to, for steps run side by side.
    with (work.project / "attempts").open("a") as attempts:
        tried = attempts.tell()
        attempts.write("x")
    if tried < parameters.fail_first:
        raise OSError("the network is away")
    time.sleep(parameters.seconds)
    read = {name: (path / "file.txt").read_text() for name, path in work.inputs.items()}
    for path in work.outputs.values():
        (path / "file.txt").write_text(parameters.text)
    print("wrote", parameters.text)
    told = {
        "begun": begun,
        "ended": time.monotonic(),
        "read": read,
        "hash seed": os.environ.get("PYTHONHASHSEED", ""),
        "threads": os.environ.get("OMP_NUM_THREADS", ""),
        "token": os.environ.get("SECRET_TOKEN", "absent"),
        "descriptors": len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0,
        "folder": os.getcwd(),
    }
    return Notes(told, line=f"wrote {parameters.text}")
