"""Finding what a person means: a run by its id, the beginning of it or ``last``, and a step by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.document import read_document
from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.load import FILE, Loaded, load_project
from mlopsctl.config.overlay import environment_names
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.errors import InvalidProject, Problem, StepProblem, UsageProblem
from mlopsctl.ground.log import log_for
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.metadata.trace import runs_that_begin

LAST = "last"
_log = log_for("answers")
_RUN_LETTERS = re.compile(r"[0-9A-Za-z._-]{1,100}", re.ASCII)
_NEAR = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: a project in one environment with its stores; ``everywhere`` when no environment was named."""

    loaded: Loaded
    stores: Stores
    everywhere: bool

    @property
    def environment(self) -> str | None:
        """The environment to look in; ``None`` for all of them."""
        return None if self.everywhere else self.loaded.environment


def environments(folder: Path, environment: str | None) -> tuple[Loaded, ...]:
    """The project in the environment named, or in each that can be read.

    Raises:
        InvalidProject: when it can be read in none.
        UsageProblem: when there is no environment of that name.
    """
    if environment is not None:
        return (load_project(folder, environment),)
    file = folder / FILE if folder.is_dir() else folder
    found: list[Loaded] = []
    problem: InvalidProject | None = None
    for name in environment_names(read_document(file, str(file))):
        try:
            found.append(load_project(folder, name))
        except InvalidProject as error:
            problem = problem or error
    if not found and problem is not None:
        raise problem
    return tuple(found)


@contextmanager
def places(folder: Path, environment: str | None) -> Iterator[tuple[Place, ...]]:
    """Every store in which the project's history stands, each once, open for reading.

    Of several environments, one whose stores cannot be reached from here is left out, with a warning.

    Raises:
        Problem: when none can be opened.
    """
    from contextlib import ExitStack

    found = environments(folder, environment)
    with ExitStack() as stack:
        opened: dict[str, Place] = {}
        closed: dict[str, Problem] = {}
        for loaded in found:
            address = str(loaded.project.stores.metadata)
            if address in opened or address in closed:
                continue
            try:
                opened[address] = Place(loaded, stack.enter_context(open_stores(loaded)), environment is None)
            except Problem as problem:
                closed[address] = problem
                _log.warning("not looked at", environment=loaded.environment, problem=str(problem))
        if not opened:
            raise next(iter(closed.values()))
        yield tuple(opened.values())


@contextmanager
def run_at(folder: Path, environment: str | None, text: str) -> Iterator[tuple[Loaded, Stores, RunRecord]]:
    """The run that a text names, with the project in the run's environment and the stores that hold it.

    Raises:
        UsageProblem: when there is no such run, or several.
    """
    with places(folder, environment) as found:
        place, run = find_run(found, text)
        loaded = place.loaded
        if run.environment != loaded.environment and run.environment in _names(loaded):
            loaded = load_project(folder, run.environment)
        yield loaded, place.stores, run


def find_run(found: Sequence[Place], text: str) -> tuple[Place, RunRecord]:
    """The run that a text names: its id, a beginning that only it has, or ``last``.

    Raises:
        UsageProblem: when there is no such run, or several.
        StepProblem: when nothing was run yet.
    """
    if text == LAST:
        newest = [(place, run) for place in found for run in _runs(place, 1)]
        if not newest:
            raise no_runs(found)
        return max(newest, key=lambda pair: pair[1].started)
    matching = [(place, run) for place in found for run in _beginning(place, text)]
    exact = [pair for pair in matching if pair[1].id == text]
    if exact or len(matching) == 1:
        return (exact or matching)[0]
    if matching:
        ids = [run.id for _, run in matching]
        raise UsageProblem.because(
            "which-run", f"several runs begin with {printable(text)}", hint=f"write more of it: {', '.join(ids[:5])}"
        )
    known = [run.id for place in found for run in _runs(place, _NEAR)]
    if not known:
        raise no_runs(found)
    near = did_you_mean(text, (LAST, *known))
    hint = f"did you mean {near}?" if near else f"the newest is {max(known)}; `mlopsctl runs list` shows more"
    raise UsageProblem.because("unknown-run", f"there is no run {printable(text)}", hint=hint)


def no_runs(found: Sequence[Place]) -> StepProblem:
    """Nothing was run yet."""
    place = found[0]
    where = "" if place.everywhere else f" in {place.loaded.environment}"
    return StepProblem.because(
        "no-runs", f"{place.loaded.project.name} has not been run{where} yet", hint="`mlopsctl run` makes a first run"
    )


def find_step(text: str, known: Iterable[str], where: str) -> str:
    """The step of that name.

    Args:
        where: what ``known`` are the steps of, for the message.

    Raises:
        UsageProblem: when there is none.
    """
    names = tuple(dict.fromkeys(known))
    if text in names:
        return text
    near = did_you_mean(text, names)
    hint = f"did you mean {near}?" if near else f"steps: {', '.join(names[:20]) or 'none'}"
    raise UsageProblem.because("unknown-step", f"there is no step {printable(text)} in {where}", hint=hint)


def final(executions: Iterable[ExecutionRecord]) -> dict[str, ExecutionRecord]:
    """The last attempt of each step, in the order in which the steps were first recorded."""
    return {record.step: record for record in executions}


def ordered(executions: Sequence[ExecutionRecord]) -> tuple[ExecutionRecord, ...]:
    """The attempts of a run so that what makes an artifact stands before what reads it; else as recorded.

    Reused steps are recorded together when a run ends, so the order of records is not that of the work.
    """
    makers: dict[str, set[str]] = {}
    for record in executions:
        for artifact in record.outputs.values():
            makers.setdefault(artifact.digest, set()).add(record.step)
    waits = {record.step: set[str]() for record in executions}
    for record in executions:
        for artifact in record.inputs.values():
            waits[record.step] |= makers.get(artifact.digest, set()) - {record.step}
    done: dict[str, None] = {}
    while len(done) < len(waits):
        free = [step for step, needs in waits.items() if step not in done and needs <= done.keys()]
        # Steps that copy artifacts can look like a circle; the record's order has to do then.
        done.update(dict.fromkeys(free or [step for step in waits if step not in done]))
    place = {step: at for at, step in enumerate(done)}
    return tuple(sorted(executions, key=lambda record: (place[record.step], record.attempt)))


def _names(loaded: Loaded) -> tuple[str, ...]:
    try:
        return environment_names(read_document(loaded.file, str(loaded.file)))
    except Problem:
        return ()


def _runs(place: Place, limit: int) -> list[RunRecord]:
    return place.stores.metadata.runs(place.loaded.project.name, place.environment, limit)


def _beginning(place: Place, text: str) -> list[RunRecord]:
    if not _RUN_LETTERS.fullmatch(text):
        return []
    found = runs_that_begin(place.stores.metadata, place.loaded.project.name, text)
    return [run for run in found if place.environment in (None, run.environment)]
