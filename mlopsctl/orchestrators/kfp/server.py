"""The calls to the server that are made here, by what they are for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.ground.digest import Json
from mlopsctl.orchestrators.kfp.things import Pipeline, Recurring, Version, listed, text
from mlopsctl.orchestrators.kfp.wire import Raw, Wire

if TYPE_CHECKING:
    import kfp

_EQUALS, _CONTAINS = 1, 9
_FULL = 100
_FEW = 5
_NEWEST_FIRST = "created_at desc"


class Server:
    """One server, in one namespace; ``None`` for a server with one user."""

    def __init__(self, wire: Wire, namespace: str | None) -> None:
        self._wire, self._namespace = wire, namespace

    def pipeline(self, name: str) -> Pipeline | None:
        """The pipeline of that name."""
        found = self._pipeline(name)
        return Pipeline.read(found) if found is not None else None

    def create_pipeline(self, name: str, description: str) -> Pipeline:
        """Create a pipeline without versions; asked again, the one there is."""
        body = {"name": name, "display_name": name, "description": description, "namespace": self._namespace}
        answer = self._wire.write(
            f"create the pipeline {name}",
            lambda client, how: client.pipelines.pipeline_service_create_pipeline(_given(body), **how),
            lambda: self._pipeline(name),
        )
        return Pipeline.read(answer)

    def delete_pipeline(self, pipeline: Pipeline) -> None:
        """Delete a pipeline that has no versions."""
        self._wire.delete(
            f"delete the pipeline {pipeline.name}",
            lambda client, how: client.pipelines.pipeline_service_delete_pipeline(pipeline.id, **how),
        )

    def newest_versions(self, pipeline: Pipeline) -> tuple[Version, ...]:
        """The few newest versions. Each comes with all of its pipeline, so the others are left where they are."""
        answer = self._wire.read(
            f"list the versions of the pipeline {pipeline.name}",
            lambda client, how: client.pipelines.pipeline_service_list_pipeline_versions(
                pipeline.id, page_size=_FEW, sort_by=_NEWEST_FIRST, **how
            ),
        )
        return tuple(Version.read(one) for one in listed(answer, "pipeline_versions"))

    def versions(self, pipeline: Pipeline, named: str = "") -> tuple[Version, ...]:
        """The versions with a text in their names."""

        def asked(page: Mapping[str, object], client: kfp.Client, how: Mapping[str, object]) -> Raw:
            raw: Raw = client.pipelines.pipeline_service_list_pipeline_versions(pipeline.id, **page, **how)
            return raw

        found = self._pages(
            f"list the versions of the pipeline {pipeline.name}", "pipeline_versions", asked,
            {"page_size": _FULL, "filter": _filter("name", _CONTAINS, named) if named else None},
        )  # fmt: skip
        return tuple(Version.read(one) for one in found)

    def version(self, pipeline: str, id: str) -> Mapping[str, Json] | None:
        """A version by its id, with the pipeline in it."""
        return self._wire.find(
            "read a version of the pipeline",
            lambda client, how: client.pipelines.pipeline_service_get_pipeline_version(pipeline, id, **how),
        )

    def upload_version(
        self, pipeline: Pipeline, name: str, description: str, content: bytes, done: Callable[[], bool]
    ) -> None:
        """Upload a version; ``done`` looks whether it is there already."""
        with tempfile.TemporaryDirectory(prefix="mlopsctl-kfp-") as folder:
            # The server tells archives from YAML by this name.
            file = Path(folder) / "pipeline.yaml"
            file.write_bytes(content)
            self._wire.write(
                f"upload a version of the pipeline {pipeline.name}",
                lambda client, how: client.pipeline_uploads.upload_pipeline_version(
                    str(file), name=name, pipelineid=pipeline.id, description=description, **how
                ),
                lambda: {} if done() else None,
            )

    def delete_version(self, pipeline: Pipeline, version: Version) -> None:
        """Delete a version."""
        self._wire.delete(
            f"delete the version {version.name} of the pipeline {pipeline.name}",
            lambda client, how: client.pipelines.pipeline_service_delete_pipeline_version(
                pipeline.id, version.id, **how
            ),
        )

    def experiment(self, name: str) -> str:
        """The id of the experiment of that name; empty for none."""
        return text(self._experiment(name) or {}, "experiment_id")

    def ensure_experiment(self, name: str, description: str) -> str:
        """The id of the experiment of that name, which is created where there is none."""
        body = {"display_name": name, "description": description, "namespace": self._namespace}
        return self.experiment(name) or text(
            self._wire.write(
                f"create the experiment {name}",
                lambda client, how: client.experiments.experiment_service_create_experiment(_given(body), **how),
                lambda: self._experiment(name),
            ),
            "experiment_id",
        )

    def recurring(self, described: str) -> tuple[Recurring, ...]:
        """The recurring runs with a text in their descriptions."""

        def asked(page: Mapping[str, object], client: kfp.Client, how: Mapping[str, object]) -> Raw:
            list_them = client.recurring_runs.recurring_run_service_list_recurring_runs
            raw: Raw = list_them(namespace=self._namespace, **page, **how)
            return raw

        options = {"page_size": _FULL, "filter": _filter("description", _CONTAINS, described)}
        # The server spells this one list in another way than the others.
        return tuple(Recurring.read(one) for one in self._pages("list recurring runs", "recurringRuns", asked, options))

    def create_recurring(self, body: Mapping[str, Json], done: Callable[[], Recurring | None]) -> str:
        """Create a recurring run and return its id; ``done`` looks whether it is there already."""

        def there() -> Mapping[str, Json] | None:
            found = done()
            return {"recurring_run_id": found.id} if found is not None else None

        answer = self._wire.write(
            f"create the recurring run {body['display_name']}",
            lambda client, how: client.recurring_runs.recurring_run_service_create_recurring_run(body, **how),
            there,
        )
        return text(answer, "recurring_run_id")

    def enable_recurring(self, id: str, name: str) -> None:
        """Let a recurring run start runs."""
        self._wire.write(
            f"enable the recurring run {name}",
            lambda client, how: client.recurring_runs.recurring_run_service_enable_recurring_run(id, **how),
            lambda: self._recurring_that(id, "ENABLED"),
        )

    def disable_recurring(self, id: str, name: str) -> None:
        """Let a recurring run start nothing."""
        self._wire.write(
            f"disable the recurring run {name}",
            lambda client, how: client.recurring_runs.recurring_run_service_disable_recurring_run(id, **how),
            lambda: self._recurring_that(id, "DISABLED"),
        )

    def delete_recurring(self, id: str, name: str) -> None:
        """Delete a recurring run; its runs stay."""
        self._wire.delete(
            f"delete the recurring run {name}",
            lambda client, how: client.recurring_runs.recurring_run_service_delete_recurring_run(id, **how),
        )

    def create_run(self, body: Mapping[str, Json], done: Callable[[], Mapping[str, Json] | None]) -> str:
        """Start a run and return its id; ``done`` looks whether it is there already."""
        answer = self._wire.write(
            f"start the run {body['display_name']}",
            lambda client, how: client.runs.run_service_create_run(body, **how),
            done,
        )
        return text(answer, "run_id")

    def runs_named(self, experiment: str, name: str) -> tuple[Mapping[str, Json], ...]:
        """The runs of a name; names are not unique."""
        return tuple(self._runs(experiment, {"page_size": _FULL, "filter": _filter("display_name", _EQUALS, name)}))

    def newest_runs(self, experiment: str) -> Iterator[Mapping[str, Json]]:
        """The runs of an experiment, newest first, asked for page by page."""
        return self._runs(experiment, {"page_size": _FULL, "sort_by": _NEWEST_FIRST})

    def run(self, id: str) -> Mapping[str, Json]:
        """A run with its tasks."""
        return self._wire.read(f"read the run {id}", lambda client, how: client.runs.run_service_get_run(id, **how))

    def terminate(self, id: str, done: Callable[[], bool]) -> None:
        """Stop a run; ``done`` looks whether it ends already."""
        self._wire.write(
            f"stop the run {id}",
            lambda client, how: client.runs.run_service_terminate_run(id, **how),
            lambda: {} if done() else None,
        )

    def _pipeline(self, name: str) -> Mapping[str, Json] | None:
        answer = self._wire.read(
            f"look for the pipeline {name}",
            lambda client, how: client.pipelines.pipeline_service_list_pipelines(
                namespace=self._namespace, page_size=_FULL, filter=_filter("name", _EQUALS, name), **how
            ),
        )
        # The server's database does not tell large letters from small ones.
        return next((one for one in listed(answer, "pipelines") if Pipeline.read(one).name == name), None)

    def _recurring_that(self, id: str, status: str) -> Mapping[str, Json] | None:
        """A recurring run, if it has that status."""
        found = self._wire.find(
            "read a recurring run",
            lambda client, how: client.recurring_runs.recurring_run_service_get_recurring_run(id, **how),
        )
        return found if found is not None and text(found, "status") == status else None

    def _experiment(self, name: str) -> Mapping[str, Json] | None:
        answer = self._wire.read(
            f"look for the experiment {name}",
            lambda client, how: client.experiments.experiment_service_list_experiments(
                namespace=self._namespace, page_size=_FULL, filter=_filter("display_name", _EQUALS, name), **how
            ),
        )
        return next((one for one in listed(answer, "experiments") if text(one, "display_name") == name), None)

    def _runs(self, experiment: str, options: Mapping[str, object]) -> Iterator[Mapping[str, Json]]:
        def asked(page: Mapping[str, object], client: kfp.Client, how: Mapping[str, object]) -> Raw:
            raw: Raw = client.runs.run_service_list_runs(experiment_id=experiment, **page, **how)
            return raw

        return self._pages("list runs", "runs", asked, options)

    def _pages(
        self,
        call: str,
        key: str,
        ask: Callable[[Mapping[str, object], kfp.Client, Mapping[str, object]], Raw],
        options: Mapping[str, object],
    ) -> Iterator[Mapping[str, Json]]:
        """The things of a list, page by page."""
        token = ""
        while True:
            answer = self._wire.read(call, partial(ask, {**options, "page_token": token or None}))
            yield from listed(answer, key)
            token = text(answer, "next_page_token")
            if not token:
                return


def _filter(key: str, operation: int, value: str) -> str:
    predicate = {"key": key, "operation": operation, "string_value": value}
    return json.dumps({"predicates": [predicate]})


def _given(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """The body without what is not set."""
    return {key: value for key, value in body.items() if value is not None}
