"""The steps that make, judge and register a model."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.config.load import Loaded
from mlopsctl.config.project import Project
from mlopsctl.config.sections.deployment import Preflight
from mlopsctl.config.sections.training import Training
from mlopsctl.gates.needs import needs
from mlopsctl.ground.digest import Json
from mlopsctl.lowering.placing import located, place
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
            "slices": [[column] for column in project.evaluation.slices],
            "needs": [need.model_dump(mode="json") for need in needs(project.evaluation.gates)],
        },
        seed=project.seed,
    )
    yield from _release_steps(loaded, model, examples)


def _train_steps(loaded: Loaded, training: Training, data: dict[str, Ref]) -> Iterator[Step]:
    project = loaded.project
    dataset = project.data[project.training_data]
    for name, target in training.targets.items():
        with located(loaded.span(("training", "targets", name, "entrypoint"))):
            code = target.code(loaded.folder)
        yield place(
            "train",
            f"train-{name}",
            {**data, "transform_graph": Ref("transform", "transform_graph")},
            {
                "target": target.model_dump(mode="json", exclude={"tune", "requirements"}),
                "task": training.task,
                "label": dataset.label,
                "positive": dataset.positive,
            },
            seed=project.seed,
            code=code,
            packages=target.packages(),
        )


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
