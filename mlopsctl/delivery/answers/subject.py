"""What a question is about: a run, an output of a step, an artifact, a model version, or the champion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlopsctl.config.hints import did_you_mean
from mlopsctl.delivery.answers.find import LAST, Place, final, find_run, no_runs
from mlopsctl.ground.digest import PREFIX
from mlopsctl.ground.errors import Problem, StepProblem, UsageProblem
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, Release
from mlopsctl.metadata.trace import artifacts_that_begin, environments, runs_that_begin
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.pipeline.names import model_name

CHAMPION = "champion"
_VERSION = re.compile(r"(?:(?P<name>[^/]+)/)?v?(?P<version>[0-9]{1,9})", re.ASCII)
_DIGEST = re.compile(r"(?:sha256:)?(?P<hex>[0-9a-f]{6,64})", re.ASCII)
_RUN = re.compile(r"[0-9]{8}T[0-9]{0,6}(-[0-9a-f]{0,6})?", re.ASCII)
_SAYS = (
    "write a run (last, or its id), STEP or STEP.OUTPUT of the last run, a digest, a model version (v3, NAME/v3) or "
    "champion"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question is about, in words, and the artifacts it stands for.

    ``run`` is the run in question, whose own steps are preferred; empty for none.
    """

    words: str
    artifacts: tuple[ArtifactRecord, ...]
    run: str = ""


def find_subject(found: Sequence[Place], what: str) -> tuple[Place, Subject]:
    """The thing that a text names, and where it is recorded.

    Raises:
        UsageProblem: when nothing has that name, or several things have.
    """
    if what == CHAMPION:
        return _champion(found)
    if what == LAST or _RUN.fullmatch(what):
        return _run(found, what)
    version = _VERSION.fullmatch(what)
    if version and (what.startswith("v") or "/" in what):
        return _version(found, version["name"] or "", version["version"])
    if digest := _DIGEST.fullmatch(what):
        matching = _artifact(found, digest["hex"])
        if matching is not None:
            return matching
    if any(runs_that_begin(p.stores.metadata, p.loaded.project.name, what, 1) for p in found if len(what) > 3):
        return _run(found, what)
    return _output(found, what)


def _champion(found: Sequence[Place]) -> tuple[Place, Subject]:
    released: list[tuple[Place, str, Release]] = []
    for place in found:
        for environment in _environments(place):
            state = place.stores.state.read(place.loaded.project.name, environment)
            if state.release is not None:
                released.append((place, environment, state.release))
    if not released:
        raise StepProblem.because("no-champion", "nothing is released", hint="`mlopsctl apply` releases a model")
    if len(released) > 1:
        names = ", ".join(environment for _, environment, _ in released)
        raise UsageProblem.because(
            "which-environment", "several environments have a champion", hint=f"add -e NAME; there is: {names}"
        )
    place, environment, release = released[0]
    model = ArtifactRecord(release.model, ArtifactType.MODEL, "")
    version = f"{release.registry_name} v{release.registry_version}"
    return place, Subject(f"the champion of {environment}: {version}", (model,), release.run)


def _environments(place: Place) -> tuple[str, ...]:
    if not place.everywhere:
        return (place.loaded.environment,)
    ever = environments(place.stores.metadata, place.loaded.project.name)
    return tuple(dict.fromkeys((place.loaded.environment, *ever)))


def _run(found: Sequence[Place], text: str) -> tuple[Place, Subject]:
    place, run = find_run(found, text)
    steps = final(place.stores.metadata.executions(run.id))
    outputs = {artifact.digest: artifact for record in steps.values() for artifact in record.outputs.values()}
    return place, Subject(f"run {run.id}", tuple(outputs.values()), run.id)


def _version(found: Sequence[Place], name: str, version: str) -> tuple[Place, Subject]:
    """A version in the registry; a model name of another project is not ours to know."""
    known: list[str] = []
    for place in found:
        own = model_name(place.loaded.project.name)
        if name not in ("", own):
            continue
        for number, digest in _versions(place, own):
            known.append(number)
            if number == version:
                model = ArtifactRecord(digest, ArtifactType.MODEL, "")
                return place, Subject(f"model {own} v{version}", (model,))
    told = f"{name} " if name else ""
    hint = f"versions: {', '.join(sorted(set(known), key=int))}" if known else "`mlopsctl status` says what there is"
    raise UsageProblem.because("unknown-version", f"there is no model {printable(told)}version {version}", hint=hint)


def _versions(place: Place, name: str) -> list[tuple[str, str]]:
    """Versions and digests: of the registry, or of the releases where it cannot be asked."""
    try:
        return [(found.version, found.digest) for found in place.stores.registry.versions(name)]
    except (Problem, ImportError):
        state = place.stores.state.read(place.loaded.project.name, place.loaded.environment)
        releases = (*state.history, *((state.release,) if state.release is not None else ()))
        return [(release.registry_version, release.model) for release in releases]


def _artifact(found: Sequence[Place], digest: str) -> tuple[Place, Subject] | None:
    matching = {
        artifact.digest: (place, artifact)
        for place in found
        for artifact in artifacts_that_begin(place.stores.metadata, PREFIX + digest)
    }
    if len(matching) > 1:
        listed = ", ".join(name.removeprefix(PREFIX)[:20] for name in list(matching)[:5])
        raise UsageProblem.because(
            "which-artifact", f"several artifacts begin with {digest}", hint=f"write more of it: {listed}"
        )
    for place, artifact in matching.values():
        return place, Subject(f"{artifact.type.value} {artifact.digest}", (artifact,))
    return None


def _output(found: Sequence[Place], text: str) -> tuple[Place, Subject]:
    """``step`` or ``step.output``, as the newest run has it."""
    step, dot, output = text.partition(".")
    newest = [
        (run, place)
        for place in found
        for run in place.stores.metadata.runs(place.loaded.project.name, place.environment, 1)
    ]
    if not newest:
        raise no_runs(found)
    run, place = max(newest, key=lambda pair: pair[0].started)
    latest = dict(place.stores.metadata.latest(run.project, run.environment))
    record = latest.get(step)
    if record is None:
        raise _unknown(text, latest)
    if not dot:
        return place, Subject(f"{step} of run {record.run}", tuple(record.outputs.values()), record.run)
    artifact = record.outputs.get(output)
    if artifact is None:
        near = did_you_mean(output, record.outputs)
        hint = f"did you mean {step}.{near}?" if near else f"outputs: {', '.join(record.outputs)}"
        raise UsageProblem.because("unknown-output", f"{step} has no output {printable(output)}", hint=hint)
    return place, Subject(f"{artifact.type.value} {artifact.digest} ({text})", (artifact,), record.run)


def _unknown(text: str, latest: dict[str, ExecutionRecord]) -> UsageProblem:
    near = did_you_mean(text.partition(".")[0], latest)
    hint = f"did you mean {near}? " if near else ""
    return UsageProblem.because("unknown-subject", f"nothing here is called {printable(text)}", hint=hint + _SAYS)
