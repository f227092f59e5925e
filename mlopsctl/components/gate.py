"""``gate``: judge the evaluation by the project's gates; the step succeeds whatever the verdict."""

from __future__ import annotations

from mlopsctl.components.spec import ComponentSpec, InputSpec, Notes, Parameters, Work
from mlopsctl.evidence import BLESSING_FILE, EVALUATION_FILE, Evaluation, read, write
from mlopsctl.gates import Gate
from mlopsctl.gates.judge import judge, summary
from mlopsctl.gates.policy import rule_digest
from mlopsctl.pipeline.ir import ArtifactType


class BrokenGates(Parameters):
    """Gates broken by hand for one evaluation of one model, with the reason; anything else is judged as if there were
    none. ``rules`` are the digests of the gates as they were when they refused."""

    model: str
    evaluation: str
    gates: dict[str, str]
    rules: dict[str, str]


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
    blessing = judge(parameters.gates, evaluation, _broken(work, parameters, evaluation.model))
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


def _broken(work: Work, parameters: GateParameters, model: str) -> dict[str, str]:
    """The gates broken by hand that are the same, on the same evaluation of the same model."""
    from mlopsctl.artifacts.manifest import folder_digest

    asked = parameters.overrides
    if asked is None or (asked.model, asked.evaluation) != (model, folder_digest(work.inputs["evaluation"])):
        return {}
    rules = {gate.name: rule_digest(gate.model_dump(mode="json")) for gate in parameters.gates}
    return {name: why for name, why in asked.gates.items() if rules.get(name) == asked.rules.get(name, "")}
