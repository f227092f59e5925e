"""The Markdown page: whole against a golden file, and only text and code whatever stands in the evidence.

``MLOPSCTL_REGENERATE=1`` writes the golden file again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mlopsctl.curves import Curves
from mlopsctl.delivery.report.value import Report
from mlopsctl.ground.text import name_problem, printable
from mlopsctl.render.report.markdown import markdown
from mlopsctl.render.report.spans import block, code
from tests.unit.render.report.making import REFUSED, REGRESSION, rewritten
from tests.unit.render.report.payloads import payloads

GOLDEN = Path(__file__).parents[3] / "golden" / "report"
URL = "http://127.0.0.1:9"


def tokens(text: str) -> list[Token]:
    return list(flat(MarkdownIt("commonmark").enable("table").parse(text)))


def flat(found: list[Token]) -> Iterator[Token]:
    for token in found:
        yield token
        yield from flat(token.children or [])


# Each kind of row once: a text stands in every place it can.
SMALL = replace(
    REFUSED,
    gates=REFUSED.gates[1:3],
    checks=REFUSED.checks[1:],
    metrics=REFUSED.metrics[:1],
    slices=(replace(REFUSED.slices[0], rows=REFUSED.slices[0].rows[:1]),),
    datasets=(replace(REFUSED.datasets[0], columns=REFUSED.datasets[0].columns[2:3]),),
    curves=Curves(replace(REFUSED.curves.candidate, importances=REFUSED.curves.candidate.importances[:1]))
    if REFUSED.curves
    else None,
    steps=REFUSED.steps[:1],
)


@cache
def expected(word: str) -> list[tuple[str, str]]:
    """The shape of the report in which every text is this word."""
    return shape(markdown(cast(Report, rewritten(SMALL, lambda text: word))))


def shape(text: str) -> list[tuple[str, str]]:
    """What there is in a document, in order, texts left out."""
    return [(token.type, token.tag) for token in tokens(text) if token.type != "text"]


@pytest.mark.parametrize(("name", "report"), [("refused", REFUSED), ("released", REGRESSION)])
def test_the_page_is_as_it_was(name: str, report: Report) -> None:
    written = markdown(report)
    file = GOLDEN / f"{name}.md"
    if os.environ.get("MLOPSCTL_REGENERATE"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(written, encoding="utf-8")
    assert written == file.read_text(encoding="utf-8")


def test_the_page_holds_no_markup_of_its_own_that_could_load_anything() -> None:
    assert not {token.type for token in tokens(markdown(REFUSED))} & {"html_inline", "html_block", "link_open", "image"}


@pytest.mark.parametrize("payload", payloads(URL), ids=lambda payload: printable(payload)[:30] or "empty")
def test_what_a_user_wrote_is_only_text_and_code(payload: str) -> None:
    # The graph is drawn of names only, and an empty text leaves an empty cell.
    plain = ("No name" if name_problem(payload) else "benign") if payload.strip() else payload
    written = markdown(cast(Report, rewritten(SMALL, lambda text: payload)))
    found = tokens(written)
    assert [(token.type, token.tag) for token in found if token.type != "text"] == expected(plain)
    assert not {token.type for token in found} & {"html_inline", "html_block", "link_open", "image"}
    words = "".join(token.content for token in found if token.type == "text")
    assert not any(mark in words for mark in ("@", "http", "#1"))


@given(st.text(max_size=60))
def test_a_code_span_holds_exactly_what_was_said(text: str) -> None:
    found = [token for token in tokens(f"| a |\n|---|\n| {code(text)} |") if token.type == "code_inline"]
    if not printable(text).strip():
        return
    assert [token.content.strip() for token in found] == [printable(text).strip()]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_a_block_ends_where_we_end_it(lines: list[str]) -> None:
    found = tokens(block(lines))
    assert [token.type for token in found] == ["fence"]
