"""Read the evidence of a level: recorded runs, verdicts, releases, and the files of the repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlopsctl.config.load import Loaded, inspect_project, load_project
from mlopsctl.delivery.ci.scaffold import compare_files, make_files
from mlopsctl.delivery.environment import findings_of_executions
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.evidence import InfraBlessing
from mlopsctl.ground.checkout import ask_git
from mlopsctl.ground.errors import Problem, Severity
from mlopsctl.levels import CRITERIA, Evidence, Standing, Workflow, judge
from mlopsctl.levels.kinds import asserting, kind_of
from mlopsctl.lowering.lower import lower

_MOST_RUNS = 50
_MOST_BYTES = 1 << 20


def standing(place: Path, environment: str | None) -> Standing:
    """The level that a project reached, by the runs of one environment: the first one where none is named.

    Raises:
        Problem: when the project or its stores cannot be read.
    """
    return judge(read_evidence(place, environment), CRITERIA)


def read_evidence(place: Path, environment: str | None) -> Evidence:
    """What is found of a project; see :func:`standing`."""
    found, _, environments = inspect_project(place)
    problems = tuple(one.message for one in found if one.severity is Severity.ERROR)
    if environment is None and environments:
        environment = environments[0].environment
    loaded = load_project(place, environment)
    try:
        steps, uncompiled = tuple(step.id for step in lower(loaded).pipeline.steps), ""
    except Problem as problem:
        steps, uncompiled = (), str(problem)
    root = _root(loaded.folder)
    with open_stores(loaded) as stores:
        return _of_runs(
            Evidence(
                loaded=loaded,
                environments=environments,
                problems=problems,
                steps=steps,
                uncompiled=uncompiled,
                workflows=_workflows(root),
                differing=_differing(loaded),
                tests=_tests(loaded.folder / "tests"),
                locks=tuple(sorted(path.name for path in (loaded.folder / "environments").glob("*.lock.yaml"))),
                release=stores.state.read(loaded.project.name, loaded.environment).release,
            ),
            stores,
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
    return Path(text).resolve() if text else folder.resolve()


def _workflows(root: Path) -> tuple[Workflow, ...]:
    """The workflows of GitHub and the build files of Cloud Build; what is no YAML starts nothing."""
    files = [*sorted((root / ".github" / "workflows").glob("*.y*ml")), *sorted(root.glob("**/cloudbuild*/*.y*ml"))]
    files += sorted(root.glob("cloudbuild*.y*ml"))
    return tuple(_workflow(file, root) for file in files if file.is_file() and file.stat().st_size < _MOST_BYTES)


def _workflow(file: Path, root: Path) -> Workflow:
    import yaml

    text = file.read_text(encoding="utf-8", errors="replace")
    commands = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    path = file.relative_to(root).as_posix()
    if ".github" not in file.parts:
        pull = "pull" in file.name
        return Workflow(path, pull, not pull, commands)
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        data = None
    # `on` is true in YAML 1.1.
    starts = (data.get("on", data.get(True)) if isinstance(data, dict) else None) or ()
    events = {starts} if isinstance(starts, str) else set(starts)
    return Workflow(path, bool(events & {"pull_request", "pull_request_target"}), "push" in events, commands)


def _differing(loaded: Loaded) -> tuple[str, ...]:
    if not loaded.project.ci:
        return ()
    try:
        return tuple(f"{one.path} {one.what}" for one in compare_files(make_files(loaded.file)))
    except Problem as problem:
        return (str(problem),)


def _tests(folder: Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("**/test_*.py")):
        if file.stat().st_size > _MOST_BYTES:
            continue
        for name in asserting(file.read_text(encoding="utf-8", errors="replace")):
            found.setdefault(kind_of(file.name, name), []).append(f"{file.name}::{name}")
    return {kind: tuple(names) for kind, names in found.items() if kind}
