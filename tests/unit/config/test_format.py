"""`fmt` moves lines and changes nothing of what they mean."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from mlopsctl.config.document import parse_document
from mlopsctl.config.format import formatted
from mlopsctl.ground.errors import InvalidProject

CHECKOUT = Path(__file__).parents[3]
PROJECTS = sorted([*CHECKOUT.glob("examples/*/mlops.yaml"), *CHECKOUT.glob("tests/cases/good/*.yaml")])


def fmt(text: str) -> str:
    return formatted(dedent(text).encode(), "mlops.yaml").decode()


@pytest.mark.parametrize("file", PROJECTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_good_project_keeps_its_meaning_and_is_formatted_once(file: Path) -> None:
    before = file.read_bytes()
    after = formatted(before, "mlops.yaml")
    assert parse_document(after, "mlops.yaml").data == parse_document(before, "mlops.yaml").data
    assert formatted(after, "mlops.yaml") == after


def test_sections_come_in_the_order_of_the_language_with_their_comments() -> None:
    before = """\
        # yaml-language-server: $schema=mlops.schema.json
        # the name
        name: x
        # what is learned
        training: {task: regression}  # by lines
        version: 1
        unknown: 1
        data:
          d: {}

        # the end
        """
    after = """\
        # yaml-language-server: $schema=mlops.schema.json
        version: 1
        # the name
        name: x

        data:
          d: {}

        # the end

        # what is learned
        training: {task: regression}  # by lines
        unknown: 1
        """
    assert fmt(before) == dedent(after)


def test_entries_are_indented_by_two_and_comments_go_with_them() -> None:
    before = """\
        version: 1
        data:
              d:
                   # the rows
                   source: {kind: csv,
                            # where
                            uri: a.csv}
                   checks:
                   # each of them
                   - name: a
                     kind: row_count
                   -
                       name: b
                   # the end of the checks
                   filter: >-
                       a > 1
                         and b

                       or c
              # the end of the data
        """
    after = """\
        version: 1

        data:
          d:
            # the rows
            source: {kind: csv,
                     # where
                     uri: a.csv}
            checks:
              # each of them
              - name: a
                kind: row_count
              -
                name: b
            # the end of the checks
            filter: >-
                a > 1
                  and b

                or c
          # the end of the data
        """
    assert fmt(before) == dedent(after)


def test_line_ends_blanks_and_empty_lines_become_one_form() -> None:
    assert formatted(b"\xef\xbb\xbfversion: 1  \r\n\r\n\r\nname: x\t\r\n\r\n", "f") == b"version: 1\n\nname: x\n"


def test_what_looks_like_a_comment_or_a_key_inside_a_text_stays() -> None:
    text = 'version: 1\ndescription: |\n  # no comment\n\n\n  name: no key  \nname: "a\n  # b"\n'
    after = fmt(text)
    assert parse_document(after.encode(), "f").data == parse_document(text.encode(), "f").data
    assert "\n\n\n  name: no key  \n" in after


def test_a_section_that_needs_an_earlier_one_stays_behind_it() -> None:
    text = "version: 1\ntraining: {targets: &t {a: 1}}\nname: x\nvars: *t\n"
    assert list(parse_document(fmt(text).encode(), "f").data) == ["version", "training", "name", "vars"]


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"])
def test_a_text_with_other_line_ends_is_left_alone(end: str) -> None:
    with pytest.raises(InvalidProject):
        fmt(f'version: 1\nname: "a{end}b"\n')


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "- 1\n", "a:\n\t- 1\n", "", "\0"])
def test_what_is_no_project_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidProject):
        fmt(text)


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | words | st.text("ab \n#:'-", max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)
keys = st.sampled_from(["version", "name", "data", "training", "evaluation", "vars", "other"])


@given(
    data=st.dictionaries(keys, values, min_size=1),
    indent=st.integers(2, 7),
    flow=st.sampled_from([False, None]),
    style=st.sampled_from([None, "|", ">", '"', "'"]),
    comments=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)), max_size=5),
)
def test_any_text_means_the_same_after_it_and_is_formatted_once(
    data: dict[str, object], indent: int, flow: bool | None, style: str | None, comments: list[tuple[int, int]]
) -> None:
    lines = yaml.safe_dump(
        data, indent=indent, default_flow_style=flow, default_style=style, allow_unicode=True, sort_keys=False, width=40
    ).split("\n")
    for place, column in comments:
        lines.insert(min(place, len(lines)), " " * column + "# a comment")
    text = "\n".join(lines).encode()
    try:
        before = parse_document(text, "f").data
    except InvalidProject:
        assume(False)
    try:
        after = formatted(text, "f")
    except InvalidProject as refused:
        assert "left as it is" in str(refused)
        return
    assert parse_document(after, "f").data == before
    assert sorted(filter(None, map(bytes.strip, after.split(b"\n")))) == sorted(
        filter(None, map(bytes.strip, text.split(b"\n")))
    )
    assert formatted(after, "f") == after
