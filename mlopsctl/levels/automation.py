"""Level 2: the pipeline itself is tested, delivered and promoted by a CI."""

from __future__ import annotations

from collections.abc import Callable

from mlopsctl.config.sections.promotion import Promotion
from mlopsctl.levels.commands import MLOPSCTL, PYTEST, Command
from mlopsctl.levels.criterion import Answer, Criterion, Evidence
from mlopsctl.levels.kinds import KINDS
from mlopsctl.levels.workflow import DELIVERY, PULL_REQUEST, UNCOMMITTED

_VERIFYING = ("validate", "plan", "run", "test")
_LEAST = 3
_SHOWN = 4

_Wanted = Callable[[Command], bool]


def _source(found: Evidence) -> Answer:
    if found.run is None or not found.run.git.commit:
        return Answer(missing="the last judged run came from no commit")
    commit = found.run.git.commit[:12]
    changed = f"run {found.run.id} came from changes that are in no commit, after {commit}"
    return Answer(
        f"it came from commit {commit}", changed if found.run.git.dirty else "", (*found.judged, f"commit {commit}")
    )


def _ci(found: Evidence) -> Answer:
    verified = _run(found, PULL_REQUEST, _verifies, "no workflow verifies a pull request")
    if verified.missing:
        return verified
    return Answer(verified.evidence, "; ".join(found.differing), verified.found)


def _tests(found: Evidence) -> Answer:
    there = [f"{kind}: {len(found.tests[kind])}" for kind in KINDS if found.tests.get(kind)]
    places = [found.tests[kind][0] for kind in KINDS if found.tests.get(kind)]
    lacking = [kind for kind in KINDS if not found.tests.get(kind)]
    ran = _run(found, PULL_REQUEST, lambda one: one.program == PYTEST, "no workflow runs the tests on a pull request")
    missing = [f"no test of: {', '.join(lacking)}"] if lacking else []
    missing += [ran.missing] if ran.missing else []
    fix = "" if lacking else ran.fix or "run `pytest tests` upon pull requests, as the workflow of `ci init` does"
    return Answer(", ".join(there), "; ".join(missing), (*ran.found, *places), fix)


def _deployed(found: Evidence) -> Answer:
    return _run(found, DELIVERY, _applies, "no workflow applies what was merged")


def ways(found: Evidence) -> Answer:
    """The ways of a model from environment to environment, as the project declares them."""
    declared = _ways(found)
    if len(declared) < _LEAST - 1:
        return Answer(missing="fewer than three environments are on the way of a model")
    first = [one for one in found.environments if one.project.promotion is None]
    modes = {way.mode for _, _, way in declared}
    after = any(way.mode == "manual" and way.after_successful_runs for _, _, way in declared)
    missing = [
        (not first and "auto" not in modes, "no environment is applied by itself"),
        ("approval" not in modes, "no environment waits for an approval"),
        (not after, "no environment waits for a person and for successful runs before"),
    ]
    shown = ", ".join(f"{source} → {name} ({way.mode})" for source, name, way in declared)
    return Answer(shown, "; ".join(text for lacks, text in missing if lacks))


def _ways(found: Evidence) -> list[tuple[str, str, Promotion]]:
    return [
        (one.project.promotion.source, one.environment, one.project.promotion)
        for one in found.environments
        if one.project.promotion is not None and one.project.promotion.source
    ]


def _promotion(found: Evidence) -> Answer:
    """A declaration promotes nothing: a lock that verifies does."""
    declared = ways(found)
    if not declared.evidence:
        return declared
    seen = [one for one in found.promoted if one.evidence]
    broken = [f"{one.environment}: {one.problem}" for one in found.promoted if one.problem]
    shown = declared.evidence
    unseen = "" if seen else "; ".join((f"{shown} is declared, and no promotion is seen yet", *broken))
    told = "; ".join((shown, *(one.evidence for one in seen), *broken))
    places = tuple(place for one in seen for place in one.found)
    source, target, _ = _ways(found)[0]
    step = "" if seen or declared.missing else f"run `mlopsctl promote {source} {target}`, and commit the lock"
    return Answer(told, "; ".join(filter(None, (declared.missing, unseen))), places, step)


def _verifies(one: Command) -> bool:
    return one.program == MLOPSCTL and one.verb in _VERIFYING


def _applies(one: Command) -> bool:
    return one.program == MLOPSCTL and one.verb == "apply"


def _run(found: Evidence, event: str, wanted: _Wanted, nothing: str) -> Answer:
    """The commands that a CI runs upon an event, and that fail it when they fail."""
    calls = [(flow, one) for flow in found.workflows for one in flow.runs(event) if wanted(one)]
    counting = [(flow, one) for flow, one in calls if not one.why]
    if counting:
        said = ", ".join(dict.fromkeys(f"{one.program} {one.verb}".rstrip() for _, one in counting))
        made = " (made by `ci init`)" if all(flow.made for flow, _ in counting) else ""
        return Answer(said + made, found=tuple(dict.fromkeys(one.place for _, one in counting))[:_SHOWN])
    why = [f"{one.place} does not count: {one.why}" for _, one in calls]
    why = [*why[:2], *_idle(found)]
    fix = "commit the workflows" if any(flow.idle == UNCOMMITTED for flow in found.workflows) else ""
    return Answer(missing="; ".join((nothing, *why)), fix=fix)


def _idle(found: Evidence) -> list[str]:
    """The workflows that nothing starts, by why."""
    by_reason: dict[str, list[str]] = {}
    for flow in found.workflows:
        if flow.idle:
            by_reason.setdefault(flow.idle, []).append(flow.path)
    return [
        f"{paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}: {reason}"
        for reason, paths in by_reason.items()
    ]


SOURCE = Criterion(
    "source-control", 2, "What ran is in source control.", "the commit in the record of the last judged run",
    "commit the project, and apply", _source,
)  # fmt: skip
CI = Criterion(
    "ci", 2, "A pull request is verified by a CI.",
    "the commands of the committed workflows; those of `ci init` compared as `ci check` does",
    "name one under `ci`, run `mlopsctl ci init` and commit", _ci,
)  # fmt: skip
TESTS = Criterion(
    "tests", 2, "The six kinds of tests are there, and run on a pull request.",
    "test functions that assert something in tests/, and the commands of the workflows",
    "`mlopsctl level --upgrade 2` writes a first test of each kind", _tests,
)  # fmt: skip
DEPLOYED = Criterion(
    "pipeline-delivery", 2, "The pipeline itself is deployed by the CI.",
    "the commands that the committed workflows run upon a merge or a release",
    "run `mlopsctl ci init` and commit", _deployed,
)  # fmt: skip
PROMOTION = Criterion(
    "promotion", 2, "Models go through three environments: by themselves, upon approval, and by hand after good runs.",
    "`promotion` of the environments, and locks in git whose evidence verifies",
    "have environments with `promotion: {from: …, mode: approval}` and `mode: manual` with `after_successful_runs`, "
    "run `mlopsctl promote`, and commit the lock", _promotion,
)  # fmt: skip
