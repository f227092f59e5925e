"""Break-glass: letting a model go by hand although a gate refused it, where the environment allows it.

It is bound to a model, its evaluation and the gates as they refused it; nobody can let go what nobody has seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.policy import gates_json
from mlopsctl.evidence import Verdict
from mlopsctl.gates.policy import rule_digest
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, UsageProblem
from mlopsctl.metadata.records import EnvironmentState


@dataclass(frozen=True, slots=True)
class Override:
    """Gates broken for one evaluation of one model.

    Attributes:
        model, evaluation: artifact digests.
        gates: the reason by the gate's name.
        rules: the digest of each of these gates as it was when it refused.
    """

    model: str
    evaluation: str
    gates: Mapping[str, str]
    rules: Mapping[str, str]


def standing(state: EnvironmentState) -> Override | None:
    """What was broken for the model that is released now; it counts until a clean release follows."""
    release = state.release
    if release is None or not release.overrides:
        return None
    return Override(release.model, release.evaluation, release.overrides, _rules(release.gates, release.overrides))


def asked(loaded: Loaded, last: Findings, evaluation: str, gates: Sequence[str], reason: str) -> Override:
    """The override that a person asks for, bound to the evaluation and the gates that refused last.

    Args:
        last: the evidence of the environment's last run; ``evaluation`` the digest of the evaluation in it.

    Raises:
        InvalidProject: when the environment does not allow it.
        UsageProblem: when a gate is unknown or passes, the reason is missing, or no model was judged yet.
    """
    promotion = loaded.project.promotion
    if promotion is None or not promotion.allow_override:
        raise InvalidProject(
            [
                Diagnostic(
                    "no-override",
                    f"no gate may be broken by hand in {loaded.environment}",
                    loaded.span(("promotion",)),
                    "`promotion: {allow_override: true}` in the environment would allow it; make it pass instead",
                )
            ]
        )
    if not reason.strip():
        raise UsageProblem.because("missing-reason", "breaking a gate needs a reason", hint="add --reason TEXT")
    blessing = last.blessing
    if blessing is None:
        raise UsageProblem.because(
            "nothing-judged",
            "no model has been judged here yet, so there is nothing to let go",
            hint="run `mlopsctl apply` first and read its verdict",
        )
    refused = {gate.name for gate in blessing.gates if gate.decides and gate.verdict is not Verdict.PASS}
    for name in gates:
        if name not in refused:
            known = ", ".join(sorted(refused)) or "none"
            raise UsageProblem.because(
                "not-refused",
                f"gate {name} did not refuse the model that was judged last",
                hint=f"gates that refused it: {known}",
            )
    rules = _rules(gates_json(loaded.project.evaluation.gates), gates)
    return Override(blessing.model, evaluation, {name: reason.strip() for name in gates}, rules)


def _rules(policy: Json, names: Collection[str]) -> dict[str, str]:
    """The digests of these gates of a policy."""
    listed = policy if isinstance(policy, list | tuple) else ()
    return {
        str(gate["name"]): rule_digest(gate) for gate in listed if isinstance(gate, Mapping) and gate["name"] in names
    }
