"""How a run and its tasks stand, out of what the server says of them.

The server lists what Argo runs, not the tasks of the pipeline. A task ``train`` is there as ``train-driver`` (a pod
that makes up its inputs), ``train`` (a group) and ``executor`` (its pod, one for each attempt). Tasks within another
task's graph stand in the same flat list. They are found by their names; where other nodes have such a name too (a step
called ``executor``), a task's node is the one that its driver leads to. Of a step called ``root`` nothing is said: the
whole graph looks just like it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlopsctl.ground.digest import Json
from mlopsctl.orchestrators.contract import EngineRun, RunState
from mlopsctl.orchestrators.kfp.marks import read_mark
from mlopsctl.orchestrators.kfp.things import RUN, inner, listed, milliseconds, text

_STATES = {
    "PENDING": RunState.PENDING,
    "RUNNING": RunState.RUNNING,
    "PAUSED": RunState.RUNNING,
    "CANCELING": RunState.RUNNING,
    "SUCCEEDED": RunState.SUCCESS,
    "SKIPPED": RunState.SKIPPED,
    "FAILED": RunState.FAILED,
    "CANCELED": RunState.CANCELED,
}
_DRIVER = "-driver"
_WHOLE, _POD = "root", "executor"
_MOST_WORDS = 5


def engine_run(run: Mapping[str, Json], names: frozenset[str] | None, pages: str) -> EngineRun:
    """A run of the server's.

    Args:
        names: of the pipeline's tasks; ``None`` where they are not known.
        pages: the URL of the server's web pages.
    """
    id = text(run, "run_id")
    known = read_mark(text(run, "description"))
    state = run_state(run)
    details = listed(inner(run, "run_details"), "task_details")
    return EngineRun(
        id=id,
        run=known.more.get(RUN, "") if known is not None else "",
        state=state,
        started=milliseconds(text(run, "created_at")),
        url=f"{pages.rstrip('/')}/#/runs/details/{id}",
        tasks=dict(sorted(_tasks(details, names, state))),
        message="; ".join(_messages(run, details)),
        schedule=text(run, "recurring_run_id"),
    )


def run_state(run: Mapping[str, Json]) -> RunState:
    """How a run stands; one that the engine below has not reported yet is pending."""
    return _STATES.get(text(run, "state"), RunState.PENDING)


def task_names(spec: Mapping[str, Json]) -> frozenset[str]:
    """The names of all tasks of a pipeline (``PipelineSpec``), those within other tasks too."""
    # With settings for Kubernetes beside it, the server keeps the pipeline one level deeper.
    spec = inner(spec, "pipeline_spec") or spec
    components = inner(spec, "components").values()
    graphs = [inner(spec, "root"), *(one for one in components if isinstance(one, Mapping))]
    return frozenset(name for graph in graphs for name in inner(graph, "dag", "tasks"))


def _tasks(
    details: Sequence[Mapping[str, Json]], names: frozenset[str] | None, run: RunState
) -> Iterator[tuple[str, RunState]]:
    by_name: dict[str, list[Mapping[str, Json]]] = {}
    for detail in details:
        by_name.setdefault(text(detail, "display_name"), []).append(detail)
    for name in (names if names is not None else _likely(by_name)) - {_WHOLE}:
        drivers = by_name.get(f"{name}{_DRIVER}", [])
        node = _node(name, by_name.get(name, []), drivers)
        state = _STATES.get(text(node, "state")) if node is not None else _driven(drivers)
        if state is RunState.FAILED and run is RunState.CANCELED:
            # What is stopped, the engine below calls failed.
            state = RunState.CANCELED
        if state is not None:
            yield name, state


def _node(
    name: str, nodes: Sequence[Mapping[str, Json]], drivers: Sequence[Mapping[str, Json]]
) -> Mapping[str, Json] | None:
    led_to = {_number(text(child, "pod_name")) for driver in drivers for child in listed(driver, "child_tasks")}
    linked = [node for node in nodes if _number(text(node, "pod_name")) in led_to]
    if linked:
        return linked[0]
    # A name that Argo's own nodes have too says nothing without the link.
    certain = len(nodes) == 1 and name != _POD and not name.endswith(_DRIVER)
    return nodes[0] if certain else None


def _driven(drivers: Sequence[Mapping[str, Json]]) -> RunState | None:
    """A task whose container has not begun: not yet, or never, when its driver failed."""
    states = {_STATES.get(text(driver, "state")) for driver in drivers}
    if RunState.FAILED in states:
        return RunState.FAILED
    return RunState.PENDING if states & {RunState.RUNNING, RunState.PENDING} else None


def _number(pod: str) -> str:
    """What a node's id and its pod's name share: the number at the end."""
    return pod.rpartition("-")[2]


def _likely(by_name: Mapping[str, object]) -> frozenset[str]:
    """Names of tasks, guessed: those that have a driver."""
    return frozenset(name for name in by_name if f"{name}{_DRIVER}" in by_name)


def _messages(run: Mapping[str, Json], details: Sequence[Mapping[str, Json]]) -> list[str]:
    """What the server says of failures, the run's before its tasks', each once."""
    found: dict[str, None] = {}
    for thing in (run, *details):
        name = text(thing, "display_name") if thing is not run else ""
        for said in (thing, *listed(thing, "state_history")):
            if message := text(inner(said, "error"), "message"):
                found[f"{name}: {message}" if name else message] = None
    return list(found)[:_MOST_WORDS]
