"""Break-glass: letting a model go by hand although a gate refused it, where the environment allows it.

It is bound to the digest of a model whose verdict is known; nobody can let go what nobody has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.outcome import Findings
from mlopsctl.evidence import Verdict
from mlopsctl.ground.errors import Diagnostic, InvalidProject, UsageProblem
from mlopsctl.metadata.records import EnvironmentState


@dataclass(frozen=True, slots=True)
class Override:
    """Gates broken for one model, by name with the reason."""

    model: str
    gates: Mapping[str, str]


def standing(state: EnvironmentState) -> Override | None:
    """What was broken for the model that is released now; it counts until a clean release follows."""
    release = state.release
    return Override(release.model, release.overrides) if release is not None and release.overrides else None


def asked(loaded: Loaded, last: Findings, gates: Sequence[str], reason: str) -> Override:
    """The override that a person asks for, bound to the model that was judged last.

    Args:
        last: the evidence of the environment's last run.

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
    return Override(blessing.model, {name: reason.strip() for name in gates})
