"""How long a project of 1,000 steps takes to compile to KFP's IR, beside the kfp SDK's own compiler on the same graph.

Ours is timed twice, in this process: from the project's folder to the file, and from the pipeline to the file, which
is what the SDK does. The SDK runs in `.venvs/cloud`, told the same steps, wires, images and arguments; where that
environment is missing, its part is left out. What counts is the processor time of the process, for nothing here waits
for anybody, and the smallest of several: a busy machine only ever adds.
Limits: 1 second from the project, and 20 times faster than the SDK from the pipeline.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

STEPS, ROUNDS, LIMIT, TIMES = 1000, 7, 1.0, 20
CLOUD = Path(__file__).resolve().parents[1] / ".venvs" / "cloud" / "bin" / "python"
SDK = Path(__file__).with_name("compile_ir_sdk.py")
_IMAGE = f"registry.example.com/steps@sha256:{'a' * 64}"


def main() -> int:
    """Measure both sides, print, and fail where a limit is missed."""
    # As the command line does.
    gc.set_threshold(100_000, 50, 50)
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder))
        whole, alone, graph = ours(Path(folder))
        told = Path(folder) / "graph.json"
        told.write_text(json.dumps(graph))
        theirs = their_seconds(told)
    print(f"project to file: {STEPS} steps in {whole:.2f} s (limit {LIMIT:.0f} s)")
    print(f"pipeline to file: {alone:.2f} s")
    if theirs is None:
        print(f"kfp SDK: not measured, {CLOUD.parents[1].name} is missing (requirements/cloud.txt)")
        return 0 if whole <= LIMIT else 1
    print(f"kfp SDK, the same graph to a file: {theirs:.2f} s, {theirs / alone:.0f} times as long (limit {TIMES})")
    return 0 if whole <= LIMIT and theirs >= TIMES * alone else 1


def write_project(folder: Path) -> None:
    """Steps that each read two earlier ones, a run-time parameter, and are repeated when they fail."""
    lines = ["version: 1", "name: big", "parameters: {depth: 3}", "components:"]
    for number in range(STEPS):
        read = sorted({number - 1, number // 2} - {number, -1})
        inputs = ", ".join(f"in{at}: step-{other:04d}.out" for at, other in enumerate(read))
        lines.append(
            f"  step-{number:04d}: {{run: {{kind: command, command: [work]}}, inputs: {{{inputs}}}, "
            "outputs: {out: File}, parameters: {depth: '${parameters.depth}'}, retry: {attempts: 2}}"
        )
    lines.append("stores: {artifacts: gs://example/artifacts}")
    lines.append(f"orchestrator: {{kind: kfp, host: 'https://kfp.example.com', image: '{_IMAGE}'}}")
    (folder / "mlops.yaml").write_text("\n".join(lines) + "\n")


def ours(folder: Path) -> tuple[float, float, list[object]]:
    """Seconds from the project and from the pipeline to the file, and the graph for the other side."""
    from mlopsctl.config.load import load_project
    from mlopsctl.delivery.compile import compile_for, write_bundles
    from mlopsctl.lowering.lower import lower
    from mlopsctl.orchestrators.kfp.compile import compile_kfp

    def project_to_file() -> None:
        loaded = load_project(folder)
        write_bundles([compile_for(loaded, "kfp")], loaded, folder / "out")

    loaded = load_project(folder)
    lowered = lower(loaded)
    target = folder / "pipeline.yaml"

    def pipeline_to_file() -> None:
        bundle = compile_kfp(loaded, lowered)
        target.write_bytes(bundle.files[bundle.main])

    whole, alone = fastest(project_to_file), fastest(pipeline_to_file)
    size = len(target.read_bytes()) // STEPS
    graph: list[object] = [
        {
            "name": step.id,
            "inputs": {name: [wired.ref.step, wired.ref.output] for name, wired in step.inputs.items()},
            "outputs": list(step.outputs),
            "image": step.image,
            "says": "x" * (size // 2),
        }
        for step in lowered.pipeline.steps
    ]
    return whole, alone, graph


def fastest(work: Callable[[], None]) -> float:
    """The smallest processor time of several."""
    taken = []
    for _ in range(ROUNDS):
        gc.collect()
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def their_seconds(told: Path) -> float | None:
    """What the SDK takes, in an environment that has it; ``None`` without one."""
    if not CLOUD.exists():
        return None
    ended = subprocess.run([str(CLOUD), "-P", str(SDK), str(told)], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"the SDK's side failed: {ended.stderr[-2000:]}")
    return float(ended.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
