"""Build files of Cloud Build: which commands their steps run, and what starts them as far as the repository says so."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mlopsctl.levels.commands import Command, commands
from mlopsctl.levels.script import Called, Shell, called
from mlopsctl.levels.workflow import DELIVERY, PULL_REQUEST, Item, NoYaml, Workflow, read_yaml

_MOST_STEPS = 200
_SHELLS = ("bash", "sh")
_NOTHING = (
    "no file of triggers in the repository says what starts it; with `repository` under `cloud_build`, "
    "`ci init` writes one"
)


def read_build(path: str, text: str, starts: Mapping[str, frozenset[str]], project: str) -> Workflow:
    """A build file of the repository.

    Args:
        starts: what starts each file, as :func:`read_triggers` found it.
        project: the folder of ``mlops.yaml`` from the repository's.
    """
    try:
        root = read_yaml(text)
    except NoYaml:
        return Workflow(path, idle="it is no YAML that Cloud Build reads")
    events = starts.get(path, frozenset())
    if not events:
        return Workflow(path, idle=_NOTHING)
    found = tuple(one for step in root.of("steps").items[:_MOST_STEPS] for one in _step(step, path, project))
    return Workflow(path, commands=dict.fromkeys(sorted(events), found))


def read_triggers(texts: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    """What starts each build file, by its path: from the triggers that stand in these files, as the API has them."""
    found: dict[str, frozenset[str]] = {}
    for text in texts.values():
        try:
            root = read_yaml(text)
        except NoYaml:
            continue
        for one in root.items or (root,):
            event = _event(one)
            if event:
                name = posixpath.normpath(one.of("filename").text)
                found[name] = found.get(name, frozenset()) | {event}
    return found


def _event(trigger: Item) -> str:
    if not trigger.of("filename").text or trigger.of("disabled").text.lower() == "true":
        return ""
    if trigger.of("github", "pullRequest").there:
        return PULL_REQUEST
    pushed = trigger.of("github", "push").there or trigger.of("triggerTemplate").there
    return DELIVERY if pushed else ""


def _step(step: Item, path: str, project: str) -> Iterator[Command]:
    folder = step.of("dir").text
    start = None if "$" in folder else posixpath.normpath(folder or ".")
    first, found = _called(step, start)
    fails = step.of("allowFailure").text.lower() == "true" or step.of("allowExitCodes").there
    why = "the step may fail: allowFailure" if fails else ""
    for one in commands(found, project, path, first):
        yield replace(one, why=why or one.why)


def _called(step: Item, folder: str | None) -> tuple[int, tuple[Called, ...]]:
    """The commands of a step, with the line that theirs count from."""
    script, entrypoint = step.of("script"), step.of("entrypoint")
    if script.there:
        head = script.text.partition("\n")[0]
        errexit = bool(re.match(r"#!.*\s-[a-z]*e", head))
        return script.line, called(_words(script.text), Shell(errexit=errexit, folder=folder))
    given = step.of("args").items
    args = [_words(one.text) for one in given]
    if entrypoint.text.rpartition("/")[2] in _SHELLS and len(args) > 1 and args[0].startswith("-") and "c" in args[0]:
        shell = Shell(errexit="e" in args[0], folder=folder)
        return given[1].line, called(args[1], shell)
    return entrypoint.line, (Called((entrypoint.text, *args), 0, folder),) if entrypoint.text else ()


def _words(text: str) -> str:
    """A text once Cloud Build has put its substitutions into it: ``$$`` is one ``$``."""
    return text.replace("$$", "$")
