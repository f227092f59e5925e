"""Graphs are drawn from top to bottom, without boxes on each other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.render.report.layout import layout, reduced

NODES = [f"n{at}" for at in range(12)]
PAIRS = st.tuples(st.integers(0, 11), st.integers(0, 11))
GRAPHS = st.lists(PAIRS, max_size=30).map(lambda pairs: [(NODES[a], NODES[b]) for a, b in pairs])


def reach(wires: list[tuple[str, str]]) -> set[tuple[str, str]]:
    found = set(wires)
    while True:
        more = {(a, d) for a, b in found for c, d in found if b == c} - found
        if not more:
            return found
        found |= more


@given(GRAPHS)
def test_every_line_runs_down_layer_by_layer(wires: list[tuple[str, str]]) -> None:
    found = layout(NODES, wires)
    for (a, b), points in found.lines.items():
        assert points[0] == found.places[a]
        assert points[-1] == found.places[b]
        assert all(after[1] == before[1] + 1 for before, after in pairwise(points))


@given(GRAPHS)
def test_no_box_stands_on_another(wires: list[tuple[str, str]]) -> None:
    found = layout(NODES, wires)
    by_layer: dict[int, list[float]] = {}
    for x, y in found.places.values():
        by_layer.setdefault(y, []).append(x)
        assert -1e-9 <= x <= found.width - 1 + 1e-9
        assert 0 <= y < found.height
    for places in by_layer.values():
        assert all(right - left >= 1 - 1e-9 for left, right in pairwise(sorted(places)))


@given(GRAPHS)
def test_leaving_wires_out_changes_nothing_about_what_comes_before_what(wires: list[tuple[str, str]]) -> None:
    forward = list(dict.fromkeys((a, b) for a, b in wires if NODES.index(a) < NODES.index(b)))
    kept = reduced(NODES, forward)
    assert set(kept) <= set(forward)
    assert reach(kept) == reach(forward)


@given(GRAPHS)
def test_the_same_graph_is_drawn_the_same(wires: list[tuple[str, str]]) -> None:
    assert layout(NODES, wires) == layout(NODES, wires)


def test_an_empty_graph_has_no_places() -> None:
    assert layout([], []).places == {}


def test_a_chain_is_one_column() -> None:
    found = layout(NODES, list(pairwise(NODES)))
    assert {x for x, _ in found.places.values()} == {0.0}
    assert found.height == len(NODES)
