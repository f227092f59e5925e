"""The whole table of a project on the orchestrator of its environment."""

from __future__ import annotations

from mlopsctl.config.load import Loaded
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.portability import around, steps, stores
from mlopsctl.orchestrators.portability.airflow import airflow_rows
from mlopsctl.orchestrators.portability.scene import Scene
from mlopsctl.orchestrators.portability.table import Row
from mlopsctl.orchestrators.specs import Airflow, Kubeflow, Vertex


def portability(loaded: Loaded, lowered: Lowered) -> tuple[Row, ...]:
    """A row for each property that the project uses; none where the orchestrator is this machine."""
    engine = loaded.project.orchestrator
    if isinstance(engine, Airflow):
        return airflow_rows(loaded, lowered, engine)
    if not isinstance(engine, Kubeflow | Vertex):
        return ()
    scene = Scene(loaded, lowered, engine)
    return (
        *around.image(scene),
        *stores.stores(scene),
        *stores.data(scene),
        *around.parameters(scene),
        *around.secrets(scene),
        *steps.components(scene),
        *steps.targets(scene),
        *around.verdicts(scene),
        *around.server(scene),
        *around.triggers(scene),
        *around.notifiers(scene),
        *around.settings(scene),
    )
