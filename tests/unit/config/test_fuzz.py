"""Any bytes end in data or in located problems: mutated project files through the whole reader.

``MLOPSCTL_FUZZ_CASES`` sets how many mutated files are read (default 1500) and ``MLOPSCTL_FUZZ_SEED`` where the
sequence starts.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.config.document import Document, parse_document
from mlopsctl.config.interpolate import interpolate
from mlopsctl.config.overlay import environment_names, overlay
from mlopsctl.ground.digest import canonical_json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.render.diagnostics import render_diagnostics

CASES = int(os.environ.get("MLOPSCTL_FUZZ_CASES", "1500"))
SEED = int(os.environ.get("MLOPSCTL_FUZZ_SEED", "0"))

WRITTEN = (
    b"""\
# yaml-language-server: $schema=x
version: 1
name: demo
vars: {root: data, all: "${vars.root}/all"}
parameters: {seed: 13, rate: 1e-3}
data:
  trips:
    source: {kind: csv, uri: "${vars.all}/x.csv"}
    filter: "a > 0 AND b IS NOT NULL"
    columns: [a, b,
      c]
    checks:
      - &check {name: rows, kind: row_count, min: 10}
      - *check
description: |
  Some text, with an \xc3\xa9.

  More of it.
environments:
  dev:
    vars: {root: ../data}
  prod:
    data: {trips: {source: {kind: parquet, uri: "gs://b/${parameters.seed}"}}}
    description: null
    promotion: {from: dev}
""",
    b"a: {b: [1, 'two', \"three\\n\", ~, true]}\nc: >-\n  x\n  y\n? d\n: e\n",
)
SNIPPETS = (
    b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x85", b"\r", b"\n", b": ", b"- ", b"? ", b"{",
    b"}", b"[", b"]",
    b"&a ", b"*a", b"*check", b"!!python/object/apply:os.system ", b"!x ", b"<<: ", b"---\n", b"...\n",
    b"%YAML 1.1\n", b"%", b"@", b"`", b"|", b">",
    b'"', b"'", b'"\\ud83d"', b'"\\U00110000"', b'"\\x1b"', b"\\",
    b"#", b"True", b"010", b"0x1F", b"1_000", b".nan", b"1e400", b"9" * 5000,
    b"2024-13-45", b"12:30:45", b"null", b"~", b"${vars.root}", b"${vars.", b"${HOME}", b"$$",
    b"${parameters.seed}", b"${vars.all}",
    b"[" * 200, b"{a: " * 200, b"- " * 200, b"environments: ", b"vars: ", b"parameters: ", b"kind: ", b"promotion: ",
    "\u202e日本😀".encode(), "\ufffe".encode(), "\U0001fffe".encode(), b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80",
    b" " * 70, b"x" * 2000,
)  # fmt: skip


def mutate(content: bytes, rng: random.Random) -> bytes:
    """The content after one to five cuts, copies, insertions, swaps and flips of bytes and of lines."""
    for _ in range(rng.randint(1, 5)):
        content = mutated_once(content, rng)
    return content


def mutated_once(content: bytes, rng: random.Random) -> bytes:
    at, to = sorted((rng.randint(0, len(content)), rng.randint(0, len(content))))
    snippet = rng.choice(SNIPPETS)
    lines = content.split(b"\n")
    match rng.randrange(9):
        case 0:
            return content[:at] + snippet + content[at:]
        case 1:
            return content[:at] + snippet + content[min(to, at + 8) :]
        case 2:
            return content[:at] + content[min(to, at + 12) :]
        case 3:
            return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        case 4:
            return content[:to]
        case 5:
            return content[:to] + content[at:to][:300] + content[to:]
        case 6:
            return b"\n".join(rng.sample(lines, len(lines)))
        case 7:
            return b"\n".join(line if rng.random() > 0.1 else b" " * rng.randrange(4) + line for line in lines)
        case _:
            return b"\n".join(line for line in lines if rng.random() > 0.1)


def lines_of(content: bytes) -> list[str]:
    return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def located(diagnostics: tuple[Diagnostic, ...], content: bytes) -> None:
    """Every problem has words, and a place that exists in the file."""
    assert diagnostics
    lines = lines_of(content)
    for found in diagnostics:
        assert found.message
        assert found.span is not None
        inside(found.span, lines)
        for span, _ in found.related:
            inside(span, lines)


def inside(span: Span, lines: list[str]) -> None:
    assert 1 <= span.line <= span.end_line <= len(lines)
    assert 1 <= span.column <= len(lines[span.line - 1]) + 1
    assert (span.line, span.column) <= (span.end_line, span.end_column)


def survive(content: bytes) -> Document | None:
    """Read the bytes, every environment and every reference; only located problems may come out."""
    try:
        document = parse_document(content, "mlops.yaml")
    except InvalidProject as problem:
        located(problem.diagnostics, content)
        shown = render_diagnostics(problem.diagnostics, {}, "text")
        if not shown.endswith(("error\n", "errors\n", "note\n")):
            raise AssertionError(shown) from problem
        return None
    canonical_json(document.data)
    try:
        environments = environment_names(document)
    except InvalidProject as problem:
        located(problem.diagnostics, content)
        return document
    for environment in environments:
        try:
            merged = interpolate(overlay(document, environment)).document
        except InvalidProject as problem:
            located(problem.diagnostics, content)
            continue
        canonical_json(merged.data)
        lines = lines_of(content)
        for mark in merged.marks.values():
            inside(mark.value, lines)
    return document


@pytest.fixture(scope="module")
def seeds() -> list[bytes]:
    folder = Path(os.environ.get("MLOPSCTL_CONTRACTS", "")) / "projects"
    contract = sorted(folder.glob("*/mlops.yaml")) if os.environ.get("MLOPSCTL_CONTRACTS") else []
    return [*WRITTEN, *(path.read_bytes() for path in contract)]


def test_the_files_that_are_mutated_are_read(seeds: list[bytes]) -> None:
    for content in seeds:
        assert survive(content) is not None


def test_mutated_files_end_in_data_or_in_located_problems(seeds: list[bytes]) -> None:
    refused = 0
    for case in range(CASES):
        rng = random.Random(f"{SEED}/{case}")
        content = mutate(rng.choice(seeds), rng)
        try:
            refused += survive(content) is None
        except Exception as error:
            raise AssertionError(f"case {case}: {content!r}") from error
    assert 0.3 * CASES < refused < CASES


@given(st.binary(max_size=200))
def test_any_bytes_end_in_data_or_in_located_problems(content: bytes) -> None:
    survive(content)


@given(st.text(st.sampled_from("ab01:-?,[]{}&*!|>'\"%@`#\\ \n\t~.$éx"), max_size=60))
def test_any_yaml_like_text_ends_in_data_or_in_located_problems(text: str) -> None:
    survive(text.encode())


names = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"), exclude_characters="\ufeff$"), max_size=8
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(names, values, min_size=1, max_size=4))
def test_data_written_as_json_is_read_back_the_same(data: dict[str, object]) -> None:
    """JSON is YAML: every value comes back with its type, and every node has a mark."""
    text = json.dumps(data, ensure_ascii=False)
    assert parse_document(text.encode(), "m").data == data
