"""Diagnostics as SARIF 2.1.0, the format code scanners upload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import quote

from mlopsctl import __version__
from mlopsctl.ground.errors import Diagnostic, Span
from mlopsctl.ground.text import printable

_Object: TypeAlias = dict[str, object]


def render_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """One log with one run; a rule for every id that occurs, a result for every diagnostic."""
    ids = sorted({item.id for item in diagnostics})
    driver: _Object = {"name": "mlopsctl", "version": __version__, "rules": [_rule(id) for id in ids]}
    run: _Object = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, ids.index(item.id)) for item in diagnostics],
    }
    log: _Object = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(id: str) -> _Object:
    return {"id": id, "shortDescription": {"text": id.replace("-", " ").capitalize()}}


def _result(item: Diagnostic, rule: int) -> _Object:
    text = printable(item.message) + (f"\nhelp: {printable(item.hint)}" if item.hint else "")
    result: _Object = {
        "ruleId": item.id,
        "ruleIndex": rule,
        "level": item.severity.value,
        "message": {"text": text},
        "locations": [] if item.span is None else [_location(item.span)],
    }
    if item.related:
        result["relatedLocations"] = [
            {"id": number, **_location(span), "message": {"text": printable(note)}}
            for number, (span, note) in enumerate(item.related, 1)
        ]
    return result


def _location(span: Span) -> _Object:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    # A path is a URI reference here; bytes that are no text in UTF-8 are kept as the bytes they are.
    uri = quote(span.file.encode("utf-8", "surrogatepass"), safe="/~")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
