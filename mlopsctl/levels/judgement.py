"""Level 1, data and models are judged before anything is released: by what recorded runs were judged by."""

from __future__ import annotations

from mlopsctl.evidence import Verdict
from mlopsctl.gates import Change
from mlopsctl.levels.criterion import Answer, Criterion, Evidence


def _data_gate(found: Evidence) -> Answer:
    stopping = [(one.dataset, check) for one in found.anomalies for check in one.checks if check.severity == "error"]
    if not stopping:
        there = any(check.severity == "error" for dataset in found.project.data.values() for check in dataset.checks)
        return Answer(missing="no recorded run judged the data by a check that stops it", fix=_ran(there))
    said = ", ".join(f"{dataset}: {check.name} {check.verdict.value}" for dataset, check in stopping[:4])
    return Answer(said, found=found.judged)


def _model_gate(found: Evidence) -> Answer:
    gates = [gate for gate in found.blessing.gates if gate.decides] if found.blessing is not None else []
    if not gates:
        there = bool(found.project.evaluation.gates)
        return Answer(missing="no recorded run judged a model by a gate", fix=_ran(there))
    said = ", ".join(f"{gate.name} {gate.verdict.value}" for gate in gates[:4])
    return Answer(said, found=found.judged)


def _baseline(found: Evidence) -> Answer:
    wanted = {
        gate.name for gate in found.project.evaluation.gates if isinstance(gate, Change) and gate.against == "champion"
    }
    if not wanted:
        return Answer(missing="no gate compares with the champion")
    judged = [gate for gate in found.blessing.gates if gate.name in wanted] if found.blessing is not None else []
    if not judged:
        return Answer(missing=f"no recorded run was judged by {', '.join(sorted(wanted))}", fix=_ran(True))
    return Answer("; ".join(f"{gate.name}: {gate.reason}" for gate in judged), found=found.judged)


def _slices(found: Evidence) -> Answer:
    measured = found.evaluation.slices if found.evaluation is not None else {}
    if not measured:
        there = bool(found.project.evaluation.slices)
        return Answer(missing="no recorded evaluation measured slices", fix=_ran(there))
    told = "; ".join(f"{column}: {len(values)} values" for column, values in measured.items())
    return Answer(told, found=found.judged)


def _preflight(found: Evidence) -> Answer:
    if found.infra is None:
        return Answer(missing="no recorded run asked the model in a real server")
    if found.infra.verdict is not Verdict.PASS:
        return Answer(found.infra.reason, f"the server's answer was judged {found.infra.verdict.value}")
    told = f"{found.infra.reason or 'it answers as in process'} ({found.infra.samples} samples)"
    return Answer(told, found=(f"model {found.infra.model}",))


def _delivery(found: Evidence) -> Answer:
    if found.release is None:
        return Answer(missing="no model is released")
    release = found.release
    told = f"release {release.number}: {release.registry_name} v{release.registry_version}"
    return Answer(told, found=(f"run {release.run}", f"model {release.model}"))


def _ran(declared: bool) -> str:
    """What is declared already only has to run."""
    return "run `mlopsctl apply`" if declared else ""


DATA_GATE = Criterion(
    "data-gate", 1, "Bad data stops a run.", "the results of checks in the last judged run",
    "add a check of severity error under `data.<name>.checks`, and apply", _data_gate,
)  # fmt: skip
MODEL_GATE = Criterion(
    "model-gate", 1, "A model must prove something before it is released.", "the last blessing",
    "add a gate under `evaluation.gates`, and apply", _model_gate,
)  # fmt: skip
BASELINE = Criterion(
    "baseline", 1, "A model is compared with the one in service.", "the last blessing: a change gate against champion",
    "add {kind: change, against: champion, …} under `evaluation.gates`, and apply", _baseline,
)  # fmt: skip
SLICES = Criterion(
    "slices", 1, "A model is measured on segments of the data.", "the last evaluation",
    "name columns under `evaluation.slices`, and apply", _slices,
)  # fmt: skip
PREFLIGHT = Criterion(
    "preflight", 1, "A model answers in a real server before it is released.", "the last preflight",
    "apply: the step preflight asks the model in a server", _preflight,
)  # fmt: skip
DELIVERY = Criterion(
    "delivery", 1, "A model that passed is registered and released by itself.", "the release state",
    "run `mlopsctl apply` until its gates pass", _delivery,
)  # fmt: skip
