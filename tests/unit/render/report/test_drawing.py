"""What a plotting library draws becomes shapes and text, and nothing else."""

from __future__ import annotations

import pytest

from mlopsctl.render.report.drawing import INKS, sanitised, tag, text

HEAD = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '


def drawn(inner: str, attributes: str = 'viewBox="0 0 1 1"') -> str:
    return sanitised(f"{HEAD}{attributes}>{inner}</svg>", "one", "a title")


@pytest.mark.parametrize(
    "inner",
    [
        "<script>x()</script>",
        "<foreignObject><iframe/></foreignObject>",
        "<style>* {fill: url(http://x)}</style>",
        '<image href="http://x"/>',
        "<metadata>x</metadata>",
        '<animate attributeName="x"/>',
        "<a href='javascript:x'></a>",
    ],
)
def test_other_elements_are_left_out(inner: str) -> None:
    assert drawn(f'<path d="M0 0"/>{inner}') == drawn('<path d="M0 0"/>')


@pytest.mark.parametrize(
    "attribute",
    [
        'onclick="x()"',
        'xlink:href="http://x"',
        'href="javascript:x"',
        'style="background: url(http://x)"',
        'style="fill: url(http://x)"',
        'style="fill: red}body{color: red"',
        'class="x"',
        'id="unused"',
    ],
)
def test_other_attributes_are_left_out(attribute: str) -> None:
    assert drawn(f"<path {attribute} d='M0 0'/>") == drawn("<path d='M0 0'/>")


def test_ids_are_made_this_drawing_s_own() -> None:
    found = drawn(
        '<defs><path id="m" d="M0 0"/></defs><use xlink:href="#m"/><g clip-path="url(#m)"><path d="M1 1"/></g>'
    )
    assert 'id="one-m"' in found
    assert 'href="#one-m"' in found
    assert 'clip-path="url(#one-m)"' in found


def test_stand_ins_become_the_colours_of_the_page() -> None:
    assert 'stroke="var(--champion)"' in drawn(f'<path d="M0 0" style="stroke: {INKS["champion"]}; fill: none"/>')


def test_the_stand_ins_are_all_different() -> None:
    assert len(set(INKS.values())) == len(INKS)


def test_text_is_kept_as_text() -> None:
    found = drawn("<text style=\"font: bold 9px 'DejaVu Sans'; text-anchor: middle\">&lt;b&gt; &amp; $x$</text>")
    assert '<text font-size="9px" font-weight="bold" text-anchor="middle">&lt;b&gt; &amp; $x$</text>' in found


@pytest.mark.parametrize("wrong", ["", "<p/>", "<svg", "not xml"])
def test_what_is_no_svg_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not an SVG"):
        sanitised(wrong, "one", "a title")


def test_an_element_escapes_what_it_is_given() -> None:
    assert tag("g", {"a": '"<>&\x1b'}, text("</g>\u202e")) == '<g a="&quot;&lt;&gt;&amp;\\x1b">&lt;/g&gt;\\u202e</g>'
