"""The kfp SDK's side of `compile_ir.py`: a graph said in its language and compiled; prints the seconds.

It runs where kfp is installed. Annotations are read by the SDK as values, so they are not put off here.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

ROUNDS = 2


def main() -> None:
    """Compile the graph of a file, beside it; the smallest time counts."""
    warnings.simplefilter("ignore")
    told = Path(sys.argv[1])
    graph = json.loads(told.read_text())
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        compile_graph(graph, told.with_suffix(".yaml"))
        taken.append(time.process_time() - started)
    print(min(taken))


@dsl.container_component  # type: ignore[untyped-decorator]
def end(mlopsctl_run: str, status: dsl.PipelineTaskFinalStatus):  # type: ignore[no-untyped-def]
    """The last task."""
    return dsl.ContainerSpec(image="registry.example.com/steps", command=["python3"], args=["{{$}}"])


def compile_graph(graph: list[Mapping[str, Any]], target: Path) -> None:
    """Trace the pipeline and write it."""

    def body(mlopsctl_run: str = "", depth: int = 3) -> None:
        with dsl.ExitHandler(end(mlopsctl_run=mlopsctl_run)):
            tasks: dict[str, Any] = {}
            for step in graph:
                given = {name: tasks[producer].outputs[output] for name, (producer, output) in step["inputs"].items()}
                task = component(step)(mlopsctl_run=mlopsctl_run, depth=depth, **given)
                task.set_caching_options(False).set_retry(num_retries=2, backoff_duration="0s", backoff_factor=1.0)
                tasks[step["name"]] = task

    compiler.Compiler().compile(dsl.pipeline(name="big")(body), str(target))


def component(step: Mapping[str, Any]) -> Callable[..., Any]:
    """A container component with a step's inputs and outputs."""
    kinds: dict[str, Any] = {
        **dict.fromkeys(step["inputs"], dsl.Input[dsl.Artifact]),
        "mlopsctl_run": str,
        "depth": int,
    }
    kinds |= dict.fromkeys(step["outputs"], dsl.Output[dsl.Artifact])

    def container(*_: Any, **__: Any) -> Any:
        return dsl.ContainerSpec(
            image=step["image"],
            command=["python3", "-P", "-m", "mlopsctl.step.container"],
            args=["--step", step["says"], "--executor-input", "{{$}}", "--job", "{{$.pipeline_job_uuid}}"],
        )

    container.__name__ = step["name"].replace("-", "_")
    container.__annotations__ = kinds
    container.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in kinds.items()]
    )
    made: Callable[..., Any] = dsl.container_component(container)
    return made


if __name__ == "__main__":
    main()
