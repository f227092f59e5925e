"""The HTML page: whole, in order, the same each time, and only a page whatever stands in the evidence."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from mlopsctl.curves import Confusion, Curves, ModelCurves
from mlopsctl.delivery.report.value import Report
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.text import printable
from mlopsctl.render.report import page as module
from mlopsctl.render.report import words
from mlopsctl.render.report.page import page
from mlopsctl.render.report.plotting import drawn
from tests.unit.render.report.making import REFUSED, REGRESSION, rewritten
from tests.unit.render.report.payloads import payloads

if TYPE_CHECKING:
    from matplotlib.axes import Axes

URL = "http://127.0.0.1:9"
PLAIN = replace(REFUSED, curves=None, slices=())
VOID = {"meta", "br", "img", "input", "link"}


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    @property
    def text(self) -> str:
        return "".join(self.words)


def hostile(corpus: list[str]) -> Callable[[str], str]:
    """The texts of the corpus in turn, each time another one."""
    number = itertools.count()
    return lambda text: f"{corpus[(at := next(number)) % len(corpus)]} {at}"


def changed(report: Report, change: Callable[[str], str]) -> Report:
    return cast(Report, rewritten(report, change))


@pytest.fixture(scope="module")
def refused() -> str:
    return page(REFUSED)


def test_the_verdict_comes_first_and_the_sections_in_their_order(refused: str) -> None:
    assert re.findall(r'<h[12][^>]*?(?:id="(\w+)")?>', refused) == [
        "", "gates", "metrics", "slices", "curves", "data", "steps", "tuning", "lineage", "reproduce", "notes",
    ]  # fmt: skip
    text = Skeleton(refused).text
    assert text.index("Refused by the gate floor") < text.index("Overridden by hand") < text.index("Gates and checks")


def test_the_page_is_as_it_was() -> None:
    """Without charts, whose lines are matplotlib's; ``MLOPSCTL_REGENERATE=1`` writes it again."""
    written = page(PLAIN)
    file = Path(__file__).parents[3] / "golden" / "report" / "refused.html"
    if os.environ.get("MLOPSCTL_REGENERATE"):
        file.write_text(written, encoding="utf-8")
    assert written == file.read_text(encoding="utf-8")


