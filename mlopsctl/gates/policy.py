"""Two sets of gates compared: what was added, removed, weakened or strengthened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlopsctl.gates import Change, Gate
from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.ground.numbers import exact

Kind = Literal["added", "removed", "weakened", "strengthened", "changed"]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What happened to one gate, with the reason in one line (``min 0.6 → 0.5``).

    ``changed`` is a gate that judges something else now, so that neither rule implies the other.
    """

    name: str
    change: Kind
    reason: str

    @property
    def may_weaken(self) -> bool:
        """Whether a model that the old rule stopped may pass now."""
        return self.change in {"removed", "weakened", "changed"}


def rule_digest(gate: Json) -> str:
    """The identity of one gate as data: whoever breaks it by hand has seen this very rule refuse."""
    return digest_json("mlopsctl/gate/v1", gate)


def compare_policies(old: Sequence[Gate], new: Sequence[Gate]) -> tuple[PolicyChange, ...]:
    """The changes from one policy to another: first the new gates in their order, then those that are gone.

    Gates are matched by name. A gate that is weaker in one way and stronger in another counts as weakened.
    """
    before = {gate.name: gate for gate in old}
    after = {gate.name for gate in new}
    found = [_compared(before.get(gate.name), gate) for gate in new]
    found += [PolicyChange(gate.name, "removed", describe(gate)) for gate in old if gate.name not in after]
    return tuple(change for change in found if change is not None)


def describe(gate: Gate) -> str:
    """The rule in one line: ``accuracy min 0.5 on every Wilderness_Area``."""
    words = [gate.metric]
    if isinstance(gate, Change):
        words = ["relative change of" if gate.relative else "change of", gate.metric, "against", gate.against]
    words += [f"{key} {exact(bound)}" for key, bound in (("min", gate.min), ("max", gate.max)) if bound is not None]
    if isinstance(gate, Change) and gate.confidence is not None:
        words.append(f"at confidence {exact(gate.confidence)}")
    if gate.columns:
        words.append(f"on every {' × '.join(gate.columns)} of {gate.min_rows} rows")
    return " ".join(words)


def _compared(old: Gate | None, new: Gate) -> PolicyChange | None:
    if old is None:
        return PolicyChange(new.name, "added", describe(new))
    if old == new:
        return None
    if _subject(old) != _subject(new):
        return PolicyChange(new.name, "changed", f"{describe(old)} → {describe(new)}")
    steps = list(_steps(old, new))
    if not steps:
        return None
    weaker = any(weaker for weaker, _ in steps)
    return PolicyChange(new.name, "weakened" if weaker else "strengthened", ", ".join(text for _, text in steps))


def _subject(gate: Gate) -> tuple[object, ...]:
    """What the gate judges; two gates with the same subject differ only in how strict they are."""
    compared = (gate.against, gate.relative) if isinstance(gate, Change) else ()
    return (gate.kind_name, gate.metric, gate.columns, *compared)


def _steps(old: Gate, new: Gate) -> Iterable[tuple[bool, str]]:
    """Each difference in strictness: whether it weakens, and how it reads."""
    if old.min != new.min:
        yield _below(new.min, old.min), _arrow("min", old.min, new.min)
    if old.max != new.max:
        yield _below(old.max, new.max, none_is_high=True), _arrow("max", old.max, new.max)
    if new.columns and old.min_rows != new.min_rows:
        yield new.min_rows > old.min_rows, _arrow("min_rows", old.min_rows, new.min_rows)
    if isinstance(old, Change) and isinstance(new, Change) and old.confidence != new.confidence:
        yield _below(new.confidence, old.confidence), _arrow("confidence", old.confidence, new.confidence)


def _below(left: float | None, right: float | None, *, none_is_high: bool = False) -> bool:
    """Whether ``left`` is below ``right``, where none stands for no bound at all."""
    none = float("inf") if none_is_high else float("-inf")
    return (none if left is None else left) < (none if right is None else right)


def _arrow(key: str, old: float | None, new: float | None) -> str:
    return f"{key} {'none' if old is None else exact(old)} → {'none' if new is None else exact(new)}"
