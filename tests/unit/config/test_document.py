"""The reader: what a scalar means, what is refused and where, for both parsers of PyYAML."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from mlopsctl.config import syntax
from mlopsctl.config.compose import MAX_CHARACTERS, MAX_NODES, Composer
from mlopsctl.config.document import Document, parse_document, read_document
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.source import SourceFile


def read(text: str | bytes) -> Document:
    return parse_document(text.encode() if isinstance(text, str) else text, "mlops.yaml")


def problems(text: str | bytes) -> list[Diagnostic]:
    with pytest.raises(InvalidProject) as caught:
        read(text)
    assert caught.value.exit_code == 65
    for found in caught.value.diagnostics:
        assert found.span is not None
        assert found.message
        assert found.hint or found.severity == "note"
    return list(caught.value.diagnostics)


def only(text: str | bytes) -> Diagnostic:
    (found,) = problems(text)
    return found


def at(diagnostic: Diagnostic) -> str:
    assert diagnostic.span is not None
    return f"{diagnostic.span.line}:{diagnostic.span.column}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("N", "N"), ("tRue", "tRue"),
        ("0", 0), ("7", 7), ("-3", -3), ("+5", 5), ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)), ("1e-3", 0.001), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0),
        ("-0.25", -0.25),
        ("1.10", 1.1), ("0.0", 0.0), ("12:30:45", "12:30:45"), ("2024-01-31", "2024-01-31"),
        ("2024-13-77", "2024-13-77"), ("1.2.3", "1.2.3"), ("nan", "nan"), ("inf", "inf"), ("=", "="), ("-", None),
        ("0.8 ", 0.8), ("90s", "90s"), ("1-4", "1-4"), ("@x", None), ('"true"', "true"), ("'010'", "010"),
        ("!!str 010", "010"), ("!!int 7", 7), ("!!float 7", 7.0), ('"\\u00e9\\n"', "é\n"), ("0 3 * * 1", "0 3 * * 1"),
        ("|\n  a\n  b\n", "a\nb\n"), (">-\n  a\n  b\n", "a b"), ("1e", "1e"), ("0x", "0x"), ("0o8", "0o8"),
        ("1 000", "1 000"),
    ],
)  # fmt: skip
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    if written in {"@x", "-"}:
        assert problems(f"a: {written}")
        return
    value = read(f"a: {written}").data["a"]
    assert (type(value), value) == (type(meant), meant)


@pytest.mark.parametrize(
    ("written", "id", "hint"),
    [
        ("True", "misspelled-word", "true"), ("FALSE", "misspelled-word", "false"), ("Null", "misspelled-word", "null"),
        ("010", "ambiguous-number", "drop the zero (10)"), ("0755", "ambiguous-number", '("0755")'),
        ("-01", "ambiguous-number", "(-1)"), ("00", "ambiguous-number", "(0)"), ("01.5", "ambiguous-number", "(1.5)"),
        ("0o7", "ambiguous-number", "quote it"), ("0x1F", "ambiguous-number", "quote it"),
        ("0b11", "ambiguous-number", "quote it"), ("1_000", "ambiguous-number", "(1000)"),
        ("1_000.5", "ambiguous-number", "(1000.5)"), (".nan", "not-finite", "number"), (".inf", "not-finite", "number"),
        ("-.INF", "not-finite", "number"), ("9223372036854775808", "number-out-of-bounds", "quote it"),
        ("9" * 5000, "number-out-of-bounds", "quote it"), ("0x" + "f" * 9000, "ambiguous-number", "quote it"),
        ("1e400", "number-out-of-bounds", "308"), ("-1e400", "number-out-of-bounds", "308"),
        ("1e-400", "number-out-of-bounds", "308"),
        ("!x 1", "tag", "remove"), ("!!python/object/apply:os.system [ls]", "tag", "remove"),
        ("!!binary YQ==", "tag", "remove"),
        ("!!set {a}", "tag", "remove"), ("!!int abc", "tag", "remove"), ("!!bool 1", "tag", "remove"),
        ("!!int true", "tag", "remove"),
        ("*nothing", "unknown-alias", "quote"), ("&a [*a]", "alias-cycle", "write"),
        ("&a {b: {c: *a}}", "alias-cycle", "write"),
        ('"\\0"', "bad-character", "remove"), ('"\\e[31m"', "bad-character", "remove"),
        ('"\\x9b"', "bad-character", "remove"),
        ('"\\ud83d"', "yaml-syntax", "character itself"), ('"\\U00110000"', "yaml-syntax", "character itself"),
        ('"\\uffff"', "bad-character", "remove"),
    ],
)  # fmt: skip
def test_what_readers_disagree_about_is_refused_at_its_place_with_a_hint(written: str, id: str, hint: str) -> None:
    found = only(f"ok: 1\na: {written}\n")
    assert found.id == id
    assert at(found).startswith("2:")
    assert hint in found.hint
    assert len(found.message) < 200


@pytest.mark.parametrize(
    ("text", "id", "place"),
    [
        ("a: 1\na: 2", "duplicate-key", "2:1"),
        ("a: {b: 1, b: 2}", "duplicate-key", "1:11"),
        ("1: a", "key-not-text", "1:1"),
        ("1.0: a", "key-not-text", "1:1"),
        ("true: a", "key-not-text", "1:1"),
        ("~: a", "key-not-text", "1:1"),
        ("? \n: a", "key-not-text", "1:2"),
        ("name\nb: 2", "yaml-syntax", "1:1"),
        ("x:\n  name:a\n  b: 2", "yaml-syntax", "2:3"),
        ("a: {{ x }}", "key-not-text", "1:5"),
        ("? [a, b]\n: c", "key-not-text", "1:3"),
        ("a: &x b\n*x : c", "key-not-text", "2:1"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "merge-key", "3:3"),
        ("a: 1\n---\nb: 2", "several-documents", "2:1"),
        ("", "empty-project", "1:1"),
        ("# only this\n", "empty-project", "1:1"),
        ("---\n...\n", "empty-project", "1:1"),
        ("- a\n- b", "not-a-mapping", "1:1"),
        ("text", "not-a-mapping", "1:1"),
        (b"a: \xff", "not-utf8", "1:4"),
        ("é: \n日: ".encode() + b"\xc3(", "not-utf8", "2:4"),
        (b"\xff\xfea\x00:\x00", "not-utf8", "1:1"),
        ("a: 1".encode("utf-16-le"), "not-utf8", "1:1"),
        ("a: 1".encode("utf-16"), "not-utf8", "1:1"),
        ("a: 1".encode("utf-32"), "not-utf8", "1:1"),
        ("a: x\x00y", "bad-character", "1:5"),
        ("a: x\x1b[2J", "bad-character", "1:5"),
        ("a: x\x85y", "bad-character", "1:5"),
        ("a: x\u2028y", "bad-character", "1:5"),
        ("a: x\ufeffy", "bad-character", "1:5"),
        ("a: x\ufffey", "bad-character", "1:5"),
        ("a: 1\nb: " + "x" * (1 << 20), "too-large", "1:1"),
        ("a:\n\t- b", "yaml-syntax", "2:1"),
        ('a: "x\nb: 1', "yaml-syntax", "2:5"),
        ("a: [1, 2\n", "yaml-syntax", "1:9"),
        ("a: 1\nb\n", "yaml-syntax", "2:1"),
        ("a: b: c", "yaml-syntax", "1:5"),
        ("a: @b", "yaml-syntax", "1:4"),
    ],
)
def test_a_broken_file_is_answered_with_one_located_problem(text: str | bytes, id: str, place: str) -> None:
    found = only(text)
    assert (found.id, at(found)) == (id, place)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n\t- b", "tab"),
        ("a:\n  b: 1\n\tc: 2", "tab"),
        ("a: 1\nb\nc: 2", "key"),
        ("a:1\nb: 2", "':' and a space"),
        ('a: "open', "quote"),
        ("a: 'open\nb: 1", "quote"),
        ("a: [1, 2", "closed"),
        ("a: {b: 1\nc: 2", "close"),
        ("a: {uri: ${vars.x}/y}", "needs quotes"),
        ("a: b: c", "quote"),
        ('a: "\\q"', "backslash"),
        ("a: `x`", "quotes"),
        ("a:\n  b: 1\n c: 2", "same column"),
        ("a: - b", "own line"),
        ("%FOO bar\n---\na: 1", "%"),
    ],
)
def test_a_syntax_error_is_reworded_for_the_person_who_wrote_it(text: str, words: str) -> None:
    found = only(text)
    assert words in f"{found.message} {found.hint}"
    assert found.message != "this cannot be read as YAML"


def test_all_problems_are_found_at_once() -> None:
    text = "a: 1\na: 2\nb: True\n1: x\nc: !x 1\nd: 010\ne: [0x1, {f: .nan}]\ng: *h\ni: y\x07\n"
    assert sorted((found.id, at(found)) for found in problems(text)) == [
        ("ambiguous-number", "6:4"),
        ("ambiguous-number", "7:5"),
        ("bad-character", "9:5"),
        ("duplicate-key", "2:1"),
        ("key-not-text", "4:1"),
        ("misspelled-word", "3:4"),
        ("not-finite", "7:14"),
        ("tag", "5:4"),
        ("unknown-alias", "8:4"),
    ]


def test_problems_before_a_syntax_error_are_shown_with_it() -> None:
    assert [found.id for found in problems("a: True\nb: [")] == ["misspelled-word", "yaml-syntax"]


def test_a_duplicate_key_shows_both_places() -> None:
    found = only("gates: [1]\nx: 1\ngates: []\n")
    assert found.related == ((Span("mlops.yaml", 1, 1, 1, 6), "first here"),)


def test_the_number_of_problems_shown_is_bounded() -> None:
    found = problems("\n".join(f"k{index}: True" for index in range(5000)))
    assert len(found) == 101
    assert found[-1].id == "too-many-problems"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_with_its_line(opening: str) -> None:
    found = problems("a: 1\nb:\n " + opening * 5000)[-1]
    assert found.id == "too-deep"
    assert at(found).startswith("3:")


def test_nesting_of_exactly_64_is_read() -> None:
    assert read("a: " + "[" * 63 + "]" * 63)
    assert only("a: " + "[" * 64 + "]" * 64).id == "too-deep"


def test_aliases_count_in_the_nesting() -> None:
    text = "a: &x " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*x" + "]" * 40
    found = only(text)
    assert (found.id, at(found)) == ("too-deep", "2:44")


def test_an_alias_bomb_is_counted_and_never_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert only("\n".join(lines)).id == "too-many-nodes"


def test_a_long_text_repeated_by_aliases_is_counted_too() -> None:
    text = f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 50)}]"
    assert MAX_CHARACTERS < 500_000 * 50
    assert only(text).id == "too-large"


def test_too_many_values_are_refused() -> None:
    assert only("a: [" + "0," * (MAX_NODES + 1) + "]").id == "too-many-nodes"


def test_aliases_are_values_of_their_own() -> None:
    document = read("a: &x {k: [1]}\nb: *x\n")
    assert document.data == {"a": {"k": [1]}, "b": {"k": [1]}}
    assert document.data["a"] is not document.data["b"]
    assert document.span_of(("b",)) == Span("mlops.yaml", 2, 4, 2, 6)
    assert document.span_of(("b", "k", 0)) == Span("mlops.yaml", 1, 12, 1, 13)


def test_a_byte_order_mark_at_the_beginning_is_dropped() -> None:
    document = read(b"\xef\xbb\xbfa: 1")
    assert document.data == {"a": 1}
    assert document.span_of(("a",), prefer_key=True) == Span("mlops.yaml", 1, 1, 1, 2)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_positions_count_lines_and_code_points(line_break: str) -> None:
    text = line_break.join(
        ['"日本😀": [é, "b"]', "# note", "m:", "  k: 'ü'  # end", "  t: |", "    x", "", "last: {a: 1}", ""]
    )
    document = read(text)
    spans = {path: str(mark.value).removeprefix("mlops.yaml:") for path, mark in document.marks.items()}
    assert spans[("日本😀",)] == "1:8"
    assert spans[("日本😀", 0)] == "1:9"
    assert spans[("日本😀", 1)] == "1:12"
    assert spans[("m", "k")] == "4:6"
    assert document.span_of(("m", "t")) == Span("mlops.yaml", 5, 6, 6, 6)
    assert document.span_of(("last",)) == Span("mlops.yaml", 8, 7, 8, 13)
    assert document.span_of(("m",)).end_line == 6
    assert document.sources[0].line(4) == "  k: 'ü'  # end"


def test_no_place_lies_behind_the_end_of_the_text() -> None:
    document = read("a:\n  - 1\n? last")
    assert document.span_of(("last",)) == Span("mlops.yaml", 3, 7, 3, 7)
    assert document.span_of(()).end_line == 3


def test_marks_cover_every_node_and_missing_ones_fall_back_to_their_parent() -> None:
    document = read("a:\n  - {b: 1}\nc: 2\n")
    assert set(document.marks) == {(), ("a",), ("a", 0), ("a", 0, "b"), ("c",)}
    assert document.span_of(("a", 0, "x", "y")) == document.span_of(("a", 0))
    assert document.span_of(("c", "x")) == document.span_of(("c",), prefer_key=True)
    assert document.span_of(("nothing",)) == document.span_of(())


def test_a_missing_file_a_folder_a_pipe_and_a_file_without_permission_are_problems(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (
        tmp_path / "nothing.yaml",
        tmp_path,
        pipe,
        loop,
        tmp_path / "x\0y",
        tmp_path / ("n" * 300),
        Path("/dev/zero"),
    ):
        with pytest.raises(InvalidProject) as caught:
            read_document(path, "mlops.yaml")
        (found,) = caught.value.diagnostics
        assert found.id == "unreadable-file"
        assert found.span == Span("mlops.yaml", 1, 1, 1, 1)


def test_a_file_is_read_under_the_name_it_is_shown_by(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_bytes(b"a: 1\n")
    document = read_document(tmp_path / "mlops.yaml", "sub/mlops.yaml")
    assert document.name == document.sources[0].name == document.span_of(("a",)).file == "sub/mlops.yaml"


@pytest.mark.parametrize("name", ["penguins", "census", "chicago-taxi", "covertype"])
def test_the_contract_projects_are_read_as_the_library_reads_them(contracts: Path, name: str) -> None:
    content = (contracts / "projects" / name / "mlops.yaml").read_bytes()
    assert read(content).data == yaml.safe_load(content)


def test_the_parser_in_python_gives_the_same_nodes() -> None:
    text = 'a: &x [1, "é", \'b\', {c: ~}]\nd: *x\ne: |\n  text\n\nf:\n- g\n- h: 1\n  i: "x\\n"\n'
    source = SourceFile("m", text)
    fast = Composer(source).compose(syntax.events(source))
    slow = Composer(source).compose(syntax.events(source, yaml.SafeLoader))
    assert fast == slow


@pytest.mark.parametrize(
    "text", ["a:\n\t- b", 'a: "open', "a: [1, 2", "a: b: c", "a: @b", 'a: "\\ud83d"', 'a: "\\U00110000"', "a: 1\nb"]
)
def test_the_parser_in_python_ends_in_problems_too(text: str) -> None:
    source = SourceFile("m", text)
    with pytest.raises(InvalidProject) as caught:
        Composer(source).compose(syntax.events(source, yaml.SafeLoader))
    assert caught.value.diagnostics[-1].span is not None


def test_whatever_the_library_raises_is_a_located_problem() -> None:
    class Broken:
        def __init__(self, text: str) -> None:
            self.left = [yaml.StreamStartEvent(yaml.Mark("", 0, 3, 5, None, 0), yaml.Mark("", 0, 3, 5, None, 0))]

        def check_event(self) -> bool:
            return True

        def get_event(self) -> yaml.Event:
            if not self.left:
                raise KeyError("surprise")
            return self.left.pop()

    source = SourceFile("m", "a\nb\nc\nd: efgh\n")
    with pytest.raises(InvalidProject) as caught:
        list(syntax.events(source, Broken))
    assert caught.value.diagnostics[0].span == Span("m", 4, 6, 4, 6)
