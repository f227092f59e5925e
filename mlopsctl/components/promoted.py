"""``promoted``: the model of a lock becomes the challenger, byte for byte as it was judged elsewhere."""

from __future__ import annotations

import shutil

from pydantic import ConfigDict, Field

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType


class PromotedParameters(Parameters):
    """Which model, by digest, where it was released, and the digest of the lock that says so."""

    model_config = ConfigDict(populate_by_name=True)

    model: str
    name: str
    version: str
    source: str = Field(alias="from")
    lock: str


SPEC = ComponentSpec(
    name="promoted",
    version=1,
    inputs={"anomalies": InputSpec(ArtifactType.ANOMALIES, guard=True)},
    outputs={"model": ArtifactType.MODEL},
    parameters=PromotedParameters,
    state_inputs=("promoted",),
)


def run(work: Work, parameters: PromotedParameters) -> Notes:
    """Copy what was brought, once it is sure that it is the very model."""
    from mlopsctl.artifacts.manifest import folder_digest

    brought = work.state.get("promoted")
    found = "nothing" if brought is None else folder_digest(brought)
    if brought is None or found != parameters.model:
        raise StepProblem.because(
            "wrong-model",
            f"the lock names the model {parameters.model}, and {found} was brought",
            hint=f"the artifact store or the registry of {parameters.source} must still have the model",
        )
    shutil.copytree(brought, work.outputs["model"], copy_function=shutil.copyfile, dirs_exist_ok=True)
    return Notes(
        values={"model": parameters.model, "from": parameters.source, "version": parameters.version},
        line=f"{parameters.name} v{parameters.version} of {parameters.source}",
    )
