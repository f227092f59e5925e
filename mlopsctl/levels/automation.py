"""Level 2: the pipeline itself is tested, delivered and promoted by a CI."""

from __future__ import annotations

import re

from mlopsctl.levels.criterion import Answer, Criterion, Evidence, Workflow
from mlopsctl.levels.kinds import KINDS

_VERIFIES = re.compile(r"\bmlopsctl\b[^\n]*\b(validate|plan|run)\b")
_APPLIES = re.compile(r"\bmlopsctl\b[^\n]*\bapply\b")
_TESTS = re.compile(r"\bpytest\b")
_LEAST = 3


def _source(found: Evidence) -> Answer:
    if found.run is None or not found.run.git.commit:
        return Answer(missing="the last judged run came from no commit")
    commit = found.run.git.commit[:12]
    changed = f"the last judged run came from changes that are in no commit, after {commit}"
    return Answer(f"run {found.run.id} of commit {commit}", changed if found.run.git.dirty else "")


def _ci(found: Evidence) -> Answer:
    verifying = [one for one in found.workflows if one.pull_request and _VERIFIES.search(one.text)]
    if not verifying:
        return Answer(missing="no workflow verifies a pull request")
    return Answer(_named(verifying), "; ".join(found.differing))


def _tests(found: Evidence) -> Answer:
    there = [f"{kind}: {len(found.tests[kind])}" for kind in KINDS if found.tests.get(kind)]
    lacking = [kind for kind in KINDS if not found.tests.get(kind)]
    running = [one for one in found.workflows if one.pull_request and _TESTS.search(one.text)]
    missing = [f"no test of: {', '.join(lacking)}"] if lacking else []
    missing += [] if running else ["no workflow runs the tests on a pull request"]
    return Answer(", ".join(there), "; ".join(missing))


def _deployed(found: Evidence) -> Answer:
    applying = [one for one in found.workflows if one.push and _APPLIES.search(one.text)]
    return Answer(_named(applying)) if applying else Answer(missing="no workflow applies what was merged")


def _promotion(found: Evidence) -> Answer:
    ways = [
        (one.project.promotion.source, one.environment, one.project.promotion)
        for one in found.environments
        if one.project.promotion is not None and one.project.promotion.source
    ]
    if len(ways) < _LEAST - 1:
        return Answer(missing="fewer than three environments are on the way of a model")
    shown = ", ".join(f"{source} → {name} ({way.mode})" for source, name, way in ways)
    told = f"{shown}; {'lock files: ' + ', '.join(found.locks) if found.locks else 'no lock file yet'}"
    first = [one for one in found.environments if one.project.promotion is None]
    modes = {way.mode for _, _, way in ways}
    after = any(way.mode == "manual" and way.after_successful_runs for _, _, way in ways)
    missing = [
        (not first and "auto" not in modes, "no environment is applied by itself"),
        ("approval" not in modes, "no environment waits for an approval"),
        (not after, "no environment waits for a person and for successful runs before"),
    ]
    return Answer(told, "; ".join(text for lacks, text in missing if lacks))


def _named(workflows: list[Workflow]) -> str:
    return ", ".join(one.path for one in workflows)


SOURCE = Criterion(
    "source-control", 2, "What ran is in source control.", "the commit in the record of the last judged run",
    "commit the project, and apply", _source,
)  # fmt: skip
CI = Criterion(
    "ci", 2, "A pull request is verified by a CI.", "the workflows in the repository, compared as `ci check` does",
    "name one under `ci` and run `mlopsctl ci init`", _ci,
)  # fmt: skip
TESTS = Criterion(
    "tests", 2, "The six kinds of tests are there, and run on a pull request.",
    "test functions that assert something in tests/, and the workflows",
    "`mlopsctl level --upgrade 2` writes a first test of each kind", _tests,
)  # fmt: skip
DEPLOYED = Criterion(
    "pipeline-delivery", 2, "The pipeline itself is deployed by the CI.", "the workflows in the repository",
    "run `mlopsctl ci init`", _deployed,
)  # fmt: skip
PROMOTION = Criterion(
    "promotion", 2, "Models go through three environments: by themselves, upon approval, and by hand after good runs.",
    "`promotion` of the environments, and their lock files",
    "add environments with `promotion: {from: …, mode: approval}` and `mode: manual` with `after_successful_runs`",
    _promotion,
)  # fmt: skip
