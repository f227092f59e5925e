"""What a model answers in MLflow's scoring server on this machine, to compare answers from elsewhere with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.ground.digest import Json
from mlopsctl.servers.compare import Difference, difference
from mlopsctl.servers.contract import Unfit
from mlopsctl.servers.example import SERVING_EXAMPLE
from mlopsctl.servers.http import Loopback, NoAnswer
from mlopsctl.servers.spawn import ServerProcess

_STARTUP = 120.0


@dataclass(frozen=True, slots=True)
class Expected:
    """A row that the model was made with, and what the model answers to it; both by column."""

    row: Mapping[str, Json]
    answer: dict[str, Json]

    def compare(self, found: Json, tolerance: float) -> None:
        """Compare one prediction from elsewhere.

        Raises:
            Unfit: when it is another.
        """
        told = difference(json.dumps({"predictions": [found]}).encode("utf-8"), self.answer, tolerance)
        if isinstance(told, Difference):
            raise Unfit.because("wrong-answer", str(told))


def example_rows(model: Path) -> tuple[Mapping[str, Json], ...]:
    """The example rows of an MLflow model folder; none when it has none."""
    try:
        # MLflow writes a missing value as NaN, which is not JSON; a request writes it as null.
        content = json.loads((model / SERVING_EXAMPLE).read_bytes(), parse_constant=lambda _: None)
        table = content["dataframe_split"]
        return tuple(dict(zip(table["columns"], row, strict=True)) for row in table["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def expected_answers(model: Path, log: Path) -> Sequence[Expected]:
    """The model's answers to its own example rows, by a server of this machine that is gone afterwards.

    Raises:
        Problem: when the model cannot be served here.
    """
    rows = example_rows(model)
    if not rows:
        return ()
    log.parent.mkdir(parents=True, exist_ok=True)
    server = ServerProcess(model.resolve(), log)
    try:
        server.wait_ready(_STARTUP)
        with Loopback(server.port) as asked:
            return [Expected(row, _asked(asked, row)) for row in rows]
    finally:
        server.end()


def _asked(server: Loopback, row: Mapping[str, Json]) -> dict[str, Json]:
    content: Json = {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}
    try:
        answer = server.post("/invocations", content)
    except NoAnswer as problem:
        raise Unfit.because("no-answer", f"the model does not predict on this machine: {problem}") from None
    if answer.status != 200:
        raise Unfit.because("no-answer", f"the model refuses its own example: {answer.status} {answer.refusal}")
    found: dict[str, Json] = json.loads(answer.body)["predictions"][0]
    return found
