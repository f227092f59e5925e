"""Read the evidence of a level: recorded runs, verdicts, releases, and the files of the repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlopsctl.config.load import Loaded, inspect_project, load_project
from mlopsctl.delivery.ci.scaffold import Made, compare_files, make_files
from mlopsctl.delivery.environment import findings_of_executions
from mlopsctl.delivery.level.seen import promotions, standing_schedules, triggered_runs
from mlopsctl.delivery.level.workflows import read_workflows
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.evidence import InfraBlessing
from mlopsctl.ground.checkout import ask_git
from mlopsctl.ground.errors import Problem, Severity
from mlopsctl.levels import Evidence, Standing, judge
from mlopsctl.levels.kinds import asserting, kind_of
from mlopsctl.lowering.lower import lower

_MOST_RUNS = 50
_MOST_BYTES = 1 << 20


def standing(place: Path, environment: str | None) -> Standing:
    """The level that a project reached, by the runs of one environment: the first one where none is named.

    Raises:
        Problem: when the project or its stores cannot be read.
    """
    return judge(read_evidence(place, environment))


def written(place: Path, environment: str | None) -> Standing:
    """The level that a commit says, without a look at any run: see :mod:`mlopsctl.levels.written`.

    Raises:
        Problem: when the project cannot be read.
    """
    evidence = _of_files(place, environment)
    commit = (ask_git(evidence.loaded.folder, "rev-parse", "--verify", "HEAD") or b"").decode().strip()
    return judge(replace(evidence, commit=commit), by_commit=True)


def read_evidence(place: Path, environment: str | None) -> Evidence:
    """What is found of a project; see :func:`standing`."""
    evidence = _of_files(place, environment)
    loaded = evidence.loaded
    with open_stores(loaded) as stores:
        triggered = triggered_runs(loaded, stores)
        schedules, unasked = standing_schedules(loaded) if not triggered else ((), "")
        seen = replace(
            evidence,
            triggered=triggered,
            schedules=schedules,
            unasked=unasked,
            promoted=promotions(evidence.environments, stores),
            release=stores.state.read(loaded.project.name, loaded.environment).release,
        )
        return _of_runs(seen, stores)


def _of_files(place: Path, environment: str | None) -> Evidence:
    """What the files of the repository say."""
    found, _, environments = inspect_project(place)
    if environment is None and environments:
        environment = environments[0].environment
    loaded = load_project(place, environment)
    try:
        steps, uncompiled = tuple(step.id for step in lower(loaded).pipeline.steps), ""
    except Problem as problem:
        steps, uncompiled = (), str(problem)
    made = _made(loaded)
    return Evidence(
        loaded=loaded,
        environments=environments,
        problems=tuple(one.message for one in found if one.severity is Severity.ERROR),
        steps=steps,
        uncompiled=uncompiled,
        workflows=read_workflows(_root(loaded.folder), loaded.folder, made.files if isinstance(made, Made) else {}),
        differing=_differing(made),
        tests=_tests(loaded.folder / "tests"),
    )


def _of_runs(evidence: Evidence, stores: Stores) -> Evidence:
    """With what the newest judged run left."""
    name, environment = evidence.project.name, evidence.loaded.environment
    for run in stores.metadata.runs(name, environment, limit=_MOST_RUNS):
        executions = tuple(stores.metadata.executions(run.id))
        if not any("blessing" in one.outputs for one in executions):
            continue
        found = findings_of_executions(executions, stores)
        return replace(
            evidence,
            run=run,
            recorded=len(executions),
            anomalies=found.anomalies,
            evaluation=found.evaluation,
            blessing=found.blessing,
            # A run that released nothing, such as `run`, asks no server; the one that did counts.
            infra=found.infra or _infra(stores, evidence),
        )
    return evidence


def _infra(stores: Stores, evidence: Evidence) -> InfraBlessing | None:
    if evidence.release is None:
        return None
    executions = tuple(stores.metadata.executions(evidence.release.run))
    return findings_of_executions(executions, stores).infra


def _root(folder: Path) -> Path:
    answer = ask_git(folder, "rev-parse", "--show-toplevel")
    text = (answer or b"").decode("utf-8", "surrogateescape").rstrip("\n")
    root = Path(text).resolve() if text else folder.resolve()
    return root if folder.resolve().is_relative_to(root) else folder.resolve()


def _made(loaded: Loaded) -> Made | Problem | None:
    """The files that `ci init` would write; why it could not."""
    if not loaded.project.ci:
        return None
    try:
        return make_files(loaded.file)
    except Problem as problem:
        return problem


def _differing(made: Made | Problem | None) -> tuple[str, ...]:
    if not isinstance(made, Made):
        return () if made is None else (str(made),)
    try:
        return tuple(f"{one.path} {one.what}" for one in compare_files(made))
    except Problem as problem:
        return (str(problem),)


def _tests(folder: Path) -> dict[str, tuple[str, ...]]:
    """The tests that assert something, by kind."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("**/test_*.py")):
        if file.stat().st_size > _MOST_BYTES:
            continue
        place = file.relative_to(folder.parent).as_posix()
        for name, line in asserting(file.read_text(encoding="utf-8", errors="replace")).items():
            found.setdefault(kind_of(file.name, name), []).append(f"{place}:{line}::{name}")
    return {kind: tuple(names) for kind, names in found.items() if kind}
