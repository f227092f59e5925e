"""The rows about what stands around the steps: parameters, secrets, schedules, notifiers, the server, settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.ground.secrets import secrets_named
from mlopsctl.lowering.bindings import defaults, fixed_parameters, is_inside_text
from mlopsctl.lowering.image import image_problems
from mlopsctl.orchestrators.ir.types import LARGEST_INTEGER, parameter_type
from mlopsctl.orchestrators.portability.machines import shape
from mlopsctl.orchestrators.portability.needs import secrets_of_end
from mlopsctl.orchestrators.portability.scene import Scene
from mlopsctl.orchestrators.portability.table import Row, Support
from mlopsctl.orchestrators.specs import Kubeflow, Vertex
from mlopsctl.triggers import ScheduleTrigger

_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"})

# What each setting comes to; the others say where the engine is, and are no property of the project.
_SETTINGS = {
    "experiment": "the experiment of the runs",
    "namespace": "the namespace of the runs",
    "pipeline_root": "where the engine keeps its own files",
    "service_account": "given when a run starts",
    "node_selector": "the labels of the pods' nodes",
    "tolerations": "given to the pods",
    "image_pull_secrets": "given to the pods",
    "max_concurrent_runs": "given to the schedule",
    "network": "given when a run starts",
    "reserved_ip_ranges": "given when a run starts",
    "encryption_key": "given when a run starts",
    "labels": "given when a run starts",
    "failure_policy": "given when a run starts",
}


def parameters(scene: Scene) -> Iterator[Row]:
    """Run-time parameters: those that the engine passes, and those that it cannot."""
    loaded = scene.loaded
    for name, value in defaults(loaded).items():
        path = ("parameters", name)
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            why = f"{scene.name} passes numbers as binary64, in which {value} is another number"
            yield scene.refused(path, why, f"write a number of at most {LARGEST_INTEGER}, or a text")
        elif isinstance(value, str) and (mark := _read_by(scene, value)):
            why = f"{scene.name} does not pass it on as it is: it reads {mark!r} as the beginning of a placeholder"
            yield scene.refused(path, why, f"write the text without {mark!r}")
        elif name in loaded.project.parameters:
            yield scene.native(path, parameter_type(value))
    for step in scene.lowered.pipeline.steps:
        for at, binding in step.bindings.items():
            if is_inside_text(binding):
                how = f"the container of {step.id} fills in {binding}"
                yield Row(f"{step.id}.{at}", Support.EMULATED, how, scene.lowered.places.get(step.id))
    for span, name in fixed_parameters(loaded, scene.lowered.pipeline.steps):
        why = "it decides what is compiled, so a run could not give it another value"
        yield Row(f"parameters.{name}", Support.REFUSED, why, span, "write the value, or ${vars.…}, at this place")


def _read_by(scene: Scene, text: str) -> str:
    """What the engine, or Kubernetes below it, would replace in a text; empty for nothing."""
    marks = ("{{", "$(") if isinstance(scene.engine, Kubeflow) else ("{{",)
    return next((mark for mark in marks if mark in text), "")


def secrets(scene: Scene) -> Iterator[Row]:
    """Each secret that a container needs."""
    needed = {name for step in scene.lowered.pipeline.steps for name in secrets_named(step.parameters)}
    needed.update(secrets_of_end(scene.loaded))
    address = scene.loaded.project.stores.metadata
    if not isinstance(address, str) and scene.scheduled and scene.wanted:
        needed.add(address.secret)
    known = scene.engine.secrets if isinstance(scene.engine, Kubeflow) else {}
    for name in sorted(needed):
        title, place = f"secret {name}", scene.secret_place(name)
        if name in known:
            how = f"the key {known[name].key} of the Kubernetes secret {known[name].name}"
            yield Row(title, Support.NATIVE, how, place)
        elif isinstance(scene.engine, Kubeflow):
            hint = f"say where the cluster has it: orchestrator: {{secrets: {{{name}: {{name: …, key: …}}}}}}"
            yield Row(title, Support.REFUSED, "the steps' containers do not have it", place, hint)
        else:
            hint = "let the service account of the jobs have access, and take the secret out of this environment"
            yield Row(title, Support.REFUSED, "Vertex AI Pipelines gives containers no secrets", place, hint)


def triggers(scene: Scene) -> Iterator[Row]:
    """What starts runs."""
    for index, trigger in enumerate(scene.loaded.project.starting):
        path = ("triggers", index)
        if not isinstance(trigger, ScheduleTrigger):
            yield scene.emulated(path, f"`mlopsctl trigger check` decides by {trigger.kind}; {scene.name} by schedule")
        elif isinstance(scene.engine, Kubeflow):
            yield _kubeflow_schedule(scene, index, trigger, scene.engine.timezone)
        else:
            yield scene.native(path, f"{trigger.cron} in {trigger.timezone}")


def _kubeflow_schedule(scene: Scene, index: int, trigger: ScheduleTrigger, server: str) -> Row:
    if trigger.timezone == server or {trigger.timezone, server} <= _UTC:
        return scene.native(("triggers", index), f"{trigger.cron} in {trigger.timezone}, without catching up")
    return scene.refused(
        ("triggers", index, "timezone"),
        f"Kubeflow Pipelines reads all schedules in the time zone of its server, {server}, not in {trigger.timezone}",
        f"write the schedule in {server}, or say which zone the server has: orchestrator: {{timezone: …}}",
    )


def notifiers(scene: Scene) -> Iterator[Row]:
    """Who is told."""
    for index, notifier in enumerate(scene.loaded.project.notify):
        path = ("notify", index)
        if notifier.kind == "file":
            why = "the last task would write it in its container, where nobody finds it"
            yield scene.refused(path, why, "use webhook or pubsub in this environment, or notify: []")
        else:
            yield scene.native(path, "the last task tells it, whatever came of the others")


def verdicts(scene: Scene) -> Iterator[Row]:
    """Checks, gates, and what they compare with."""
    project = scene.loaded.project
    decided = "decided by the step itself, as on this machine; what reads a refused verdict records its skip"
    for name, dataset in project.data.items():
        if dataset.checks:
            yield scene.emulated(("data", name, "checks"), decided)
    if project.evaluation.gates:
        yield scene.emulated(("evaluation", "gates"), decided)
    if scene.wanted:
        how = f"apply pins {', '.join(scene.wanted)}; in a run that it did not start, the first task does"
        yield scene.emulated(("evaluation" if project.training is not None else "data",), how)


def server(scene: Scene) -> Iterator[Row]:
    """What serves a released model."""
    deployment = scene.loaded.project.deployment
    if deployment is None:
        return
    path = ("deployment", "server")
    if deployment.server.kind == "mlflow":
        yield scene.emulated(path, "the machine that applies serves the model")
    else:
        yield scene.native(path, "apply tells the server, from the machine that applies")


def image(scene: Scene) -> Iterator[Row]:
    """What the steps run in."""
    reference = next((step.image for step in scene.lowered.pipeline.steps), "")
    if reference:
        by_tag = "" if "@" in reference else ", by a tag: what it holds may change"
        yield scene.native(("orchestrator", "image"), f"{reference}{by_tag}")
    for problem in image_problems(scene.loaded):
        yield Row("orchestrator.image", Support.REFUSED, problem.message, problem.span, problem.hint, by_apply=True)


def settings(scene: Scene) -> Iterator[Row]:
    """What the orchestrator's own settings come to."""
    engine = scene.engine
    # In a look at another engine than the environment's own, its settings are nobody's.
    written = scene.loaded.document.data.get("orchestrator")
    known = written if isinstance(written, Mapping) and written.get("kind") == engine.kind else {}
    for name in sorted(known.keys() & _SETTINGS.keys()):
        value = getattr(engine, name)
        shown = f": {value}" if isinstance(value, str | int) else ""
        yield scene.native(("orchestrator", name), f"{_SETTINGS[name]}{shown}")
    if engine.caching:
        how = "on for steps that read nothing outside; since each run has an id, it takes what the same run left"
        yield scene.native(("orchestrator", "caching"), how)
    if isinstance(engine, Vertex):
        yield from _machines(scene, engine)


def _machines(scene: Scene, engine: Vertex) -> Iterator[Row]:
    if engine.machine_type is not None:
        found = shape(engine.machine_type)
        if found is None or engine.spot:
            how = f"each step is a custom job on the machine {engine.machine_type}"
            yield scene.native(("orchestrator", "machine_type"), how)
        else:
            how = f"steps without resources of their own ask for its {found[0]} cores and {found[1]} bytes of memory"
            yield scene.emulated(("orchestrator", "machine_type"), how)
    if engine.spot and engine.machine_type is None:
        why = "a step on a spot machine is a custom job of its own, which needs a machine by name"
        yield scene.refused(("orchestrator", "spot"), why, "set machine_type too")
    elif engine.spot:
        yield scene.native(("orchestrator", "spot"), "the custom jobs of the steps run on spot machines")
    known = {step.id for step in scene.lowered.pipeline.steps}
    for id, machine in engine.machines.items():
        path = ("orchestrator", "machines", id)
        if id in known:
            kind = "spot " if machine.spot else ""
            yield scene.native(path, f"a custom job on a {kind}{machine.machine_type}")
        else:
            yield scene.refused(path, f"the pipeline has no step {id}", f"its steps: {', '.join(sorted(known))}")
