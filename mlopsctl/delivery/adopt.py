"""Adopt a model that is already in MLflow: the same path to a release, without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.errors import Diagnostic, InvalidProject
from mlopsctl.ground.graph import ordered
from mlopsctl.lowering.lower import Lowered
from mlopsctl.lowering.needed import needed
from mlopsctl.lowering.placing import place
from mlopsctl.lowering.requirements import with_requirements
from mlopsctl.pipeline.ir import Pipeline, Ref, Step


def adopting(loaded: Loaded, stores: Stores, lowered: Lowered, uri: str) -> Lowered:
    """The pipeline in which a registered model stands in the place of the one that would be trained.

    It is evaluated, judged, tried in a server and registered like any other; steps that only train are left out.

    Raises:
        InvalidProject: when the project trains nothing, so that nothing says how to judge a model.
        Problem: when there is no such registered model.
    """
    from mlopsctl.registry.adopt import resolve

    training = loaded.project.training
    if training is None:
        raise InvalidProject(
            [Diagnostic("no-training", "the project has no `training`, so its task and label are not known")]
        )
    source = resolve(stores.tracking, uri)
    dataset = loaded.project.training_data
    placed = place(
        "adopt",
        "select",
        {"examples": Ref(f"ingest-{dataset}", "examples"), "anomalies": Ref(f"validate-{dataset}", "anomalies")},
        {
            "name": source.name,
            "version": source.version,
            "origin": dict(source.origin),
            "task": training.task,
            "label": loaded.project.data[dataset].label,
            "positive": loaded.project.data[dataset].positive,
        },
    )
    (chosen,) = with_requirements(loaded, [placed])
    steps = [chosen if step.id == chosen.id else step for step in lowered.pipeline.steps]
    return replace(lowered, pipeline=_ordered(lowered.pipeline.name, needed(steps)))


def _ordered(name: str, steps: Sequence[Step]) -> Pipeline:
    """Only what leads to the release, each step after what it reads."""
    by_id = {step.id: step for step in steps}
    return Pipeline(name, tuple(by_id[id] for id in ordered({step.id: step.upstream for step in steps})))
