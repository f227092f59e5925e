"""Did you mean: the nearest known word to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

# Longer words are not typing mistakes; comparing them would only cost time.
_LONGEST = 80
# Names in a project can be many; a hint is not worth comparing all of them.
_MOST = 2_000


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word a person most likely meant, or empty text when none is near.

    Near is an edit distance (insert, delete, replace, swap neighbours) of at most a third of the word's length and
    at least one; case and the choice between ``-`` and ``_`` cost nothing. Ties go to the word that shares the longer
    beginning and end, then to the first known.
    """
    typed = _folded(word)
    if not typed or len(typed) > _LONGEST:
        return ""
    best, best_rank = "", (max(1, len(typed) // 3) + 1, 0)
    for candidate in islice(known, _MOST):
        other = _folded(candidate)
        if abs(len(other) - len(typed)) > best_rank[0]:
            continue
        rank = (_distance(typed, other), -_shared(typed, other))
        if rank < best_rank and rank[0] < max(len(typed), len(other)):
            best, best_rank = candidate, rank
    return best


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def _shared(one: str, other: str) -> int:
    """How many characters the two have in common at the beginning and at the end."""
    return _common(one, other) + _common(one[::-1], other[::-1])


def _common(one: str, other: str) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _distance(one: str, other: str) -> int:
    """The least number of inserted, deleted, replaced or swapped neighbouring characters (Damerau, restricted)."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, left in enumerate(one, 1):
        current = [row]
        for column, right in enumerate(other, 1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (left != right))
            if row > 1 and column > 1 and left == other[column - 2] and one[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, above = above, current
    return above[-1]
