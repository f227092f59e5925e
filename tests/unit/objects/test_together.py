"""Doing one thing to many items, some at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mlopsctl.objects.together import together


@pytest.mark.parametrize("workers", [1, 4])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.01 if number == 0 else 0)
        return number * 2

    assert list(together(workers, slow_first, range(50))) == [number * 2 for number in range(50)]


def test_no_more_than_so_many_run_at_a_time_and_the_items_are_not_taken_all_at_once() -> None:
    running, most = 0, 0
    taken: list[int] = []
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001)
        with lock:
            running -= 1

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = together(3, work, items())
    next(results)
    assert len(taken) < 10
    assert len(list(results)) == 99
    assert 1 < most <= 3


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_failure_ends_it(workers: int) -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        list(together(workers, work, range(1000)))
    assert len(begun) < 20
