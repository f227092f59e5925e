"""The task details of a run, as the server reads them from Argo: a driver, a group and a pod for each task, nested."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

Thing = dict[str, Any]
_BEGUN = {"RUNNING", "SUCCEEDED", "FAILED", "SKIPPED"}


def nodes(run: str, spec: Mapping[str, Any], states: Mapping[str, str], now: str) -> list[Thing]:
    """The details of a run whose tasks stand as ``states`` says, by task name. ``DRIVING`` and ``DRIVER FAILED`` are a
    task before its container; ``OMITTED`` is what Argo leaves out because something before it failed."""
    if not states:
        return []
    made = _Nodes(run, spec, states, now)
    made.root()
    return sorted(made.details, key=lambda one: one["task_id"])


class _Nodes:
    def __init__(self, run: str, spec: Mapping[str, Any], states: Mapping[str, str], now: str) -> None:
        self.run, self.spec, self.states, self.now = run, spec, states, now
        self.details: list[Thing] = []

    def root(self) -> None:
        inner = list(self.within("root", self.spec["root"]))
        outer = self.node("root", "root", "RUNNING", inner)
        self.node("root-driver", "system-dag-driver", "SUCCEEDED", [outer], "entry")
        self.node(f"flow-{self.run[:5]}", "entrypoint", "RUNNING", [], "")

    def within(self, place: str, component: Mapping[str, Any]) -> Iterator[str]:
        """The nodes of the tasks of a graph; what is given out are the ids of their drivers."""
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            of = self.spec["components"][task["componentRef"]["name"]]
            here = f"{place}.{name}"
            if "dag" in of:
                before = len(self.details)
                inner = list(self.within(here, of))
                if inner:
                    group = self.node(name, "group", self.states.get(name) or self.together(before), inner, here)
                    yield self.node(f"{name}-driver", "system-dag-driver", "SUCCEEDED", [group], here)
            elif name in self.states:
                yield from self.container(name, here)

    def together(self, since: int) -> str:
        """How a graph stands whose nodes were added since then."""
        states = {one["state"] for one in self.details[since:]}
        return next((state for state in ("RUNNING", "PENDING", "FAILED") if state in states), "SUCCEEDED")

    def container(self, name: str, place: str) -> Iterator[str]:
        state = self.states[name]
        if state == "OMITTED":
            yield self.node(name, "system-container-executor", "RUNTIME_STATE_UNSPECIFIED", [], place)
        elif state in ("DRIVING", "DRIVER FAILED"):
            stands = "RUNNING" if state == "DRIVING" else "FAILED"
            yield self.node(f"{name}-driver", "system-container-driver", stands, [], place)
        else:
            pod = [self.node("executor", "system-container-impl", state, [], place)] if state in _BEGUN else []
            group = self.node(name, "system-container-executor", state, pod, place)
            yield self.node(f"{name}-driver", "system-container-driver", "SUCCEEDED", [group], place)

    def node(self, name: str, template: str, state: str, children: list[str], place: str = "root") -> str:
        """Add a node; its id, which differs from its pod's name by the template in it."""
        number = zlib.crc32(f"{self.run} {place} {name}".encode())
        self.details.append(
            {
                "run_id": self.run,
                "task_id": f"{number:08x}",
                "display_name": name,
                "create_time": self.now,
                "start_time": self.now,
                "end_time": "1970-01-01T00:00:00Z",
                "state": state,
                "execution_id": "0",
                "pod_name": f"flow-{template}-{number}",
                **({"child_tasks": [{"pod_name": child} for child in children]} if children else {}),
            }
        )
        return f"flow-{number}"
