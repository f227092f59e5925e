"""Distances between distributions: against SciPy, and the properties that make them distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import chebyshev, jensenshannon
from scipy.special import rel_entr

from mlopsctl.checks.distance import LEAST_SHARE, jensen_shannon, l_infinity, psi

DISTANCES = [l_infinity, jensen_shannon, psi]
BOUNDS = {l_infinity: 1.0, jensen_shannon: 1.0, psi: 2 * np.log(1 / LEAST_SHARE)}

rows = st.integers(0, 10**12)
pairs = (
    st.integers(1, 30)
    .flatmap(lambda n: st.tuples(st.lists(rows, min_size=n, max_size=n), st.lists(rows, min_size=n, max_size=n)))
    .filter(lambda pair: sum(pair[0]) > 0 and sum(pair[1]) > 0)
)


@given(pairs)
def test_l_infinity_is_chebyshevs_distance_of_the_shares(pair: tuple[list[int], list[int]]) -> None:
    p, q = (np.array(side) / sum(side) for side in pair)
    assert l_infinity(*pair) == pytest.approx(chebyshev(p, q), abs=1e-12)


@given(pairs)
def test_jensen_shannon_is_the_square_of_scipys(pair: tuple[list[int], list[int]]) -> None:
    expected = jensenshannon(*pair, base=2) ** 2
    assert jensen_shannon(*pair) == pytest.approx(0.0 if np.isnan(expected) else expected, abs=1e-9)


@given(pairs)
def test_psi_is_the_sum_of_both_relative_entropies_of_the_smoothed_shares(pair: tuple[list[int], list[int]]) -> None:
    p, q = (np.maximum(np.array(side) / sum(side), LEAST_SHARE) for side in pair)
    p, q = p / p.sum(), q / q.sum()
    assert psi(*pair) == pytest.approx(rel_entr(p, q).sum() + rel_entr(q, p).sum(), abs=1e-9)


@pytest.mark.parametrize("distance", DISTANCES)
@given(pair=pairs)
def test_a_distance_is_symmetric_and_bounded(distance: object, pair: tuple[list[int], list[int]]) -> None:
    assert callable(distance)
    found = distance(*pair)
    assert found == pytest.approx(distance(*reversed(pair)), abs=1e-9)
    assert 0 <= found <= BOUNDS[distance]  # type: ignore[index]


@pytest.mark.parametrize("distance", DISTANCES)
@given(pair=pairs, times=st.integers(1, 1000))
def test_the_same_distribution_has_no_distance_to_itself_however_many_rows_it_has(
    distance: object, pair: tuple[list[int], list[int]], times: int
) -> None:
    assert callable(distance)
    assert distance(pair[0], [count * times for count in pair[0]]) == pytest.approx(0, abs=1e-9)


def test_what_has_nothing_in_common_is_as_far_as_can_be() -> None:
    assert l_infinity([5, 0], [0, 7]) == 1
    assert jensen_shannon([5, 0], [0, 7]) == 1
    assert psi([5, 0], [0, 7]) == pytest.approx(18.4, abs=0.05)


@pytest.mark.parametrize("distance", DISTANCES)
def test_no_rows_have_no_distribution(distance: object) -> None:
    assert callable(distance)
    with pytest.raises(ValueError, match="needs rows"):
        distance([0, 0], [1, 2])
