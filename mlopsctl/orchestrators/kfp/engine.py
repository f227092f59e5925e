"""The engine Kubeflow Pipelines: a pipeline with versions, recurring runs, and runs, made as a project wants them.

A project's environment has one pipeline there. Each bundle that is compiled is a version of it, named by the start of
its digest; a schedule is a recurring run; a run has our run id as its name. All carry our mark in their descriptions,
and nothing without it is changed or removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice

from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.contract import Deployed, EngineRun, Wanted
from mlopsctl.orchestrators.kfp.marks import mark, read_mark
from mlopsctl.orchestrators.kfp.problems import shown_host
from mlopsctl.orchestrators.kfp.schedules import Comparison, check_schedules, delete_all, make_so
from mlopsctl.orchestrators.kfp.server import Server
from mlopsctl.orchestrators.kfp.states import engine_run, run_state, task_names
from mlopsctl.orchestrators.kfp.things import AT, BUNDLE, RUN, Pipeline, Recurring, Version, inner, text
from mlopsctl.orchestrators.kfp.wire import Wire
from mlopsctl.orchestrators.specs.kfp import Kubeflow

_SHORT = 12


class KubeflowEngine:
    """An ``Engine`` (see ``orchestrators.contract``) on one server of Kubeflow Pipelines."""

    def __init__(
        self, settings: Kubeflow, patience: Patience | None = None, ambient: Mapping[str, str] = os.environ
    ) -> None:
        self._settings = settings
        self._server = Server(Wire(settings, patience, ambient), settings.namespace)
        self._names: dict[str, frozenset[str] | None] = {}

    def look(self, wanted: Wanted) -> Deployed:
        """What stands there now; changes nothing."""
        check_schedules(wanted, self._settings)
        pipeline = self._server.pipeline(wanted.name)
        if pipeline is not None and not _is_ours(pipeline, wanted):
            return Deployed(notes=(self._not_ours(pipeline),))
        versions = self._server.newest_versions(pipeline) if pipeline is not None else ()
        compared = self._compared(wanted, pipeline, versions)
        return Deployed(
            exists=pipeline is not None,
            version=_current(versions, wanted),
            schedules=compared.seen(),
            notes=tuple(compared.notes()),
        )

    def deploy(self, wanted: Wanted) -> tuple[str, ...]:
        """Make it as wanted, and say what was done, a line each; nothing where it is so already."""
        return tuple(self._deploy(wanted))

    def remove(self, wanted: Wanted) -> tuple[str, ...]:
        """Remove the schedules, the versions and the pipeline that are ours. Runs and their experiment stay."""
        return tuple(self._remove(wanted))

    def start(self, wanted: Wanted, run: str, parameters: Mapping[str, Json]) -> str:
        """Start a run of the deployed version and return the server's id; asked again for a run, that run's id."""
        pipeline = self._server.pipeline(wanted.name)
        version = self._deployed(pipeline, wanted) if pipeline is not None and _is_ours(pipeline, wanted) else None
        if pipeline is None or version is None:
            raise StepProblem.because(
                "kfp-not-deployed",
                f"the pipeline {wanted.name} has no version {_short(wanted)} on {shown_host(self._settings.host)}",
                hint="mlopsctl apply deploys it, and then starts the run",
            )
        experiment = self._ensure_experiment(wanted)

        def done() -> Mapping[str, Json] | None:
            return next((one for one in self._server.runs_named(experiment, run) if _is_run(one, wanted, run)), None)

        found = done()
        if found is not None:
            return text(found, "run_id")
        root = {"pipeline_root": self._settings.pipeline_root} if self._settings.pipeline_root else {}
        account = {"service_account": self._settings.service_account} if self._settings.service_account else {}
        body: dict[str, Json] = {
            "display_name": run,
            "description": str(mark(wanted, **{RUN: run})),
            "experiment_id": experiment,
            "pipeline_version_reference": {"pipeline_id": pipeline.id, "pipeline_version_id": version.id},
            "runtime_config": {"parameters": dict(parameters), **root},
            **account,
        }
        return self._server.create_run(body, done)

    def follow(self, id: str) -> EngineRun:
        """How a run stands now."""
        run = self._server.run(id)
        return engine_run(run, self._task_names(run), self._pages)

    def recent(self, wanted: Wanted, limit: int) -> tuple[EngineRun, ...]:
        """The newest runs of our pipeline, those of its schedules too, newest first; without their tasks."""
        pipeline = self._server.pipeline(wanted.name)
        experiment = self._server.experiment(self._experiment(wanted))
        if pipeline is None or not _is_ours(pipeline, wanted) or not experiment:
            return ()
        ours = (run for run in self._server.newest_runs(experiment) if _pipeline_of(run) == pipeline.id)
        return tuple(engine_run(run, None, self._pages) for run in islice(ours, limit))

    def cancel(self, id: str) -> None:
        """Stop a run; nothing where it has ended."""
        if not self._ends(id):
            self._server.terminate(id, lambda: self._ends(id))

    def _deploy(self, wanted: Wanted) -> Iterator[str]:
        check_schedules(wanted, self._settings)
        there = self._server.pipeline(wanted.name)
        pipeline = there or self._server.create_pipeline(wanted.name, str(mark(wanted)))
        if not _is_ours(pipeline, wanted):
            raise StepProblem.because(
                "kfp-not-ours",
                self._not_ours(pipeline),
                hint="delete or rename it there, or give the project another name",
            )
        if there is None:
            yield f"created the pipeline {wanted.name}"
        versions = self._server.newest_versions(pipeline)
        if _current(versions, wanted) != wanted.bundle.digest:
            yield f"uploaded version {self._upload(pipeline, wanted)} of the pipeline {wanted.name}"
        compared = self._compared(wanted, pipeline, versions)
        if compared.as_wanted:
            return
        version = self._deployed(pipeline, wanted)
        if version is None:
            raise StepProblem.because(
                "kfp-not-deployed",
                f"the version of the pipeline {wanted.name} that was just there is gone",
                hint="run the same command again",
            )
        if wanted.schedules:
            compared = replace(compared, experiment=self._ensure_experiment(wanted))
        yield from make_so(self._server, compared, pipeline, version.id, lambda: self._recurring(wanted))

    def _remove(self, wanted: Wanted) -> Iterator[str]:
        pipeline = self._server.pipeline(wanted.name)
        yield from delete_all(self._server, self._recurring(wanted))
        if pipeline is None or not _is_ours(pipeline, wanted):
            return
        versions = self._server.versions(pipeline)
        for version in versions:
            if version.bundle(wanted):
                self._server.delete_version(pipeline, version)
                yield f"deleted version {version.name} of the pipeline {wanted.name}"
        if all(version.bundle(wanted) for version in versions):
            self._server.delete_pipeline(pipeline)
            yield f"deleted the pipeline {wanted.name}"
        else:
            yield f"kept the pipeline {wanted.name}, for it has versions that are not ours"

    def _upload(self, pipeline: Pipeline, wanted: Wanted) -> str:
        """Upload the bundle as the newest version; its name."""
        short = _short(wanted)
        taken = {version.name for version in self._server.versions(pipeline, named=short)}
        # A bundle that comes back after another is uploaded once more: the newest version is the deployed one.
        name = next(name for number in count(1) if (name := short if number == 1 else f"{short}-{number}") not in taken)
        self._server.upload_version(
            pipeline,
            name,
            str(mark(wanted, **{BUNDLE: wanted.bundle.digest, AT: str(now_ms())})),
            wanted.bundle.files[wanted.bundle.main],
            lambda: any(version.name == name for version in self._server.newest_versions(pipeline)),
        )
        return name

    def _deployed(self, pipeline: Pipeline, wanted: Wanted) -> Version | None:
        """The newest version with the wanted bundle."""
        versions = self._server.versions(pipeline, named=_short(wanted))
        fitting = [version for version in versions if version.bundle(wanted) == wanted.bundle.digest]
        return max(fitting, key=lambda version: version.age, default=None)

    def _compared(self, wanted: Wanted, pipeline: Pipeline | None, versions: Sequence[Version]) -> Comparison:
        known = {version.id: version.bundle(wanted) for version in versions}

        def digest(one: Recurring) -> str:
            if one.version not in known:
                thing = self._server.version(pipeline.id, one.version) if pipeline is not None and one.version else None
                known[one.version] = Version.read(thing).bundle(wanted) if thing is not None else ""
            return known[one.version]

        there = self._recurring(wanted)
        experiment = self._server.experiment(self._experiment(wanted)) if there and wanted.schedules else ""
        return Comparison(wanted, self._settings, there, digest, experiment)

    def _recurring(self, wanted: Wanted) -> tuple[Recurring, ...]:
        """Our recurring runs, oldest first."""
        found = self._server.recurring(str(mark(wanted)))
        ours = [one for one in found if one.mark is not None and one.mark.is_of(wanted)]
        return tuple(sorted(ours, key=lambda one: (one.name, one.created, one.id)))

    def _experiment(self, wanted: Wanted) -> str:
        return self._settings.experiment or wanted.project

    def _ensure_experiment(self, wanted: Wanted) -> str:
        return self._server.ensure_experiment(self._experiment(wanted), str(mark(wanted)))

    def _task_names(self, run: Mapping[str, Json]) -> frozenset[str] | None:
        """The names of the tasks of a run's pipeline; ``None`` where its version was deleted."""
        reference = inner(run, "pipeline_version_reference")
        pipeline, version = text(reference, "pipeline_id"), text(reference, "pipeline_version_id")
        if not version:
            return task_names(inner(run, "pipeline_spec")) or None
        if version not in self._names:
            thing = self._server.version(pipeline, version)
            self._names[version] = task_names(inner(thing, "pipeline_spec")) if thing is not None else None
        return self._names[version]

    def _ends(self, id: str) -> bool:
        run = self._server.run(id)
        return run_state(run).ended or text(run, "state") == "CANCELING"

    @property
    def _pages(self) -> str:
        return shown_host(self._settings.ui or self._settings.host)

    def _not_ours(self, pipeline: Pipeline) -> str:
        if pipeline.mark is None:
            whose = "was not made by mlopsctl"
        else:
            whose = f"is of the project {pipeline.mark.project}, environment {pipeline.mark.environment}"
        return f"the pipeline {pipeline.name} on {shown_host(self._settings.host)} {whose}"


def _is_ours(pipeline: Pipeline, wanted: Wanted) -> bool:
    return pipeline.mark is not None and pipeline.mark.is_of(wanted)


def _current(versions: Sequence[Version], wanted: Wanted) -> str:
    """The digest of the newest version; empty where that is not one of ours."""
    ours = [version for version in versions if version.bundle(wanted)]
    newest = max(ours, key=lambda version: version.age, default=None)
    if newest is None or any(version.created > newest.created for version in versions):
        return ""
    return newest.bundle(wanted)


def _short(wanted: Wanted) -> str:
    return wanted.bundle.digest.rpartition(":")[2][:_SHORT]


def _is_run(thing: Mapping[str, Json], wanted: Wanted, run: str) -> bool:
    known = read_mark(text(thing, "description"))
    return known is not None and known.is_of(wanted) and known.more.get(RUN) == run


def _pipeline_of(run: Mapping[str, Json]) -> str:
    return text(inner(run, "pipeline_version_reference"), "pipeline_id")
