"""Graphs of names: an order in which everything comes after what it needs, or the cycle that forbids one. Iterative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import cast


class Cycle(Exception):
    """A graph that goes in a circle; ``path`` names it, first and last the same."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        super().__init__(" → ".join(self.path))


def ordered(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The names in an order where each comes after all it needs; declared order where the graph leaves a choice.

    Args:
        needs: what each name needs. A needed name that is no key is taken as one without needs.

    Raises:
        Cycle: when there is no such order.
    """
    known = {name: tuple(wanted) for name, wanted in needs.items()}
    declared = {name: at for at, name in enumerate(dict.fromkeys([*known, *(n for w in known.values() for n in w)]))}
    sorter = TopologicalSorter(known)
    try:
        sorter.prepare()
    except CycleError as error:
        raise Cycle(tuple(reversed(cast(list[str], error.args[1])))) from None
    return _in_declared_order(sorter, declared)


def _in_declared_order(sorter: TopologicalSorter[str], declared: Mapping[str, int]) -> tuple[str, ...]:
    from heapq import heappop, heappush

    ready: list[tuple[int, str]] = []
    order: list[str] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, (declared[name], name))
        _, name = heappop(ready)
        order.append(name)
        sorter.done(name)
    return tuple(order)
