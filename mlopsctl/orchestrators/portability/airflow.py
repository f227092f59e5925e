"""The table of a project on Airflow: what a DAG says itself, what mlopsctl does in its place, and what neither can."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.components import OwnComponent
from mlopsctl.ground.secrets import secrets_named
from mlopsctl.ground.source import DocPath
from mlopsctl.lowering.bindings import defaults, fixed_parameters
from mlopsctl.lowering.image import image_problems
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.ir.settings import is_beside_project
from mlopsctl.orchestrators.portability.table import Row, Support
from mlopsctl.orchestrators.specs import Airflow
from mlopsctl.orchestrators.specs.airflow import InKubernetes, OnWorker
from mlopsctl.orchestrators.specs.airflow_dags import GitDags, is_bucket
from mlopsctl.pipeline.ir import Rule
from mlopsctl.triggers import DataTrigger, ScheduleTrigger

_URL = re.compile(r"(?P<place>[a-z][a-z0-9+.-]*://[A-Za-z0-9._-]+)(?P<path>/.*)?", re.DOTALL)
_LONGEST_ASSET = 1_500


def airflow_rows(loaded: Loaded, lowered: Lowered, engine: Airflow) -> tuple[Row, ...]:
    """A row for each property that the project uses."""
    return tuple(_Airflow(loaded, lowered, engine).rows())


def assets_of(loaded: Loaded) -> tuple[str, ...]:
    """The data whose change starts a run, as the URIs of Airflow's assets, sorted."""
    found = {
        uri
        for trigger in loaded.project.starting
        if isinstance(trigger, DataTrigger)
        for uri in map(_asset, loaded.project.data[trigger.dataset].source.outside().values())
        if uri
    }
    return tuple(sorted(found))


def _asset(uri: str) -> str:
    """A URL as Airflow takes it for an asset, in ASCII without spaces; empty for what is none."""
    found = _URL.fullmatch(uri)
    quoted = found["place"] + quote(found["path"] or "", safe="/:@!$&'()*+,;=?~%") if found else ""
    return quoted if len(quoted) <= _LONGEST_ASSET else ""