def test_every_link_inside_the_page_has_its_place(refused: str) -> None:
    found = Skeleton(refused)
    ids = [value for _, name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = {value for _, name, value in found.attributes if name in ("href", "aria-labelledby")}
    used |= {f"#{name}" for name in re.findall(r"url\(#([^)]*)\)", refused)}
    assert {one.removeprefix("#") for one in used} <= set(ids)


def test_the_page_asks_for_nothing_and_runs_nothing(refused: str) -> None:
    found = Skeleton(refused)
    assert not {"script", "img", "link", "iframe", "object", "form"} & {tag for tag, _ in found.elements}
    assert all(value.startswith("#") for _, name, value in found.attributes if name in ("href", "src", "xlink:href"))
    assert not any(name.startswith("on") for _, name, _ in found.attributes)
    assert "http" not in refused.replace("http-equiv", "")
    policy = next(value for _, name, value in found.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert refused.index("Content-Security-Policy") < refused.index("<style>")


def test_the_same_report_is_the_same_bytes(refused: str) -> None:
    assert page(REFUSED) == refused


def test_a_reader_sees_the_digits_that_decided(refused: str) -> None:
    text = Skeleton(refused).text
    for shown in (
        "0.6771",
        "≥ 0.69 and ≤ 0.99",
        "-0.1902 to -0.1551",
        "Neota (8 rows)",
        "not judged",
        "7,928",
        "C9999",
    ):
        assert shown in text


def test_every_table_has_headers_and_every_picture_a_name(refused: str) -> None:
    assert refused.count("<table") == refused.count("<thead")
    pictures = re.findall(r"<svg [^>]*>", refused)
    assert len(pictures) > 20
    assert all('aria-hidden="true"' in one or ('role="img"' in one and 'aria-label="' in one) for one in pictures)


def test_a_regression_shows_residuals_and_no_confusion() -> None:
    text = Skeleton(page(REGRESSION)).text
    assert "Residuals by prediction" in text
    assert "Confusion" not in text
    assert "Released" in text


def test_an_older_run_says_that_it_kept_no_curves() -> None:
    assert "This run kept no curves." in page(PLAIN)


def test_a_run_that_left_nothing_still_is_a_page() -> None:
    text = Skeleton(page(Report(REFUSED.run, REFUSED.headline))).text
    assert "No gate judged a model" in text


@pytest.mark.parametrize("payload", payloads(URL), ids=lambda payload: printable(payload)[:30] or "empty")
def test_what_a_user_wrote_is_only_text(payload: str) -> None:
    found = Skeleton(page(changed(PLAIN, lambda text: payload)))
    assert found.elements == (EMPTY if not payload else BENIGN).elements
    assert not any("\u202e" in value or "\x1b" in value for _, _, value in found.attributes)
    if payload.strip() and len(payload) < 150:
        assert printable(payload) in found.text


BENIGN = Skeleton(page(changed(PLAIN, lambda text: "benign")))
EMPTY = Skeleton(page(changed(PLAIN, lambda text: "")))


@pytest.mark.parametrize("report", [REFUSED, REGRESSION], ids=["classification", "regression"])
def test_what_a_user_wrote_is_only_text_in_charts_too(report: Report) -> None:
    number = itertools.count()
    benign = Skeleton(page(changed(report, lambda text: f"benign {next(number)}")))
    found = Skeleton(page(changed(report, hostile(payloads(URL)))))
    # Charts with long labels have fewer ticks, so the kinds of elements are compared, not their number.
    assert set(found.elements) <= set(benign.elements)


def test_every_hostile_label_of_a_chart_is_only_text() -> None:
    labels = [words.clip(one, 26) or "-" for one in payloads(URL)]

    def paint(axes: Axes) -> None:
        axes.set_yticks(range(len(labels)), labels)

    found = Skeleton(drawn("one", "a title", paint, tall=30))
    assert {tag for tag, _ in found.elements} <= {"svg", "g", "path", "defs", "use", "clippath", "rect", "text"}
    assert all(label.strip() in found.text for label in labels)


def test_a_formula_in_a_name_stays_as_it_is_written() -> None:
    assert "$x^2$" in page(changed(REFUSED, lambda text: "$x^2$"))


def test_a_huge_run_makes_a_page_under_two_megabytes() -> None:
    many = replace(
        REFUSED,
        gates=REFUSED.gates * 20,
        slices=tuple(replace(REFUSED.slices[0], rows=REFUSED.slices[0].rows * 20) for _ in range(2)),
        datasets=(replace(REFUSED.datasets[0], columns=REFUSED.datasets[0].columns * 30),),
        tuning=(replace(REFUSED.tuning[0], trials=REFUSED.tuning[0].trials * 33),),
    )
    assert len(page(many).encode()) < 2_000_000


def test_many_classes_are_shown_by_their_largest_mistakes() -> None:
    classes = tuple(f"class {at}" for at in range(30))
    counts = tuple(tuple(100 if a == b else (a * 7 + b) % 5 for b in range(30)) for a in range(30))
    text = Skeleton(page(replace(PLAIN, curves=Curves(ModelCurves(Confusion(classes, counts)))))).text
    assert "The largest mistakes among 30 classes" in text


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(StepProblem, match="jinja2 and matplotlib") as raised:
        page(REFUSED)
    assert "mlopsctl[run]" in raised.value.diagnostics[0].hint


def test_the_templates_ship_inside_the_package() -> None:
    folder = Path(module.__file__).parent / "templates"
    assert {"page.html.j2", "report.css"} <= {path.name for path in folder.iterdir()}
