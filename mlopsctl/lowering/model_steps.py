"""The steps that make, judge and register a model."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.load import Loaded
from mlopsctl.config.project import Project
from mlopsctl.config.sections.deployment import Preflight
from mlopsctl.config.sections.training import Training
from mlopsctl.frameworks import Target
from mlopsctl.frameworks.container import ProgramTarget
from mlopsctl.frameworks.source import reachable_files
from mlopsctl.gates.needs import needs
from mlopsctl.ground.digest import Json
from mlopsctl.lowering.placing import located, place
from mlopsctl.metrics.own import OwnMetric
from mlopsctl.pipeline.ir import Ref, Step
from mlopsctl.pipeline.names import model_name


def model_steps(loaded: Loaded) -> Iterator[Step]:
    """Transform, train each target, select, evaluate, judge, preflight, push."""
    project, training = loaded.project, loaded.project.training
    if training is None:
        return
    dataset = project.training_data
    examples = Ref(f"ingest-{dataset}", "examples")
    label = project.data[dataset].label
    data = {"examples": examples, "anomalies": Ref(f"validate-{dataset}", "anomalies")}
    yield place(
        "transform",
        "transform",
        {**data, "schema": Ref(f"schema-{dataset}", "schema")},
        {"features": [feature.model_dump(mode="json") for feature in project.features]},
        code=list(_feature_code(loaded)),
    )
    yield from _train_steps(loaded, training, data)
    yield place(
        "select",
        "select",
        {**data, **{f"models.{name}": Ref(f"train-{name}", "model") for name in training.targets}},
        {"metric": project.select_metric, "task": training.task, "label": label},
    )
    model = Ref("select", "model")
    yield place(
        "evaluate",
        "evaluate",
        {**data, "model": model},
        {
            "task": training.task,
            "label": label,
            "split": project.evaluation.split,
            "metrics": list(project.metrics),
            "slices": [list(columns) for columns in project.evaluation.sliced],
            "own": [metric.model_dump(mode="json") for metric in project.evaluation.own.values()],
            "needs": [need.model_dump(mode="json") for need in needs(project.evaluation.gates)],
        },
        seed=project.seed,
        code=list(_metric_code(loaded)),
    )
    yield from _release_steps(loaded, model, examples)


def _metric_code(loaded: Loaded) -> Iterator[str]:
    """The project's files that its own metrics run."""
    for index, metric in enumerate(loaded.project.evaluation.metrics):
        if isinstance(metric, OwnMetric):
            with located(loaded.span(("evaluation", "metrics", index, "entrypoint"))):
                yield from reachable_files(loaded.folder, metric.entrypoint.partition(":")[0])


def _feature_code(loaded: Loaded) -> Iterator[str]:
    """The project's files that its own transformers run."""
    for index, feature in enumerate(loaded.project.features):
        with located(loaded.span(("features", index, "entrypoint"))):
            yield from feature.code(loaded.folder)


def _train_steps(loaded: Loaded, training: Training, data: dict[str, Ref]) -> Iterator[Step]:
    """For each target its search, where it has one, and its training."""
    project = loaded.project
    dataset = project.data[project.training_data]
    inputs = {**data, "transform_graph": Ref("transform", "transform_graph")}
    for name, target in training.targets.items():
        with located(loaded.span(_code_place(name, target))):
            code = target.code(loaded.folder)
        parameters: dict[str, Json] = {
            "target": target.model_dump(mode="json", exclude={"tune", "requirements"}),
            "task": training.task,
            "label": dataset.label,
            "positive": dataset.positive,
        }
        found: dict[str, Ref] = {}
        if target.tune is not None and target.tune.enabled:
            searched = target.tune.model_dump(mode="json")
            metric = target.tune.metric or project.select_metric
            yield place(
                "tune",
                f"tune-{name}",
                inputs,
                {**parameters, "tune": searched, "metric": metric},
                seed=project.seed,
                code=code,
                packages=(*target.packages(), *target.tune.packages()),
            )
            found = {"hyperparameters": Ref(f"tune-{name}", "hyperparameters")}
        yield place(
            "train",
            f"train-{name}",
            {**inputs, **found},
            parameters,
            seed=project.seed,
            code=code,
            packages=target.packages(),
        )


def _code_place(name: str, target: Target) -> tuple[str, ...]:
    """Where a target says which code it runs."""
    key = "files" if isinstance(target, ProgramTarget) else "entrypoint"
    return ("training", "targets", name, key)


def _release_steps(loaded: Loaded, model: Ref, examples: Ref) -> Iterator[Step]:
    project = loaded.project
    blessing = Ref("gate", "blessing")
    yield place(
        "gate",
        "gate",
        {"evaluation": Ref("evaluate", "evaluation")},
        {"gates": [gate.model_dump(mode="json") for gate in project.evaluation.gates]},
    )
    yield place(
        "preflight",
        "preflight",
        {"model": model, "examples": examples, "blessing": blessing},
        _preflight(project),
    )
    yield place(
        "push",
        "push",
        {
            "model": model,
            "examples": examples,
            "evaluation": Ref("evaluate", "evaluation"),
            "blessing": blessing,
            "infra_blessing": Ref("preflight", "infra_blessing"),
        },
        {"name": model_name(project.name)},
    )


def _preflight(project: Project) -> dict[str, Json]:
    """How the model is asked before it is released; the usual way where the project does not say."""
    asked = project.deployment.preflight if project.deployment is not None else Preflight()
    parameters: dict[str, Json] = {"samples": asked.samples, "tolerance": asked.tolerance}
    if asked.latency_p95_ms is not None:
        parameters["latency_p95_ms"] = asked.latency_p95_ms
    if asked.timeout is not None:
        parameters["startup_timeout"] = asked.timeout
    return parameters
