"""All gates on one evaluation: the blessing, and the line that tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mlopsctl.evidence import Blessing, Evaluation, GateResult, Verdict
from mlopsctl.gates import Gate
from mlopsctl.gates.trivial import UNSTOPPED, constant_notes
from mlopsctl.ground.errors import StepProblem


def judge(gates: Iterable[Gate], evaluation: Evaluation, overrides: Mapping[str, str] | None = None) -> Blessing:
    """The blessing of the evaluated model: the verdict of every gate, in order.

    ``overrides`` are gates broken by hand, with the reason. Such a gate keeps its verdict and stops nothing; a gate
    that passes needs no override and gets none.

    Raises:
        StepProblem: when an override names no gate, or gives no reason.
    """
    given = dict(overrides or {})
    rules = tuple(gates)
    names = [rule.name for rule in rules]
    for name, reason in given.items():
        if name not in names:
            known = ", ".join(names) or "none"
            raise StepProblem.because("unknown-gate", f"no gate is called {name}", hint=f"the gates are: {known}")
        if not reason.strip():
            raise StepProblem.because("missing-reason", f"overriding {name} needs a reason", hint="give --reason")
    notes = constant_notes(rules, evaluation)
    results = tuple(
        replace(_overridden(rule.judge(evaluation), given), note=notes.get(rule.name, "")) for rule in rules
    )
    return Blessing(model=evaluation.model, champion=evaluation.champion, gates=results)


def _overridden(result: GateResult, overrides: Mapping[str, str]) -> GateResult:
    if result.name in overrides and result.decides and result.verdict is not Verdict.PASS:
        return replace(result, overridden=overrides[result.name].strip())
    return result


def summary(blessing: Blessing) -> str:
    """One line: ``3 of 4 gates pass; floor failed: accuracy 0.6771 < 0.69``."""
    deciding = [gate for gate in blessing.gates if gate.decides]
    if not deciding:
        return "no gate decides, so nothing is proved" if blessing.gates else "there is no gate, so nothing is proved"
    passed = [gate for gate in deciding if gate.verdict is Verdict.PASS]
    texts = [f"{len(passed)} of {len(deciding)} gate{'s pass' if len(deciding) != 1 else ' passes'}"]
    if len(passed) == len(deciding):
        texts = ["the gate passes" if len(deciding) == 1 else f"all {len(deciding)} gates pass"]
    texts += [_told(gate) for gate in deciding if gate.verdict is not Verdict.PASS]
    texts += [f"{gate.name}: {gate.reason}" for gate in blessing.gates if not gate.decides]
    texts += [f"{gate.name}: {gate.note}" for gate in deciding if gate.note.endswith(UNSTOPPED)]
    return "; ".join(texts)


def _told(gate: GateResult) -> str:
    word = "failed" if gate.verdict is Verdict.FAIL else "could not be decided"
    overridden = f" (overridden: {gate.overridden})" if gate.overridden else ""
    return f"{gate.name} {word}: {gate.reason}{overridden}"
