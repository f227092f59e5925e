"""Diagnostics as text, JSON, SARIF and workflow commands; user text can never steer what shows it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.config.document import parse_document
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Severity, Span
from mlopsctl.ground.source import SourceFile, readable_source
from mlopsctl.render.diagnostics import Output, render_diagnostics

SOURCE = SourceFile("mlops.yaml", "version: 1\nretires: 3   # typo\nname: 日本語 bad\n\tx\n")
TYPO = Diagnostic(
    "unknown-key",
    "unknown key 'retires'",
    Span("mlops.yaml", 2, 1, 2, 8),
    "did you mean 'retries'?",
    related=((Span("mlops.yaml", 1, 1, 1, 8), "version 1"),),
)
HOSTILE = "x\x1b[2J\r\n::error file=a::gate PASSED\u202e%0A\u009b,:'<script>\ud83d\x7f"
# The controls a terminal obeys, the line breaks it knows, bidi and format characters, halves of surrogate pairs.
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def render(*items: Diagnostic, output: Output = "text", color: bool = False) -> str:
    return render_diagnostics(items, {"mlops.yaml": SOURCE}, output, color)


def hostile() -> Diagnostic:
    span = Span(HOSTILE, 1, 1, 1, 2)
    return Diagnostic(HOSTILE, HOSTILE, span, HOSTILE, related=((span, HOSTILE),))


def test_text_shows_place_line_marks_hint_and_count() -> None:
    assert render(TYPO) == (
        "error[unknown-key]: unknown key 'retires'\n"
        "  --> mlops.yaml:2:1\n"
        "    2 | retires: 3   # typo\n"
        "      | ^^^^^^^\n"
        "  help: did you mean 'retries'?\n"
        "  note: version 1\n"
        "  --> mlops.yaml:1:1\n"
        "    1 | version: 1\n"
        "      | ^^^^^^^\n"
        "\n"
        "1 error\n"
    )


def test_the_marks_stand_below_wide_characters() -> None:
    shown = render(Diagnostic("x", "m", Span("mlops.yaml", 3, 11, 3, 14), "h")).splitlines()
    assert shown[2] == "    3 | name: 日本語 bad"
    assert shown[3] == "      | " + " " * 13 + "^^^"


def test_a_tab_is_one_column() -> None:
    shown = render(Diagnostic("x", "m", Span("mlops.yaml", 4, 2, 4, 3), "h")).splitlines()
    assert (shown[2], shown[3]) == ("    4 |  x", "      |  ^")


def test_a_place_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    shown = render(Diagnostic("x", "m", Span("mlops.yaml", 1, 1, 3, 2), "h")).splitlines()
    assert shown[3] == "      | ^^^^^^^^^^"


def test_an_empty_place_is_still_marked() -> None:
    shown = render(Diagnostic("x", "m", Span("mlops.yaml", 1, 11, 1, 11), "h")).splitlines()
    assert shown[3] == "      | " + " " * 10 + "^"


def test_a_long_line_is_cut_around_its_mark() -> None:
    source = SourceFile("m", "a" * 5000 + "BAD" + "b" * 5000)
    item = Diagnostic("x", "m", Span("m", 1, 5001, 1, 5004))
    line, marks = render_diagnostics([item], {"m": source}, "text").splitlines()[2:4]
    assert len(line) < 140
    assert line[marks.index("^") : marks.rindex("^") + 1] == "BAD"


def test_problems_come_in_the_order_of_their_places_each_once() -> None:
    later = Diagnostic("b", "later", Span("mlops.yaml", 3, 1, 3, 2), severity=Severity.WARNING)
    nowhere = Diagnostic("c", "nowhere")
    shown = render(nowhere, later, TYPO, later)
    assert [line for line in shown.splitlines() if re.match(r"(error|warning)\[", line)] == [
        "error[unknown-key]: unknown key 'retires'",
        "warning[b]: later",
        "error[c]: nowhere",
    ]
    assert shown.endswith("2 errors, 1 warning\n")


def test_without_problems_nothing_is_shown() -> None:
    assert render() == ""
    assert json.loads(render(output="json")) == []
    assert json.loads(render(output="sarif"))["runs"][0]["results"] == []
    assert render(output="github") == ""


def test_a_missing_source_or_line_leaves_the_place() -> None:
    item = Diagnostic("x", "m", Span("gone.yaml", 99, 7, 99, 8))
    assert render(item) == "error[x]: m\n  --> gone.yaml:99:7\n\n1 error\n"


def test_color_is_only_ours() -> None:
    assert "\x1b" not in render(TYPO, hostile())
    colored = render(TYPO, hostile(), color=True)
    assert set(re.findall("\x1b[^m]*m", colored)) == {"\x1b[1;31m", "\x1b[1;34m", "\x1b[0m"}
    assert not OBEYED.search(re.sub("\x1b\\[[0-9;]*m", "", colored))


def test_json_has_an_object_for_every_problem() -> None:
    (first, second) = json.loads(render(TYPO, Diagnostic("c", "nowhere"), output="json"))
    assert {
        key: first[key]
        for key in ("id", "severity", "message", "hint", "file", "line", "column", "end_line", "end_column")
    } == {
        "id": "unknown-key",
        "severity": "error",
        "message": "unknown key 'retires'",
        "hint": "did you mean 'retries'?",
        "file": "mlops.yaml",
        "line": 2,
        "column": 1,
        "end_line": 2,
        "end_column": 8,
    }
    assert first["related"][0]["line"] == 1
    assert second["file"] is None


def test_sarif_has_the_shape_of_version_2_1_0() -> None:
    log = json.loads(render(TYPO, hostile(), Diagnostic("c", "nowhere"), output="sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)) == 3
    assert run["columnKind"] == "unicodeCodePoints"
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            place = location["physicalLocation"]
            assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", place["artifactLocation"]["uri"])
            assert all(number >= 1 for number in place["region"].values())
    typo = next(result for result in run["results"] if result["ruleId"] == "unknown-key")
    assert typo["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 2,
        "startColumn": 1,
        "endLine": 2,
        "endColumn": 8,
    }


def test_a_workflow_command_names_the_place() -> None:
    assert render(TYPO, output="github") == (
        "::error file=mlops.yaml,line=2,col=1,endLine=2,endColumn=8,title=unknown-key::unknown key 'retires'"
        "%0Ahelp: did you mean 'retries'?%0Amlops.yaml:1:1: version 1\n"
    )


def test_separators_in_a_file_name_stay_in_the_file_name() -> None:
    item = Diagnostic("x", "50% :: done", Span("a,line=9:b%2C.yaml", 1, 1, 1, 2))
    ((_, properties, message),) = parsed_commands(render(item, output="github"))
    assert properties["file"] == "a%2Cline=9%3Ab%252C.yaml"
    assert properties["line"] == "1"
    assert message == "50%25 :: done"


def test_a_place_of_several_lines_has_no_columns_in_a_workflow_command() -> None:
    item = Diagnostic("x", "m", Span("a.yaml", 1, 2, 3, 4), severity=Severity.NOTE)
    assert render(item, output="github") == "::notice file=a.yaml,line=1,endLine=3,title=x::m\n"


def parsed_commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands a runner would see: every line that begins with ``::``."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if match := re.match(r"::([a-z-]+)(?: ([^:]*))?::(.*)", line.lstrip()):
            properties = dict(part.split("=", 1) for part in (match[2] or "").split(",") if part)
            found.append((match[1], properties, match[3]))
    return found


@given(st.text(st.sampled_from(" :%,=\r\nae") | st.characters(), max_size=30), st.text(max_size=10))
def test_user_text_gives_no_command_of_its_own(text: str, other: str) -> None:
    item = Diagnostic(
        "some-id", text, Span(other + text, 1, 1, 1, 2), other, related=((Span(text, 1, 1, 1, 1), other),)
    )
    ((command, properties, message),) = parsed_commands(render_diagnostics([item], {}, "github"))
    assert command == "error"
    assert set(properties) == {"file", "line", "col", "endLine", "endColumn", "title"}
    assert properties["title"] == "some-id"
    assert not OBEYED.search(message.replace("%0A", ""))


@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 5), st.integers(1, 60), st.integers(0, 60))
def test_any_text_and_any_place_can_be_shown(text: str, message: str, line: int, column: int, width: int) -> None:
    item = Diagnostic("id", message, Span("f", line, column, line, column + width), text)
    shown = render_diagnostics([item], {"f": SourceFile("f", text)}, "text")
    assert not OBEYED.search(shown)
    shown.encode("utf-8")
    assert shown.startswith("error[id]: ")
    for output in ("json", "sarif"):
        assert not OBEYED.search(render_diagnostics([item], {"f": SourceFile("f", text)}, output))


def test_hostile_text_is_literal_in_every_form() -> None:
    for output in ("text", "json", "sarif", "github"):
        shown = render(hostile(), output=output)
        assert not OBEYED.search(shown)
        shown.encode("utf-8")
    assert len(parsed_commands(render(hostile(), output="github"))) == 1


def test_problems_of_the_reader_are_shown_with_their_lines() -> None:
    content = b"version: 1\nlr: True\nname: [a\n"
    with pytest.raises(InvalidProject) as caught:
        parse_document(content, "mlops.yaml")
    shown = render_diagnostics(
        caught.value.diagnostics, {"mlops.yaml": SourceFile("mlops.yaml", content.decode())}, "text"
    )
    assert "    2 | lr: True\n      |     ^^^^\n" in shown
    assert shown.endswith("2 errors\n")


def test_the_text_of_a_file_is_read_for_showing_and_nothing_else_is(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "a").write_bytes(b"\xef\xbb\xbfa: \xff\r\nb")
    source = readable_source(folder / "a", "a")
    assert source is not None
    assert (source.line(1), source.line(2), source.line(3)) == ("a: \ufffd", "b", "")
    for path in (folder, folder / "none", Path("/dev/zero"), folder / "x\0"):
        assert readable_source(path, "x") is None
