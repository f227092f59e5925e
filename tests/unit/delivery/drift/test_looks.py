"""How often the rows must have drifted: k of the last n looks at other rows, since the champion took over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mlopsctl.delivery.drift.looks import Look, Seen, decide
from mlopsctl.triggers import DriftTrigger

MODEL = "sha256:" + "a" * 64


def loaded(*triggers: DriftTrigger) -> Any:
    return SimpleNamespace(project=SimpleNamespace(triggers=triggers))


def trigger(times: int, of: int, check: str | None = None, dataset: str = "flowers") -> DriftTrigger:
    return DriftTrigger.model_validate({"kind": "drift", "dataset": dataset, "times": times, "of": of, "check": check})


def looks(text: str, check: str = "lengths") -> tuple[Look, ...]:
    """Newest first: a letter for the rows, large where they drifted."""
    return tuple(
        Look(1000 - at, MODEL, (Seen("flowers", check, rows.casefold(), rows.isupper(), "moved"),))
        for at, rows in enumerate(text)
    )


@pytest.mark.parametrize(
    ("rule", "seen", "due"),
    [
        ((), "A", True),
        ((trigger(2, 3),), "A", False),
        ((trigger(2, 3),), "AAA", False),
        ((trigger(2, 3),), "AB", True),
        ((trigger(2, 3),), "AbC", True),
        ((trigger(2, 3),), "AbcD", False),
        ((trigger(3, 3),), "ABc", False),
        ((trigger(2, 2, check="widths"),), "AB", False),
        ((trigger(2, 2, check="widths"), trigger(1, 1)), "A", True),
        ((trigger(5, 5, dataset="others"),), "A", True),
    ],
)
def test_enough_of_the_last_looks_at_other_rows_must_have_drifted(
    rule: tuple[DriftTrigger, ...], seen: str, due: bool
) -> None:
    (decision,) = decide(loaded(*rule), looks(seen))
    assert decision.due is due, decision.reason


def test_rows_that_came_back_ask_for_nothing() -> None:
    assert decide(loaded(trigger(2, 3)), looks("aBC")) == ()
    assert decide(loaded(), ()) == ()


def test_the_reason_counts_the_looks_and_what_is_asked_for() -> None:
    (decision,) = decide(loaded(trigger(2, 3, check="lengths")), looks("AbC"))
    assert decision.reason == "flowers lengths drifted in 2 of the last 3 looks, and 2 of 3 are asked for"
    assert decision.look == looks("AbC")[0]