class _Airflow:
    def __init__(self, loaded: Loaded, lowered: Lowered, engine: Airflow) -> None:
        self._loaded, self._lowered, self._engine = loaded, lowered, engine
        self._on_worker = isinstance(engine.execution, OnWorker)
        self._where = "the worker" if self._on_worker else f"a container ({engine.execution.kind})"

    def rows(self) -> Iterator[Row]:
        yield self._row(("orchestrator", "dags"), Support.NATIVE, self._delivered())
        yield from self._image()
        yield from self._stores()
        yield from self._parameters()
        yield from self._secrets()
        yield from self._components()
        yield from self._verdicts()
        yield from self._triggers()
        for index, notifier in enumerate(self._loaded.project.notify):
            if notifier.kind == "file" and not self._on_worker:
                why = "the last task would write it in its container, where nobody finds it"
                yield self._row(("notify", index), Support.REFUSED, why, "use webhook or pubsub, or notify: []")
            else:
                yield self._row(
                    ("notify", index), Support.NATIVE, "the last task tells it, whatever came of the others"
                )
        deployment = self._loaded.project.deployment
        if deployment is not None and deployment.server.kind == "mlflow":
            how = "started by the machine that applies, once the run has ended"
            yield self._row(("deployment", "server"), Support.EMULATED, how)

    def _delivered(self) -> str:
        dags = self._engine.dags
        if isinstance(dags, GitDags):
            return f"pushed to the branch {dags.branch} of {dags.repository}"
        return f"written to the {'bucket' if is_bucket(dags) else 'folder'} {dags}"

    def _image(self) -> Iterator[Row]:
        if self._engine.image is None:
            return
        problems = tuple(image_problems(self._loaded))
        for problem in problems:
            yield Row("orchestrator.image", Support.REFUSED, problem.message, problem.span, problem.hint, by_apply=True)
        if not problems:
            yield self._row(("orchestrator", "image"), Support.NATIVE, "by digest, in every task")

    def _stores(self) -> Iterator[Row]:
        stores = self._loaded.project.stores
        for name in ("artifacts", "metadata", "tracking"):
            address = getattr(stores, name)
            if not isinstance(address, str) or not is_beside_project(address):
                yield self._row(("stores", name), Support.NATIVE, "reached by every task")
            elif self._on_worker:
                how = "below the project's folder on the worker, which must be the one that apply sees"
                yield self._row(("stores", name), Support.EMULATED, how)
            elif name != "metadata":
                why = "it lies in a folder of this machine, which a container does not have"
                yield self._row(("stores", name), Support.REFUSED, why, "name a URL that every step reaches")

    def _parameters(self) -> Iterator[Row]:
        for name in defaults(self._loaded):
            if name in self._loaded.project.parameters:
                yield self._row(("parameters", name), Support.NATIVE, "a param of the DAG")
        for span, name in fixed_parameters(self._loaded, self._lowered.pipeline.steps):
            why = "it decides what is compiled, so a run could not give it another value"
            hint = "write the value, or ${vars.…}, at this place"
            yield Row(f"parameters.{name}", Support.REFUSED, why, span, hint)

    def _secrets(self) -> Iterator[Row]:
        needed = {name for step in self._lowered.pipeline.steps for name in secrets_named(step.parameters)}
        pods = self._engine.execution
        known = pods.secrets if isinstance(pods, InKubernetes) else {}
        for name in sorted(needed):
            place = self._loaded.span(("orchestrator",), True)
            if self._on_worker:
                how = f"the worker's environment variable {name}"
                yield Row(f"secret {name}", Support.NATIVE, how, place)
            elif name in known:
                yield Row(f"secret {name}", Support.NATIVE, "a key of a Kubernetes secret", place)
            else:
                why, hint = "the steps' containers do not have it", "name it under execution.secrets"
                yield Row(f"secret {name}", Support.REFUSED, why, place, hint)

    def _components(self) -> Iterator[Row]:
        for name, component in self._loaded.project.components.items():
            path: DocPath = ("components", name)
            if component.retry is not None and component.retry.attempts:
                yield self._row((*path, "retry"), Support.NATIVE, "retries and retry_delay of the task")
            if component.timeout is not None:
                how = "the step's own process ends; the task's own limit is a minute later"
                yield self._row((*path, "timeout"), Support.NATIVE, how)
            if "when" in component.model_fields_set:
                how = "decided when the task begins; it is skipped then, and so is what reads it"
                yield self._row((*path, "when"), Support.EMULATED, how)
            yield from self._order(path, component)
            if component.requirements:
                yield self._row((*path, "requirements"), Support.EMULATED, "installed when the step starts")
            resources = component.resources
            if resources is not None and resources.accelerators and self._on_worker:
                why = "a process of the worker is given no accelerators"
                hint = "run the steps in pods: execution: {kind: kubernetes}"
                yield self._row((*path, "resources", "accelerators"), Support.REFUSED, why, hint)
            elif resources is not None:
                support = Support.NATIVE if isinstance(self._engine.execution, InKubernetes) else Support.EMULATED
                how = "requests and limits of the pod" if support is Support.NATIVE else "held by the step's runtime"
                yield self._row((*path, "resources"), support, how)

    def _order(self, path: DocPath, component: OwnComponent) -> Iterator[Row]:
        """What beside its data decides when a step runs, and whether."""
        if component.after:
            yield self._row((*path, "after"), Support.NATIVE, "an edge of the DAG")
        if component.rule is Rule.ONE_SUCCESS and component.inputs:
            why = "Airflow starts such a task at the first success, when what else it reads may not be there yet"
            hint = "write none_failed_min_one_success or all_done, or order the steps by after alone"
            yield self._row((*path, "trigger_rule"), Support.REFUSED, why, hint)
        elif component.rule is not Rule.ALL_SUCCESS:
            yield self._row((*path, "trigger_rule"), Support.NATIVE, "the rule of the task")
        if not component.reuse:
            yield self._row((*path, "reuse"), Support.NATIVE, "the step takes no earlier result")
        if component.pool is not None:
            yield self._row((*path, "pool"), Support.NATIVE, "the pool of the task, which must be there")
        if component.priority is not None:
            yield self._row((*path, "priority"), Support.NATIVE, "priority_weight of the task, taken as it is")

    def _verdicts(self) -> Iterator[Row]:
        project = self._loaded.project
        decided = "decided by the step itself, as on this machine; what reads a refused verdict is skipped"
        for name, dataset in project.data.items():
            if dataset.checks:
                yield self._row(("data", name, "checks"), Support.EMULATED, decided)
        if project.evaluation.gates:
            yield self._row(("evaluation", "gates"), Support.EMULATED, decided)

    def _triggers(self) -> Iterator[Row]:
        schedules, assets = 0, assets_of(self._loaded)
        for index, trigger in enumerate(self._loaded.project.starting):
            path: DocPath = ("triggers", index)
            if isinstance(trigger, ScheduleTrigger):
                schedules += 1
                if schedules > 1:
                    hint = "put both times into one cron expression, or take one out"
                    yield self._row(path, Support.REFUSED, "a DAG of Airflow has one schedule", hint)
                elif assets:
                    why = "a DAG of Airflow starts by a schedule or by new data, not by both"
                    yield self._row(path, Support.REFUSED, why, "take one of the two triggers out")
                else:
                    past = "Airflow 2 runs the past tick at once"
                    how = f"{trigger.cron} in {trigger.timezone}, without catching up; {past}"
                    yield self._row(path, Support.NATIVE, how)
            elif isinstance(trigger, DataTrigger) and assets:
                yield self._row(path, Support.NATIVE, f"when the asset changes: {', '.join(assets)}")
            else:
                how = f"`mlopsctl trigger check` decides by {trigger.kind}; Airflow by schedule and by assets"
                if isinstance(trigger, DataTrigger):
                    how = "`mlopsctl trigger check` decides; data that has no URL is no asset of Airflow's"
                yield self._row(path, Support.EMULATED, how)

    def _row(self, path: DocPath, support: Support, how: str, hint: str = "") -> Row:
        is_default = path[0] not in self._loaded.document.data
        place = self._loaded.span(("orchestrator",), True) if is_default else self._loaded.span(path)
        return Row(".".join(map(str, path)), support, how, place, hint)
