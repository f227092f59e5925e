"""Texts are cut to what has room, never inside what a reader sees as one character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.cut import cut, fitted

FAMILY = "👨‍👩‍👧‍👦"
CLUSTERS = [FAMILY, "🇩🇪", "é", "e\u0301", "👍🏽", "❤️", "a", "\n", "漢", "🏴\U000e0067\U000e0062\U000e007f"]


def test_a_short_text_stays() -> None:
    assert cut("abc", 3) == "abc"


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("most", range(60, 72))
def test_no_character_is_cut_in_two(cluster: str, most: int) -> None:
    shown = cut(cluster * 40, most, "")
    assert len(shown.encode()) <= most
    rest = (cluster * 40).removeprefix(shown)
    if cluster.strip():
        assert shown == cluster * (len(shown) // len(cluster))
        assert rest == cluster * (len(rest) // len(cluster))


@pytest.mark.parametrize("extra", range(-2, 4))
def test_the_65536th_character_inside_an_emoji(extra: int) -> None:
    text = "x" * (65_535 - 6 + extra) + FAMILY + "tail"
    shown = cut(text, 65_535)
    assert len(shown.encode()) <= 65_535
    assert FAMILY not in shown or shown.count("\u200d") == 3
    assert "\u200d" not in shown.removesuffix("…")[-1:]


@given(st.text(max_size=300), st.integers(0, 200))
def test_the_cut_text_has_room_and_is_a_beginning(text: str, most: int) -> None:
    shown = cut(text, most)
    assert len(shown.encode()) <= most
    whole = text.encode("utf-8", "replace").decode()
    assert shown == whole or whole.startswith(shown.removesuffix("…"))


@given(st.lists(st.sampled_from(CLUSTERS), max_size=60), st.integers(0, 150))
def test_clusters_stay_whole(clusters: list[str], most: int) -> None:
    text = "".join(clusters)
    shown = cut(text, most, "")
    ends, length = {0}, 0
    for cluster in clusters:
        length += len(cluster)
        ends.add(length)
    stripped = {len(text[:end].rstrip()) for end in ends}
    # Flags side by side may pair otherwise than they were written, and are then still whole.
    assert len(shown) in ends | stripped or "🇩🇪🇩🇪" in text


@given(st.lists(st.text(max_size=80), max_size=20), st.integers(20, 400))
def test_blocks_are_kept_whole_or_left_out(blocks: list[str], most: int) -> None:
    note = "(more)"
    shown = fitted(blocks, most, note)
    assert len(shown.encode()) <= most or not blocks
    clean = [block.encode("utf-8", "replace").decode() for block in blocks]
    if shown == "\n\n".join(clean):
        return
    assert shown.endswith(note)


def test_the_first_blocks_are_kept_first() -> None:
    shown = fitted(["a" * 10, "b" * 100, "c" * 10], 60, "(more)")
    assert shown == "a" * 10 + "\n\n" + "c" * 10 + "\n\n(more)"
