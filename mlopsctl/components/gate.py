"""``gate``: judge the evaluation by the project's gates; the step succeeds whatever the verdict."""

from __future__ import annotations

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import BLESSING_FILE, EVALUATION_FILE, Evaluation, read, write
from mlopsctl.gates import Gate
from mlopsctl.gates.judge import judge, summary
from mlopsctl.pipeline.ir import ArtifactType


class BrokenGates(Parameters):
    """Gates broken by hand for one model, with the reason; any other model is judged as if there were none."""

    model: str
    gates: dict[str, str]


class GateParameters(Parameters):
    """The gates as written, and those broken by hand."""

    gates: tuple[Gate, ...] = ()
    overrides: BrokenGates | None = None


SPEC = ComponentSpec(
    name="gate",
    version=2,
    inputs={"evaluation": InputSpec(ArtifactType.EVALUATION)},
    outputs={"blessing": ArtifactType.BLESSING},
    parameters=GateParameters,
    state_inputs=("overrides",),
)


def run(work: Work, parameters: GateParameters) -> Notes:
    """Read the evaluation, judge it, write the blessing."""
    evaluation = read(Evaluation, work.inputs["evaluation"], EVALUATION_FILE)
    broken = parameters.overrides
    blessing = judge(
        parameters.gates, evaluation, broken.gates if broken is not None and broken.model == evaluation.model else {}
    )
    write(blessing, work.outputs["blessing"], BLESSING_FILE)
    return Notes(
        values={
            "verdict": blessing.verdict.value,
            "model": evaluation.model,
            "gates": {gate.name: gate.verdict.value for gate in blessing.gates if gate.decides},
            "overridden": {gate.name: gate.overridden for gate in blessing.gates if gate.overridden},
        },
        line=summary(blessing),
    )
