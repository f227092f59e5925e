"""Workflows of GitHub Actions: which commands each of them runs upon a pull request, and upon what was merged."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mlopsctl.levels.commands import Command, commands
from mlopsctl.levels.condition import holds, known_of
from mlopsctl.levels.script import Shell, called
from mlopsctl.levels.workflow import DELIVERY, PULL_REQUEST, Item, NoYaml, Workflow, read_yaml

FOLDER = ".github/workflows"

_DELIVERING = ("push", "release")
_OPENED = {"opened", "synchronize", "reopened"}
_MOST_JOBS, _MOST_STEPS, _DEEPEST = 100, 200, 4


def read_workflow(path: str, texts: Mapping[str, str], project: str) -> Workflow:
    """A workflow of the repository.

    Args:
        path: its own, and ``texts`` all files beside it by path: it may call another one.
        project: the folder of ``mlops.yaml`` from the repository's.
    """
    try:
        root = read_yaml(texts[path])
    except NoYaml:
        return Workflow(path, idle="it is no YAML that GitHub reads")
    events = _events(root.of("on"), project)
    runs = _Runs(path, texts, project)
    found = {PULL_REQUEST: runs.upon("pull_request")} if "pull_request" in events else {}
    delivering = [one for name in _DELIVERING if name in events for one in runs.upon(name)]
    if delivering:
        found[DELIVERY] = tuple(delivering)
    idle = "" if found else "neither a pull request nor a merge starts it"
    return Workflow(path, commands=found, idle=idle)


def _events(on: Item, project: str) -> frozenset[str]:
    """What starts a workflow, as far as it may be about this project."""
    if not on.keys:
        return frozenset(one.text for one in on.items)
    return frozenset(name for name in on.keys if _starts(name, on.of(name), project))


def _starts(name: str, given: Item, project: str) -> bool:
    file = "mlops.yaml" if project == "." else f"{project}/mlops.yaml"
    types = {one.text for one in given.of("types").items}
    if name == "pull_request" and types and not types & _OPENED:
        return False
    if given.of("paths").there and not _matches(given.of("paths"), file):
        return False
    if any(one.text in ("**", "*") for one in given.of("branches-ignore").items):
        return False
    return not (given.of("paths-ignore").there and _matches(given.of("paths-ignore"), file))


def _matches(patterns: Item, path: str) -> bool:
    """Whether a file is one of them, as GitHub reads patterns: the last one that fits decides."""
    found = False
    for one in patterns.items:
        negated, pattern = one.text.startswith("!"), one.text.lstrip("!")
        if _pattern(pattern).fullmatch(path):
            found = not negated
    return found


def _pattern(text: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(words.get(piece, re.escape(piece)) for piece in pieces))


@dataclass(frozen=True, slots=True)
class _Runs:
    """What a file runs; ``depth`` counts the workflows that call it."""

    path: str
    texts: Mapping[str, str]
    project: str
    depth: int = 0

    def upon(self, event: str) -> tuple[Command, ...]:
        """The commands of its jobs when an event starts it."""
        try:
            root = read_yaml(self.texts[self.path])
        except (KeyError, NoYaml):
            return ()
        jobs = root.of("jobs")
        idle = _idle(jobs, event)
        return tuple(one for name, why in idle.items() for one in self._job(root, jobs.of(name), why, event))

    def _job(self, root: Item, job: Item, why: str, event: str) -> Iterator[Command]:
        uses = job.of("uses").text
        if uses.startswith("./") and self.depth < _DEEPEST:
            there = _Runs(posixpath.normpath(uses), self.texts, self.project, self.depth + 1)
            for one in there.upon(event):
                yield replace(one, why=why or one.why)
        for step in job.of("steps").items[:_MOST_STEPS]:
            yield from self._step(root, job, step, why, event)

    def _step(self, root: Item, job: Item, step: Item, why: str, event: str) -> Iterator[Command]:
        run = step.of("run")
        shell = _shell(_given("shell", step, job, root))
        if not run.there or shell is None:
            return
        why = why or _passed_over(step, event, "the step")
        folder = _given("working-directory", step, job, root)
        start = posixpath.normpath(folder) if folder and "$" not in folder else (None if folder else ".")
        for one in commands(called(run.text, replace(shell, folder=start)), self.project, self.path, run.line):
            yield replace(one, why=why or one.why)


def _given(name: str, step: Item, job: Item, root: Item) -> str:
    """A setting of a step, or its default in the job or the workflow."""
    places = (step.of(name), job.of("defaults", "run", name), root.of("defaults", "run", name))
    return next((one.text for one in places if one.text), "")


def _shell(text: str) -> Shell | None:
    """How the shell of a step runs its script; ``None`` for one that is not read here."""
    if text in ("", "sh"):
        return Shell()
    if text == "bash":
        return Shell(pipefail=True)
    words = text.split()
    if not words or words[0].rpartition("/")[2] not in ("bash", "sh"):
        return None
    flags = "".join(word[1:] for word in words[1:] if re.fullmatch(r"-[a-z]+", word))
    return Shell(errexit="e" in flags, pipefail="pipefail" in words)


def _idle(jobs: Item, event: str) -> Mapping[str, str]:
    """Of each job, why it does not run or hides its failure; empty where it does neither."""
    names = jobs.keys[:_MOST_JOBS]
    found = {name: _passed_over(jobs.of(name), event, f"the job {name}") for name in names}
    needs = {name: [one.text for one in jobs.of(name, "needs").items] for name in names if not _anyhow(jobs.of(name))}
    for _ in names:
        for name, needed in needs.items():
            found[name] = found[name] or next((found[one] for one in needed if found.get(one)), "")
    return found


def _anyhow(job: Item) -> bool:
    """Whether a job runs whatever came of those that it needs."""
    return any(word in job.of("if").text for word in ("always()", "cancelled()", "failure()"))


def _passed_over(item: Item, event: str, what: str) -> str:
    condition = item.of("if")
    if condition.there and holds(condition.text, known_of(event)) is False:
        return f"{what} is passed over: if: {condition.text.strip()}"
    if item.of("continue-on-error").there and item.of("continue-on-error").text.strip().lower() != "false":
        return f"{what} may fail: continue-on-error"
    return ""
