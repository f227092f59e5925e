"""Graphs: an order or a cycle, for any graph, of any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.graph import Cycle, ordered

names = st.sampled_from("abcdefgh")


@given(st.dictionaries(names, st.lists(names, max_size=4), max_size=8))
def test_everything_comes_after_what_it_needs_or_the_cycle_is_real(needs: dict[str, list[str]]) -> None:
    try:
        order = ordered(needs)
    except Cycle as cycle:
        assert cycle.path[0] == cycle.path[-1]
        assert all(after in needs[before] for before, after in zip(cycle.path, cycle.path[1:], strict=False))
        return
    place = {name: at for at, name in enumerate(order)}
    assert all(place[wanted] < place[name] for name, found in needs.items() for wanted in found)
    assert set(order) == {*needs, *(n for found in needs.values() for n in found)}


def test_declared_order_decides_where_the_graph_leaves_a_choice() -> None:
    assert ordered({"c": [], "a": [], "b": ["c"]}) == ("c", "a", "b")


def test_a_step_that_reads_itself_is_a_cycle() -> None:
    with pytest.raises(Cycle, match="a → a"):
        ordered({"a": ["a"]})


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    needs = {f"n{i}": [f"n{i - 1}"] if i else [] for i in range(10_000)}
    assert ordered(needs)[-1] == "n9999"
