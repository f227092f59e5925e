"""Where the boxes of a graph stand and how its lines run: layers from top to bottom, few crossings.

1. Leave out wires that a longer way implies.
2. Put each step one layer below the lowest step it reads; long wires get a bend in every layer they pass.
3. Order each layer by the mean place of its neighbours, a few times up and down.
4. Place: steps stand below what they read as far as their neighbours in the layer let them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in units: ``x`` counts boxes from the left, ``y`` layers from the top.

    ``lines`` are the points of each wire, with its ends.
    """

    places: Mapping[str, tuple[float, int]]
    lines: Mapping[tuple[str, str], tuple[tuple[float, int], ...]]
    width: float
    height: int


def layout(nodes: Sequence[str], wires: Sequence[tuple[str, str]]) -> Layout:
    """The places of the nodes, which stand in an order that goes with the wires; a wire against it is left out."""
    order = {node: at for at, node in enumerate(nodes)}
    forward = [(a, b) for a, b in dict.fromkeys(wires) if a in order and b in order and order[a] < order[b]]
    kept = reduced(nodes, forward)
    level = _levels(nodes, kept)
    layers: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for node in nodes:
        layers[level[node]].append(node)
    links: list[tuple[str, str]] = []
    chains: dict[tuple[str, str], list[str]] = {}
    for a, b in kept:
        chain = [a, *(f"\0{a}\0{b}\0{at}" for at in range(level[a] + 1, level[b])), b]
        for at, bend in enumerate(chain[1:-1], start=level[a] + 1):
            layers[at].append(bend)
        chains[a, b] = chain
        links += pairwise(chain)
    _untangle(layers, links)
    x = _columns(layers, links)
    y = {node: at for at, layer in enumerate(layers) for node in layer}
    left = min(x.values(), default=0.0)
    return Layout(
        places={node: (x[node] - left, y[node]) for node in nodes},
        lines={wire: tuple((x[one] - left, y[one]) for one in chain) for wire, chain in chains.items()},
        width=max(x.values(), default=0.0) - left + 1,
        height=len(layers),
    )


def reduced(nodes: Sequence[str], wires: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The wires without those that a longer way implies."""
    after: dict[str, set[str]] = defaultdict(set)
    for a, b in wires:
        after[a].add(b)
    reach: dict[str, set[str]] = {}
    for node in reversed(nodes):
        reach[node] = set(after[node]).union(*(reach.get(one, set()) for one in after[node]))
    return [(a, b) for a, b in wires if not any(b in reach.get(other, ()) for other in after[a] if other != b)]


def _levels(nodes: Sequence[str], wires: Sequence[tuple[str, str]]) -> dict[str, int]:
    level = dict.fromkeys(nodes, 0)
    before: dict[str, list[str]] = defaultdict(list)
    for a, b in wires:
        before[b].append(a)
    for node in nodes:
        level[node] = max((level[one] + 1 for one in before[node]), default=0)
    return level


def _untangle(layers: list[list[str]], links: Sequence[tuple[str, str]]) -> None:
    above, below = _neighbours(links)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        beside = above if down else below
        for at in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            known = {node: place for place, node in enumerate(layers[at - 1 if down else at + 1])}
            own = {node: place for place, node in enumerate(layers[at])}
            layers[at].sort(key=lambda node: (_mean([known[one] for one in beside[node]], own[node]), own[node]))


def _columns(layers: Sequence[Sequence[str]], links: Sequence[tuple[str, str]]) -> dict[str, float]:
    above, below = _neighbours(links)
    x = {node: place - (len(layer) - 1) / 2 for layer in layers for place, node in enumerate(layer)}
    for sweep in range(SWEEPS):
        beside = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = {node: _mean([x[one] for one in beside[node]], x[node]) for node in layer}
            _spread(layer, wanted)
            x |= wanted
    return x


def _spread(layer: Sequence[str], wanted: dict[str, float]) -> None:
    """Keep one unit between neighbours, and the layer's middle where it wants to be."""
    if not layer:
        return
    middle = sum(wanted.values()) / len(wanted)
    for left, right in pairwise(layer):
        wanted[right] = max(wanted[right], wanted[left] + 1)
    moved = sum(wanted.values()) / len(wanted) - middle
    for node in layer:
        wanted[node] -= moved


def _neighbours(links: Sequence[tuple[str, str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for a, b in links:
        above[b].append(a)
        below[a].append(b)
    return above, below


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise
