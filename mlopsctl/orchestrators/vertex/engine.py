"""Vertex AI Pipelines as an engine: what stands there, making it as wanted, and runs of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.orchestrators.contract import Deployed, EngineRun, Wanted
from mlopsctl.orchestrators.specs.vertex import Vertex
from mlopsctl.orchestrators.vertex import jobs
from mlopsctl.orchestrators.vertex.clients import Clients
from mlopsctl.orchestrators.vertex.deployed import Kept, Marker
from mlopsctl.orchestrators.vertex.standing import Standing
from mlopsctl.vertexai.calls import SECONDS, Calls
from mlopsctl.vertexai.clients import address, host

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import PipelineJob

_OF_A_RUN = ("name", "state", "create_time", "labels", "runtime_config", "schedule_name", "error")
_MOST_A_PAGE = 100


class VertexEngine:
    """See :class:`~mlopsctl.orchestrators.contract.Engine`.

    Args:
        pause: waits so many seconds.
    """

    def __init__(self, settings: Vertex, pause: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        url = address(settings.location, settings.api_endpoint)
        self._calls = Calls(host(url), settings.project, settings.location, pause)
        self._clients = Clients(url, self._calls)
        self._parent = f"projects/{settings.project}/locations/{settings.location}"

    def look(self, wanted: Wanted) -> Deployed:
        """What stands there now; changes nothing."""
        found, _ = self._kept(wanted).marker()
        marker = found or _nothing(wanted)
        if not marker.is_of(wanted):
            return Deployed(notes=(_not_ours(wanted, marker),))
        told, notes = self._standing(wanted, marker).told()
        return Deployed(found is not None or bool(told), marker.version, told, notes)

    def deploy(self, wanted: Wanted) -> tuple[str, ...]:
        """Make it as wanted, and say what was done, a line each; nothing where it is so already."""
        kept = self._kept(wanted)
        found, seen = kept.marker()
        marker = found or _nothing(wanted)
        if not marker.is_of(wanted):
            hint = "rename the project, or give `orchestrator.pipeline_root` a folder of its own"
            raise StepProblem.because("not-ours", _not_ours(wanted, marker), hint=hint)
        version = wanted.bundle.digest
        is_new = marker.version != version
        if is_new:
            kept.keep(wanted)
        left, done = self._standing(wanted, marker).settle()
        after = replace(marker, version=version, schedules=left)
        if after != found:
            # Last: until then the next deploy does what is left.
            kept.mark(after, seen)
        short = version.rpartition(":")[2][:12]
        return (*((f"version {short} of the pipeline {wanted.name} deployed",) if is_new else ()), *done)

    def remove(self, wanted: Wanted) -> tuple[str, ...]:
        """Remove what is ours, and say what was removed. The jobs that ran stay: they are history."""
        kept = self._kept(wanted)
        found, _ = kept.marker()
        marker = found or _nothing(wanted)
        if not marker.is_of(wanted):
            return ()
        standing, done = self._standing(wanted, marker), []
        for schedule in standing.there().ours:
            standing.delete(schedule.id)
            done.append(f"schedule {schedule.name} deleted")
        if kept.remove():
            done.append(f"every version of the pipeline {wanted.name} deleted")
        return tuple(done)

    def start(self, wanted: Wanted, run: str, parameters: Mapping[str, Json]) -> str:
        """Start a run of the deployed version and return the job's id; asked again for a run, that run's id."""
        from google.api_core.exceptions import Conflict

        job, id = jobs.job(self._settings, wanted, parameters, run), jobs.job_id(wanted, run)

        def create() -> str:
            try:
                self._clients.pipelines.create_pipeline_job(
                    parent=self._parent, pipeline_job=job, pipeline_job_id=id, retry=None, timeout=SECONDS
                )
            except Conflict:
                self._refuse_foreign(id, wanted, run)
            return id

        def done() -> str | None:
            return id if self._look_for(id) is not None else None

        return self._calls.write(f"start the pipeline job {id}", create, done)

    def follow(self, id: str) -> EngineRun:
        """How a run stands now."""
        return jobs.engine_run(self._settings, self._job(id))

    def recent(self, wanted: Wanted, limit: int) -> tuple[EngineRun, ...]:
        """The newest runs of our pipeline, those of its schedules too, newest first; without their tasks."""
        from google.cloud.aiplatform_v1 import ListPipelineJobsRequest
        from google.protobuf.field_mask_pb2 import FieldMask

        request = ListPipelineJobsRequest(
            parent=self._parent,
            filter=" AND ".join(f'labels.{key}="{value}"' for key, value in jobs.owner(wanted).items()),
            order_by="create_time desc",
            page_size=min(limit, _MOST_A_PAGE),
            read_mask=FieldMask(paths=_OF_A_RUN),
        )

        def listed() -> list[PipelineJob]:
            pages = self._clients.pipelines.list_pipeline_jobs(request, retry=None, timeout=SECONDS)
            return list(itertools.islice(pages, limit))

        found = self._calls.read("list the pipeline jobs", listed)
        return tuple(jobs.engine_run(self._settings, job) for job in found)

    def cancel(self, id: str) -> None:
        """Stop a run; nothing where it has ended."""
        from google.api_core.exceptions import BadRequest

        def cancel() -> None:
            if self.follow(id).state.ended:
                return
            try:
                self._clients.pipelines.cancel_pipeline_job(name=self._job_name(id), retry=None, timeout=SECONDS)
            except BadRequest:
                if not self.follow(id).state.ended:
                    raise

        self._calls.read(f"cancel the pipeline job {id}", cancel)

    def _kept(self, wanted: Wanted) -> Kept:
        return Kept.of(self._settings.pipeline_root, wanted)

    def _standing(self, wanted: Wanted, marker: Marker) -> Standing:
        return Standing(self._settings, self._calls, self._clients, wanted, marker)

    def _job(self, id: str) -> PipelineJob:
        return self._calls.read(
            f"look at the pipeline job {id}",
            lambda: self._clients.pipelines.get_pipeline_job(name=self._job_name(id), retry=None, timeout=SECONDS),
        )

    def _look_for(self, id: str) -> PipelineJob | None:
        from google.api_core.exceptions import NotFound

        def get() -> PipelineJob | None:
            try:
                return self._clients.pipelines.get_pipeline_job(name=self._job_name(id), retry=None, timeout=SECONDS)
            except NotFound:
                return None

        return self._calls.read(f"look for the pipeline job {id}", get)

    def _job_name(self, id: str) -> str:
        return id if id.startswith("projects/") else f"{self._parent}/pipelineJobs/{id}"

    def _refuse_foreign(self, id: str, wanted: Wanted, run: str) -> None:
        found = self._job(id)
        if not jobs.is_ours(found.labels, wanted) or found.labels.get(jobs.RUN) != jobs.as_label(run):
            raise StepProblem.because(
                "not-ours",
                f"there is a pipeline job {id} in {self._settings.location} already, and it is not of this run",
                hint="rename the project, or delete that job",
            )


def _nothing(wanted: Wanted) -> Marker:
    return Marker(wanted.project, wanted.environment)


def _not_ours(wanted: Wanted, marker: Marker) -> str:
    return f"the pipeline {wanted.name} below the pipeline root is {marker.project}'s in {marker.environment}, not ours"
