"""The runs of a project: a list of them, and one of them with everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.answers.fate import Fate, fate_of
from mlopsctl.delivery.answers.find import final, ordered, places, run_at
from mlopsctl.delivery.cost import Cost, cost_of_run
from mlopsctl.delivery.findings import read_findings
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.errors import Problem
from mlopsctl.metadata.records import ExecutionRecord, Release, RunRecord
from mlopsctl.metadata.trace import Tally, tallies

_ENDS = {0: "passed", 1: "failed", 3: "refused", 4: "undecided"}


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list; ``release`` is the one it made."""

    run: RunRecord
    tally: Tally
    release: Release | None = None

    @property
    def ended(self) -> str:
        """How it ended, in one word."""
        if self.release is not None:
            return f"released v{self.release.registry_version}"
        if self.run.state in ("running", "canceled"):
            return self.run.state
        if self.run.exit_code == 0 and not self.tally.judged:
            return "done"
        return _ENDS.get(self.run.exit_code if self.run.exit_code is not None else 1, "failed")


@dataclass(frozen=True, slots=True)
class RunList:
    """The newest runs, newest first; ``environment`` is empty for those of all environments."""

    project: str
    environment: str
    lines: tuple[RunLine, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class RunDetail:
    """One run with all it left. ``executions`` are all attempts; ``findings`` what could still be read.

    ``notes`` say what could not. ``cost`` is what its steps cost at the prices of now; ``None`` without prices.
    """

    run: RunRecord
    executions: tuple[ExecutionRecord, ...]
    findings: Findings
    fate: Fate
    notes: tuple[str, ...] = ()
    cost: Cost | None = None

    @property
    def steps(self) -> Mapping[str, ExecutionRecord]:
        """The last attempt of each step."""
        return final(self.executions)


def list_runs(folder: Path, environment: str | None, limit: int) -> RunList:
    """The newest runs of one environment, or of all where none is named."""
    with places(folder, environment) as found:
        lines: list[RunLine] = []
        for place in found:
            project = place.loaded.project.name
            runs = place.stores.metadata.runs(project, place.environment, limit + 1)
            counted = tallies(place.stores.metadata, [run.id for run in runs])
            made = _releases(place.stores, runs)
            lines += [RunLine(run, counted.get(run.id, Tally()), made.get(run.id)) for run in runs]
        lines.sort(key=lambda line: (line.run.started, line.run.id), reverse=True)
        return RunList(found[0].loaded.project.name, environment or "", tuple(lines[:limit]), more=len(lines) > limit)


def show_run(folder: Path, environment: str | None, text: str) -> RunDetail:
    """Everything that is known of the run that the text names.

    Raises:
        UsageProblem: when there is no such run, or several.
    """
    with run_at(folder, environment, text) as (loaded, stores, run):
        return detail(loaded, stores, run)


def detail(loaded: Loaded, stores: Stores, run: RunRecord) -> RunDetail:
    """Everything that is known of a run."""
    executions = ordered(stores.metadata.executions(run.id))
    findings, notes = findings_of_run(tuple(final(executions).values()), stores)
    state = stores.state.read(loaded.project.name, run.environment)
    fate = fate_of(run, final(executions), findings, state)
    return RunDetail(run, executions, findings, fate, notes, cost_of_run(loaded, run, executions))


def findings_of_run(executions: Sequence[ExecutionRecord], stores: Stores) -> tuple[Findings, tuple[str, ...]]:
    """The evidence of executions, as far as the artifact store still has it, and notes on what it lost."""
    outputs = {f"{e.step}.{name}": artifact for e in executions for name, artifact in e.outputs.items()}
    stored = stores.artifacts.has_many({artifact.digest for artifact in outputs.values()})
    there = {ref: artifact for ref, artifact in outputs.items() if artifact.digest in stored}
    lost = [ref for ref in outputs if ref not in there]
    notes = (f"no longer in the artifact store: {', '.join(lost)}",) if lost else ()
    try:
        found = read_findings(
            {ref: artifact.digest for ref, artifact in there.items()},
            {ref: artifact.type for ref, artifact in there.items()},
            stores.artifacts,
        )
    except Problem as problem:
        return Findings(), (*notes, f"the evidence cannot be read: {problem}")
    return found, notes


def _releases(stores: Stores, runs: Sequence[RunRecord]) -> dict[str, Release]:
    """The releases that runs made, by run."""
    found: dict[str, Release] = {}
    for project, environment in {(run.project, run.environment) for run in runs}:
        state = stores.state.read(project, environment)
        releases = (*state.history, state.release) if state.release is not None else state.history
        found.update({release.run: release for release in releases})
    return found
