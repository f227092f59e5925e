"""Gates kept as data in the release state, read back as gates."""

from __future__ import annotations

from collections.abc import Sequence

from mlopsctl.gates import Gate
from mlopsctl.ground.digest import Json, canonical_json


def gates_json(gates: Sequence[Gate]) -> Json:
    """Gates as data, in declared order."""
    return [gate.model_dump(mode="json") for gate in gates]


def read_gates(stored: Json) -> tuple[Gate, ...]:
    """The gates that were applied last; none when nothing was applied yet.

    Raises:
        pydantic.ValidationError: when what is stored is not a list of gates.
    """
    from pydantic import TypeAdapter

    if stored is None:
        return ()
    adapter: TypeAdapter[tuple[Gate, ...]] = TypeAdapter(tuple[Gate, ...])
    return adapter.validate_json(canonical_json(stored))
