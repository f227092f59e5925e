"""What the lints found: as text, as JSON, and as SARIF with pages, quick fixes and ignored findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlopsctl.config.edit import Edit
from mlopsctl.ground.errors import Severity
from mlopsctl.ground.source import SourceFile
from mlopsctl.ground.text import printable
from mlopsctl.lints import LINTS
from mlopsctl.lints.look import Found, Looked
from mlopsctl.render.diagnostics import render_diagnostics

PAGE = "docs/lints.md"


def lints_text(looked: Sequence[Looked], *, color: bool = False) -> str:
    """For people; what is ignored is counted."""
    lines = []
    for each in looked:
        lines.append(render_diagnostics([one.diagnostic for one in each.open], each.sources, "text", color=color))
        ignored = len(each.found) - len(each.open)
        if not each.open:
            lines.append(f"ok: {printable(str(each.file))}: no findings\n")
        if ignored:
            lines.append(f"{ignored} ignored\n")
        if mendable := sum(bool(one.fix) for one in each.open):
            lines.append(f"{mendable} of {len(each.open)} can be mended by `mlopsctl lint --fix`\n")
    return "".join(lines)


def lints_json(looked: Sequence[Looked]) -> str:
    """For programs; ignored findings are there, with their reason."""
    found = [
        {
            "id": one.diagnostic.id,
            "severity": one.diagnostic.severity.value,
            "message": one.diagnostic.message,
            "hint": one.diagnostic.hint,
            "file": str(each.file),
            "line": one.diagnostic.span.line if one.diagnostic.span else None,
            "column": one.diagnostic.span.column if one.diagnostic.span else None,
            "page": _page(one.diagnostic.id),
            "fixable": bool(one.fix),
            "ignored": one.ignored,
        }
        for each in looked
        for one in each.found
    ]
    return json.dumps(found, indent=2) + "\n"


def lints_sarif(looked: Sequence[Looked]) -> str:
    """For code scanners; every lint is a rule, whether it found something or not."""
    found = [(each, one) for each in looked for one in each.found]
    log: dict[str, Any] = json.loads(render_diagnostics([one.diagnostic for _, one in found], {}, "sarif"))
    (run,) = log["runs"]
    titles = {lint.id: lint for lint in LINTS}
    rules: list[dict[str, Any]] = run["tool"]["driver"]["rules"]
    rules += [{"id": id} for id in titles if id not in {rule["id"] for rule in rules}]
    for rule in rules:
        lint = titles.get(rule["id"])
        rule["shortDescription"] = {"text": lint.title if lint else rule["id"].replace("-", " ").capitalize()}
        rule["help"] = {"text": f"See {_page(rule['id'])}."}
        level = Severity.ERROR if lint is None else lint.severity
        rule["defaultConfiguration"] = {"level": level.value}
        if lint is not None and lint.defects:
            rule["properties"] = {"tags": list(lint.defects)}
    by_place = {_key(one): (each, one) for each, one in found}
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        name, region = place["artifactLocation"], place["region"]
        each, one = by_place[result["ruleId"], region["startLine"], region["startColumn"], result["message"]["text"]]
        if one.ignored:
            result["suppressions"] = [{"kind": "inSource", "justification": one.ignored}]
        source = each.sources.get(one.diagnostic.span.file) if one.diagnostic.span else None
        if one.fix and source is not None:
            changes = [_replacement(edit, source) for edit in one.fix]
            result["fixes"] = [
                {
                    "description": {"text": one.diagnostic.hint or one.diagnostic.message},
                    "artifactChanges": [{"artifactLocation": name, "replacements": changes}],
                }
            ]
    return json.dumps(log, indent=2) + "\n"


def _key(found: Found) -> tuple[str, int, int, str]:
    span = found.diagnostic.span
    line, column = (span.line, span.column) if span is not None else (1, 1)
    help = f"\nhelp: {printable(found.diagnostic.hint)}" if found.diagnostic.hint else ""
    return found.diagnostic.id, line, column, printable(found.diagnostic.message) + help


def _replacement(edit: Edit, source: SourceFile) -> dict[str, Any]:
    span = source.span(edit.start, edit.end)
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def _page(id: str) -> str:
    return f"{PAGE}#{id}"
