"""``gate``: judge the evaluation by the project's gates; the step succeeds whatever the verdict."""

from __future__ import annotations

from pydantic import Field

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import BLESSING_FILE, EVALUATION_FILE, Evaluation, read, write
from mlopsctl.gates import Gate
from mlopsctl.gates.judge import judge, summary
from mlopsctl.pipeline.ir import ArtifactType


class GateParameters(Parameters):
    """The gates as written, and those broken by hand with the reason."""

    gates: tuple[Gate, ...] = ()
    overrides: dict[str, str] = Field(default_factory=dict)


SPEC = ComponentSpec(
    name="gate",
    version=1,
    inputs={"evaluation": InputSpec(ArtifactType.EVALUATION)},
    outputs={"blessing": ArtifactType.BLESSING},
    parameters=GateParameters,
)


def run(work: Work, parameters: GateParameters) -> Notes:
    """Read the evaluation, judge it, write the blessing."""
    evaluation = read(Evaluation, work.inputs["evaluation"], EVALUATION_FILE)
    blessing = judge(parameters.gates, evaluation, parameters.overrides)
    write(blessing, work.outputs["blessing"], BLESSING_FILE)
    return Notes(
        values={
            "verdict": blessing.verdict.value,
            "gates": {gate.name: gate.verdict.value for gate in blessing.gates if gate.decides},
        },
        line=summary(blessing),
    )
