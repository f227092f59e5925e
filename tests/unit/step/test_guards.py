from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl import evidence
from mlopsctl.evidence import Anomalies, Blessing, CheckResult, GateResult, InfraBlessing, Verdict
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.guards import refusal


def _check(name: str, verdict: Verdict, severity: str = "error") -> CheckResult:
    return CheckResult(name, "row_count", verdict, f"reason of {name}", severity)


def _gate(name: str, verdict: Verdict, *, decides: bool = True) -> GateResult:
    return GateResult(name, "threshold", "accuracy", verdict, f"reason of {name}", decides=decides)


def _refusal(found: Anomalies | Blessing | InfraBlessing, folder: Path) -> str:
    type = ArtifactType(found.__class__.__name__)
    evidence.write(found, folder, evidence.GUARDS[type.value][0])
    return refusal(type, folder)


@pytest.mark.parametrize(
    "found",
    [
        Anomalies("rows", ()),
        Anomalies("rows", (_check("a", Verdict.PASS), _check("b", Verdict.FAIL, "warn"))),
        Blessing("sha256:1", "", (_gate("a", Verdict.PASS), _gate("b", Verdict.FAIL, decides=False))),
        InfraBlessing("sha256:1", Verdict.PASS, "answers alike"),
    ],
)
def test_a_verdict_that_passed_lets_the_step_run(found: Anomalies | Blessing | InfraBlessing, tmp_path: Path) -> None:
    assert _refusal(found, tmp_path) == ""


def test_failed_checks_are_named_with_their_reasons(tmp_path: Path) -> None:
    checks = (_check("ok", Verdict.PASS), _check("few", Verdict.FAIL), _check("odd", Verdict.ERROR))
    said = _refusal(Anomalies("rows", checks), tmp_path)
    assert said == "check few failed: reason of few; check odd could not be decided: reason of odd"


def test_failed_gates_are_named_with_their_reasons(tmp_path: Path) -> None:
    gates = (_gate("floor", Verdict.FAIL), _gate("first", Verdict.FAIL, decides=False))
    assert _refusal(Blessing("sha256:1", "", gates), tmp_path) == "gate floor failed: reason of floor"


def test_a_blessing_without_a_deciding_gate_refuses(tmp_path: Path) -> None:
    assert "no gate decided" in _refusal(Blessing("sha256:1", "", ()), tmp_path)


def test_a_failed_preflight_refuses(tmp_path: Path) -> None:
    found = InfraBlessing("sha256:1", Verdict.ERROR, "the server did not start")
    assert _refusal(found, tmp_path) == "preflight could not be decided: the server did not start"


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"dataset": 1, "checks": []}'])
def test_an_unreadable_verdict_is_a_failure_and_never_a_pass(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / evidence.ANOMALIES_FILE).write_bytes(content)
    with pytest.raises(StepProblem, match=r"anomalies\.json cannot be read"):
        refusal(ArtifactType.ANOMALIES, tmp_path)
