"""The gate's step: it writes the blessing and says in one line what decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.gate import BrokenGates, GateParameters, run
from mlopsctl.components.spec import Notes
from mlopsctl.evidence import BLESSING_FILE, EVALUATION_FILE, Blessing, Evaluation, Measurement, Verdict, read, write
from mlopsctl.gates.policy import rule_digest
from mlopsctl.ground.errors import StepProblem
from tests.unit.frameworks.making import work

FLOOR = {"name": "floor", "kind": "threshold", "metric": "accuracy", "min": 0.69}
LOW = {"name": "low", "kind": "threshold", "metric": "accuracy", "min": 0.5}
LOSS = {"name": "loss", "kind": "threshold", "metric": "log_loss", "max": 1.0}
FIRST = {"name": "not-worse", "kind": "change", "metric": "accuracy", "against": "champion", "min": -0.01}


def gate(
    folder: Path,
    *gates: dict[str, object],
    overrides: dict[str, str] | None = None,
    model: str = "sha256:a",
    refused: tuple[dict[str, object], ...] | None = None,
    evaluation: str = "",
) -> tuple[Blessing, Notes]:
    """Judge an accuracy of 0.6771 by gates as they stand in a step's parameters; ``refused`` are the gates as they
    were when they were broken by hand, and ``evaluation`` what they had judged then."""
    evidence = folder / "evidence"
    evidence.mkdir()
    accuracy = Measurement("accuracy", 0.6771, 1000)
    write(Evaluation("classification", "test", 1000, "sha256:a", "", (accuracy,)), evidence, EVALUATION_FILE)
    doing = work(folder, {"evaluation": evidence}, ("blessing",))
    given = GateParameters.model_validate({"gates": list(gates)})
    if overrides:
        before = GateParameters.model_validate({"gates": list(refused or gates)})
        rules = {one.name: rule_digest(one.model_dump(mode="json")) for one in before.gates}
        seen = evaluation or folder_digest(evidence)
        broken = BrokenGates(model=model, evaluation=seen, gates=overrides, rules=rules)
        given = given.model_copy(update={"overrides": broken})
    notes = run(doing, GateParameters.model_validate(given.model_dump(mode="json")))
    return read(Blessing, doing.outputs["blessing"], BLESSING_FILE), notes


def test_all_pass(tmp_path: Path) -> None:
    blessing, notes = gate(tmp_path, LOW)
    assert blessing.verdict is Verdict.PASS
    assert (blessing.model, blessing.champion) == ("sha256:a", "")
    assert notes.line == "the gate passes"
    assert notes.values == {"verdict": "pass", "model": "sha256:a", "gates": {"low": "pass"}, "overridden": {}}


def test_one_fails(tmp_path: Path) -> None:
    blessing, notes = gate(tmp_path, LOW, FLOOR)
    assert blessing.verdict is Verdict.FAIL
    assert notes.line == "1 of 2 gates pass; floor failed: accuracy 0.6771 < 0.69"


def test_one_cannot_be_decided(tmp_path: Path) -> None:
    blessing, notes = gate(tmp_path, LOW, LOSS)
    assert blessing.verdict is Verdict.ERROR
    assert notes.line == "1 of 2 gates pass; loss could not be decided: log_loss was not measured"


def test_a_first_release_is_told_and_does_not_decide(tmp_path: Path) -> None:
    blessing, notes = gate(tmp_path, LOW, FIRST)
    assert blessing.verdict is Verdict.PASS
    assert notes.line == "the gate passes; not-worse: first release: there is no champion to compare with"
    assert notes.values["gates"] == {"low": "pass"}


def test_without_a_deciding_gate_nothing_is_proved(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    blessing, notes = gate(tmp_path / "a", FIRST)
    assert blessing.verdict is Verdict.ERROR
    assert "nothing is proved" in notes.line
    (tmp_path / "b").mkdir()
    blessing, notes = gate(tmp_path / "b")
    assert blessing.verdict is Verdict.ERROR
    assert notes.line == "there is no gate, so nothing is proved"


def test_a_gate_broken_by_hand_keeps_its_verdict_and_stops_nothing(tmp_path: Path) -> None:
    blessing, notes = gate(tmp_path, LOW, FLOOR, overrides={"floor": "the labels of June are late"})
    assert blessing.verdict is Verdict.PASS
    assert [result.verdict for result in blessing.gates] == [Verdict.PASS, Verdict.FAIL]
    assert [result.overridden for result in blessing.gates] == ["", "the labels of June are late"]
    assert notes.line.endswith("floor failed: accuracy 0.6771 < 0.69 (overridden: the labels of June are late)")


def test_an_override_is_for_one_model_only(tmp_path: Path) -> None:
    blessing, _ = gate(tmp_path, LOW, FLOOR, overrides={"floor": "because"}, model="sha256:b")
    assert blessing.verdict is Verdict.FAIL
    assert [result.overridden for result in blessing.gates] == ["", ""]


def test_an_override_saves_no_other_gate_and_marks_none_that_passes(tmp_path: Path) -> None:
    overrides = dict.fromkeys(("low", "floor", "not-worse"), "because")
    blessing, _ = gate(tmp_path, LOW, FLOOR, LOSS, FIRST, overrides=overrides)
    assert blessing.verdict is Verdict.ERROR
    assert [result.overridden for result in blessing.gates] == ["", "because", "", ""]


def test_an_override_is_for_the_rule_and_the_evaluation_that_were_seen(tmp_path: Path) -> None:
    for number, changed in enumerate(({"refused": (LOW, {**FLOOR, "min": 0.68})}, {"evaluation": "sha256:older"})):
        (tmp_path / str(number)).mkdir()
        blessing, _ = gate(tmp_path / str(number), LOW, FLOOR, overrides={"floor": "because"}, **changed)  # type: ignore[arg-type]
        assert blessing.verdict is Verdict.FAIL
        assert [result.overridden for result in blessing.gates] == ["", ""]


def test_an_override_of_no_gate_breaks_nothing(tmp_path: Path) -> None:
    assert gate(tmp_path, FLOOR, overrides={"flor": "x"})[0].verdict is Verdict.FAIL


def test_an_override_without_a_reason_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="reason"):
        gate(tmp_path, FLOOR, overrides={"floor": " "})
