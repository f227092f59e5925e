"""The first task of a run elsewhere: it makes sure of what the run is compared with, once for all steps.

A run that ``apply`` started is told what its plan pinned. A run of a schedule is told nothing: then the same is read
here, from the same stores and by the same functions as a plan's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from mlopsctl.delivery.history import StoredHistory
from mlopsctl.delivery.inside.reach import Models, complain, models_of, opened, read_words
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.make import champion_of
from mlopsctl.delivery.override import standing
from mlopsctl.delivery.pinned import moment, pin
from mlopsctl.delivery.release import bring_champion
from mlopsctl.ground.digest import canonical_json
from mlopsctl.ground.errors import Problem
from mlopsctl.metadata.records import EnvironmentState
from mlopsctl.pipeline.names import alias_of, model_name
from mlopsctl.step import ledger
from mlopsctl.step.container_input import read_executor_input
from mlopsctl.step.container_output import give
from mlopsctl.step.container_task import read_pinned
from mlopsctl.step.pinned import CHAMPION
from mlopsctl.step.portable import PortableRun, decode_run
from mlopsctl.step.ports import PINNED_OUTPUT, PINNED_PARAMETER, RUN_OUTPUT, RUN_PARAMETER


def main(arguments: Sequence[str] | None = None) -> int:
    """Give out the run's id and what is pinned for it; the exit code."""
    words = read_words("begin", arguments)
    try:
        asked, given = decode_run(words.run), read_executor_input(words.executor_input)
        told = given.text(PINNED_PARAMETER)
        pinned = read_pinned(told) if told else pinned_now(asked, Path.cwd())
        run = ledger.run_id(given.text(RUN_PARAMETER), words.job)
        give(given, parameters={RUN_OUTPUT: run, PINNED_OUTPUT: canonical_json(dict(pinned)).decode()})
    except Problem as problem:
        complain(problem)
        return 1
    print(f"mlopsctl: run {run}: pinned {', '.join(sorted(pinned)) or 'nothing'}", flush=True)
    return 0


def pinned_now(asked: PortableRun, project: Path) -> Mapping[str, str]:
    """What a plan would pin now. Without records there is no earlier data, and the champion is the registry's.

    Raises:
        Problem: when a store does not answer, or the champion is nowhere.
    """
    models = models_of(asked, project)
    live = _live(asked, models)
    with opened(asked, project) as stores:
        if stores is None:
            state = EnvironmentState(asked.project, asked.environment, "")
            pinned = pin(asked.wanted, _NoHistory(), champion_of(state, live), None, moment())
        else:
            state = stores.state.read(asked.project, asked.environment)
            history = StoredHistory(stores.metadata, stores.artifacts, asked.project, asked.environment)
            pinned = pin(asked.wanted, history, champion_of(state, live), standing(state), moment())
    bring_champion(models, model_name(asked.project), pinned.get(CHAMPION, ""))
    return pinned


class _NoHistory:
    """The history where nobody keeps one."""

    def accepted_statistics(self, dataset: str) -> tuple[str, ...]:
        return ()


def _live(asked: PortableRun, models: Models) -> Live:
    """What the registry's alias points to, where the run wants a champion and this image can ask for one."""
    if CHAMPION not in asked.wanted or not asked.tracking or find_spec("mlflow") is None:
        return Live()
    champion = models.registry.champion(model_name(asked.project), alias_of(asked.environment))
    if champion is None:
        return Live(refreshed=True)
    return Live(refreshed=True, alias_version=champion.version, alias_digest=champion.digest)


if __name__ == "__main__":
    sys.exit(main())
