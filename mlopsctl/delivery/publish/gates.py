"""One item for every gate: judged by this commit's rule and by the base branch's, the worse of the two decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.publish.value import Item, Place
from mlopsctl.delivery.report.headline import told
from mlopsctl.delivery.report.value import GateRow, Prose, Said
from mlopsctl.delivery.report.verdicts import gate_rows
from mlopsctl.evidence import Evaluation, Verdict
from mlopsctl.forges.contract import AnnotationLevel, Conclusion
from mlopsctl.gates import Gate
from mlopsctl.gates.judge import judge
from mlopsctl.gates.policy import describe
from mlopsctl.ground.errors import Span

CONCLUSIONS = {
    Verdict.PASS: Conclusion.SUCCESS,
    Verdict.FAIL: Conclusion.FAILURE,
    Verdict.ERROR: Conclusion.ACTION_REQUIRED,
}
_WORSE = [Verdict.PASS, Verdict.ERROR, Verdict.FAIL]


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence of the commit's run; ``missing`` says why there is none."""

    evaluation: Evaluation | None
    missing: Prose = ()


def gate_items(loaded: Loaded, base: Sequence[Gate], judged: Judged) -> Iterator[Item]:
    """The gates of this commit in their order, then those that only the base branch has."""
    head = loaded.project.evaluation.gates
    ours, theirs = _rows(head, judged.evaluation), _rows(base, judged.evaluation)
    rules = {gate.name: gate for gate in base}
    for at, gate in enumerate(head):
        place = _span(loaded, at, gate, ours.get(gate.name))
        other = rules.get(gate.name)
        yield _item(gate, ours.get(gate.name), theirs.get(gate.name) if other != gate else None, place, judged)
    names = {gate.name for gate in head}
    for gate in base:
        if gate.name not in names:
            place = loaded.span(("evaluation", "gates"), prefer_key=True)
            yield _item(gate, None, theirs.get(gate.name), place, judged)


def _rows(gates: Sequence[Gate], evaluation: Evaluation | None) -> Mapping[str, GateRow]:
    if evaluation is None or not gates:
        return {}
    rows = gate_rows(judge(gates, evaluation), {gate.name: gate for gate in gates}, evaluation)
    return {row.name: row for row in rows}


def _item(gate: Gate, row: GateRow | None, base: GateRow | None, span: Span, judged: Judged) -> Item:
    deciding = max(
        (one for one in (row, base) if one is not None), key=lambda one: _WORSE.index(_counted(one)), default=None
    )
    if deciding is None:
        missing = judged.missing or ("The run did not come to this gate.",)
        place = Place(span, f"{gate.name} is not proved: {_plain(missing)}")
        return Item(gate.name, "gate", Conclusion.ACTION_REQUIRED, missing, (_asks(gate),), (place,))
    conclusion, more = CONCLUSIONS[_counted(deciding)], [_asks(gate)]
    if base is not None:
        whose = "is not in this commit any more" if row is None else "is another one in this commit"
        more.append((f"The rule of the base branch {whose}; both are judged, and the worse verdict counts.",))
    if deciding.note:
        more.append((Said(deciding.note),))
    decides: Prose = told(deciding) if deciding.decides else (Said(deciding.reason),)
    prefix = "By the base branch's rule: " if deciding is base else ""
    title: Prose = (prefix, *decides) if prefix else decides
    places = () if conclusion is Conclusion.SUCCESS else (Place(span, f"{gate.name}: {prefix}{_plain(decides)}"),)
    return Item(gate.name, "gate", conclusion, title, tuple(more), places, gate=row, base=base)


def _counted(row: GateRow) -> Verdict:
    """A gate that does not decide, as one against a champion that is not there, stops nothing."""
    return row.verdict if row.decides else Verdict.PASS


def _asks(gate: Gate) -> Prose:
    return ("It asks for: ", Said(describe(gate)))


def _span(loaded: Loaded, at: int, gate: Gate, row: GateRow | None) -> Span:
    """The line of the bound that decided, else the gate's."""
    path = ("evaluation", "gates", at)
    if row is None or row.measured is None or row.verdict is not Verdict.FAIL:
        return loaded.span((*path, "name"))
    side = "min" if gate.min is not None and not row.measured >= gate.min else "max"
    return loaded.span((*path, side))


def _plain(prose: Prose) -> str:
    return "".join(piece.text if isinstance(piece, Said) else piece for piece in prose)


def warning(span: Span, message: str) -> Place:
    """A remark that stops nothing."""
    return Place(span, message, AnnotationLevel.WARNING)
