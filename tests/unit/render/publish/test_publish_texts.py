"""What GitHub is shown, whole, against golden files; ``MLOPSCTL_REGENERATE=1`` writes them again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.delivery.publish.value import Item, Place, Publication, Subject
from mlopsctl.delivery.report.headline import told
from mlopsctl.delivery.report.value import GateRow, Said
from mlopsctl.evidence import Verdict
from mlopsctl.forges.contract import MOST_TEXT, AnnotationLevel, Check, Conclusion
from mlopsctl.ground.errors import Span
from mlopsctl.render.publish.checks import aggregate, checks
from mlopsctl.render.publish.comment import comment, step_summary, workflow_commands
from tests.unit.render.report.making import GATES, REFUSED

GOLDEN = Path(__file__).parents[3] / "golden" / "publish"
HOSTILE = "`x` </details> @acme/all <!-- mlopsctl: --> ![i](http://e/?t) | \u202e👨‍👩‍👧‍👦\n::error::"
CONCLUSIONS = {Verdict.PASS: Conclusion.SUCCESS, Verdict.FAIL: Conclusion.FAILURE}


def gate_item(at: int, gate: GateRow) -> Item:
    conclusion = CONCLUSIONS.get(gate.verdict, Conclusion.SUCCESS)
    place = Place(Span("/home/x/mlops.yaml", 30 + at, 7, 30 + at, 20), f"{gate.name}: {gate.reason}")
    return Item(gate.name, "gate", conclusion, told(gate), (("It asks for: ", Said("a rule")),),
                (place,) * (conclusion is Conclusion.FAILURE), gate=gate)  # fmt: skip


FOUND = Publication(
    Subject("covertype", "staging", "c" * 40, "models/covertype/mlops.yaml", 7, "main"),
    (
        *(gate_item(at, gate) for at, gate in enumerate(GATES)),
        Item(
            "policy", "policy", Conclusion.ACTION_REQUIRED,
            ("1 gate is weaker than those of the base branch: ", Said("floor")),
            (("weakened: ", Said("floor"), ", ", Said("min 0.7 → 0.69")),),
            (Place(Span("/home/x/mlops.yaml", 30, 7, 30, 20), "floor is weakened", AnnotationLevel.FAILURE),),
        ),
        Item("tests", "tests", Conclusion.SUCCESS, ("12 tests pass, 1 skipped",)),
    ),
    REFUSED,
    replace(REFUSED, metrics=REFUSED.metrics[:1]),
    notes=(("The run's folder held files that were changed or not committed.",),),
)  # fmt: skip


def whole(check: Check) -> str:
    remarks = "".join(
        f"{one.level.value} {one.path}:{one.start_line}-{one.end_line} {one.title}: {one.message}\n"
        for one in check.annotations
    )
    head = f"{check.name}\n{check.conclusion.value}\n{check.title}"
    return f"{head}\n---\n{check.summary}\n---\n{check.text}\n---\n{remarks}"


TEXTS = {
    "checks.txt": lambda: "\n=====\n".join(whole(one) for one in checks(FOUND, "https://github.example/run/1")),
    "comment.md": lambda: comment(FOUND, "https://github.example/run/1") + "\n",
    "summary.md": lambda: step_summary(FOUND),
    "commands.txt": lambda: workflow_commands(FOUND),
    "lost.txt": lambda: whole(aggregate(FOUND, "", {"mlopsctl / covertype / staging / floor": "GitHub is down"})),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_texts_are_as_they_were(name: str) -> None:
    written = TEXTS[name]()
    if os.environ.get("MLOPSCTL_REGENERATE"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        (GOLDEN / name).write_text(written, encoding="utf-8")
    assert written == (GOLDEN / name).read_text(encoding="utf-8")


def test_everything_has_room_and_no_failure_is_left_out() -> None:
    gates = tuple(replace(GATES[0], name=f"gate-{at:03}", reason=HOSTILE * 40) for at in range(100))
    passing = tuple(replace(GATES[1], name=f"fine-{at:03}", reason=HOSTILE * 40) for at in range(300))
    many = replace(FOUND, items=tuple(gate_item(at, gate) for at, gate in enumerate((*passing, *gates))))
    body, last = comment(many), checks(many)[-1]
    for text in (body, last.summary):
        assert len(text.encode()) < MOST_TEXT
        assert all(gate.name in text for gate in gates)
    for check in checks(many):
        assert max(len(check.summary.encode()), len(check.text.encode())) <= MOST_TEXT
        assert len(check.title.encode()) <= 200


def test_what_a_user_wrote_is_no_markup() -> None:
    markdown_it = pytest.importorskip("markdown_it")
    item = Item("floor", "gate", Conclusion.FAILURE, (Said(HOSTILE),), ((Said(HOSTILE),),), ())
    found = replace(FOUND, items=(item,), report=None, base_report=None, notes=((Said(HOSTILE),),))
    check = checks(found)[0]
    parser = markdown_it.MarkdownIt("commonmark").enable("table")
    for text in (check.summary, checks(found)[-1].summary):
        kinds = {token.type for block in parser.parse(text) for token in [block, *(block.children or [])]}
        assert not kinds & {"html_inline", "html_block", "image", "link_open"}, text


def test_a_workflow_command_is_one_line_each_and_ten_of_a_kind() -> None:
    gates = tuple(replace(GATES[0], name=f"gate-{at}", reason=HOSTILE) for at in range(30))
    found = replace(FOUND, items=tuple(gate_item(at, gate) for at, gate in enumerate(gates)))
    lines = workflow_commands(found).splitlines()
    assert len(lines) == 10
    assert all(line.startswith("::error file=models/covertype/mlops.yaml,line=") for line in lines)


def test_nothing_judged_is_no_success() -> None:
    assert checks(replace(FOUND, items=()))[-1].conclusion is Conclusion.ACTION_REQUIRED
