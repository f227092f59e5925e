"""The containers of a compiled pipeline: image, command, arguments, and what they ask of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.orchestrators.ir.contract import EXECUTOR_INPUT, Placed, Settings
from mlopsctl.pipeline.ir import WHEN, Pipeline, Resources, Step
from mlopsctl.step.portable import PortableRun, PortableStep, encode
from mlopsctl.step.portable_fields import Order

LONGEST_ARGUMENT = 128 * 1024 - 1
"""Bytes: Linux starts no program with a longer argument."""

SKIPPED = "its `when` is false"
_GIBI, _MEBI = 1 << 30, 1 << 20
_STEP, _BEGIN, _END = "mlopsctl.step.container", "mlopsctl.delivery.inside.begin", "mlopsctl.delivery.inside.end"


def unpinned(project: str) -> str:
    """What stands where a project has no image yet; the name of no image that anybody can have."""
    return f"unpinned.invalid/{project}"


def step_container(step: Step, settings: Settings, *, skip: bool, carried: bool = False) -> dict[str, Json]:
    """The container of a step; with ``skip`` it only records that the step does not run.

    Args:
        carried: some step of the pipeline may run after a failure; see :class:`~mlopsctl.step.portable.Order`.
    """
    order = Order.CARRIED if carried else Order.JUDGED if step.is_ordered else Order.DATA
    travels = PortableStep(
        project=settings.project,
        environment=settings.environment,
        # Whoever passes the condition decides about it; the container is told.
        step=replace(step, bindings={path: name for path, name in step.bindings.items() if path != WHEN}),
        artifacts=settings.artifacts,
        tracking=settings.tracking,
        code={file: settings.code[file] for file in step.code},
        order=order,
    )
    words = ["--step", encode(travels), *_told(settings), *(["--skip", SKIPPED] if skip else [])]
    placed = settings.placed.get(step.id, Placed())
    return _container(
        step.image or unpinned(settings.project), _STEP, words, None if skip else _resources(step.resources, placed)
    )


def our_containers(pipeline: Pipeline, settings: Settings) -> tuple[dict[str, Json], dict[str, Json]]:
    """The containers of the first and the last task."""
    run = PortableRun(
        project=settings.project,
        environment=settings.environment,
        pipeline=pipeline.digest,
        artifacts=settings.artifacts,
        tracking=settings.tracking,
        metadata=settings.metadata,
        wanted=tuple(sorted({name for step in pipeline.steps for name in step.state_inputs})),
        notify=settings.notify,
        steps=tuple(step.id for step in pipeline.steps),
        carried=pipeline.outlives_failures,
    )
    image = next((step.image for step in pipeline.steps if step.image), unpinned(settings.project))
    words = ["--run", encode(run), *_told(settings)]
    return _container(image, _BEGIN, words, None), _container(image, _END, words, None)


def too_long(executor: Mapping[str, Json]) -> int:
    """The bytes of the container's longest argument where no program can be given it; else 0."""
    container = executor["container"]
    words = container["args"] if isinstance(container, Mapping) else ()
    longest = max(len(word.encode()) for word in words if isinstance(word, str)) if isinstance(words, list) else 0
    return longest if longest > LONGEST_ARGUMENT else 0


def refusal(id: str, size: int, settings: Settings) -> Diagnostic:
    """That a step says more than a container can be told."""
    return Diagnostic(
        "too-large",
        f"the step {id} has {size} bytes of parameters and code digests; a container takes {LONGEST_ARGUMENT}",
        settings.spans.get(id),
        "move long lists and texts into a file of the project that the step reads",
    )


def _told(settings: Settings) -> list[str]:
    return ["--executor-input", EXECUTOR_INPUT, "--job", settings.job]


def _container(image: str, module: str, words: Sequence[str], resources: Json) -> dict[str, Json]:
    return {
        "container": {
            "image": image,
            "command": ["python3", "-P", "-m", module],
            "args": list(words),
            **({"resources": resources} if resources else {}),
        }
    }


def _resources(asked: Resources, placed: Placed) -> dict[str, Json]:
    """Limits, which are requests too: once as numbers (cores, gigabytes) and once in the units of Kubernetes."""
    found: dict[str, Json] = {}
    if asked.cpu is not None:
        found |= {"cpuLimit": float(asked.cpu), "resourceCpuLimit": _cores(asked.cpu)}
    if asked.memory is not None:
        found |= {"memoryLimit": asked.memory / 1e9, "resourceMemoryLimit": _bytes(asked.memory)}
    if placed.count:
        found["accelerator"] = {
            "type": placed.accelerator,
            "count": str(placed.count),
            "resourceType": placed.accelerator,
            "resourceCount": str(placed.count),
        }
    return found


def _cores(cpu: float) -> str:
    thousandths = max(1, round(cpu * 1000))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def _bytes(memory: int) -> str:
    for unit, size in (("Gi", _GIBI), ("Mi", _MEBI)):
        if memory % size == 0:
            return f"{memory // size}{unit}"
    return str(memory)
