"""Data contracts: a draft as a file to review, and a comparison with the rows, for a person and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlopsctl.checks.draft import left_out_line
from mlopsctl.checks.schema_file import ColumnRule, SchemaFile
from mlopsctl.config.document import parse_document
from mlopsctl.delivery.contract import Compared, Drafted
from mlopsctl.evidence import Anomaly
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.numbers import exact
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"}


def contract_yaml(drafted: Drafted) -> str:
    """The draft as a schema file with a remark beside each column; what is read back is the draft itself."""
    made = drafted.draft
    text = "".join(f"{line}\n" for line in _file(drafted))
    read = SchemaFile.model_validate_json(canonical_json(parse_document(text.encode(), "schema").data))
    if read != made.contract:
        raise AssertionError("the draft reads back as another contract")
    return text


def _file(drafted: Drafted) -> Iterator[str]:
    made = drafted.draft
    rows = f"{made.train_rows:,} train rows of {drafted.rows:,}"
    yield f"# The data contract of {made.dataset}: what every row must be like. Drafted from {rows}; review each line."
    yield "# min and max are what train showed: widen them to what may be. Rows outside train were only compared."
    if made.left_out:
        yield f"# {printable(left_out_line(made))}"
    yield "columns:"
    for name, rule in made.contract.columns.items():
        outside = [f"outside train: {anomaly_line(one)}" for one in drafted.anomalies if one.column == name]
        remarks = [made.remarks[name], *outside]
        remark = printable("; ".join(filter(None, remarks)))
        yield f"  {_text(name)}: {{{', '.join(_rule(rule))}}}" + (f"  # {remark}" if remark else "")


def _rule(rule: ColumnRule) -> Iterator[str]:
    yield f"type: {rule.type}"
    for key, bound in (("min", rule.min), ("max", rule.max), ("presence", rule.presence)):
        if bound is not None:
            yield f"{key}: {exact(bound)}"
    if rule.domain is not None:
        yield f"domain: [{', '.join(_text(v) if isinstance(v, str) else json.dumps(v) for v in rule.domain)}]"
    if rule.environments is not None:
        yield f"environments: [{', '.join(rule.environments)}]"


def _text(text: str) -> str:
    """A text that no reader takes for anything else."""
    if _BARE.match(text) and text.lower() not in _NOT_TEXT:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(escaped)}"'


def anomaly_line(anomaly: Anomaly) -> str:
    """One difference without its column: ``more than 90 in 5 of 20,000 rows (110)``."""
    examples = f" ({', '.join(anomaly.examples)})" if anomaly.examples else ""
    return f"{anomaly.reason} in {anomaly.rows:,} of {anomaly.of:,} rows{examples}"


def compared_text(compared: Compared) -> RenderableType:
    """Each difference on a line, then what the contract allows and no row shows."""
    from rich.console import Group
    from rich.text import Text

    lines = [
        Text.assemble(("  ✗ ", "red"), (printable(one.column), "bold"), f"  {printable(anomaly_line(one))}")
        for one in compared.differences
    ]
    lines += [Text(f"  · {printable(note)}", "dim") for note in compared.notes]
    count = len(compared.differences)
    told = "as it says" if not count else f"{count} difference{'' if count == 1 else 's'}"
    lines.append(Text(f"{compared.rows:,} rows of {compared.dataset} against {compared.file}: {told}.", "bold"))
    return Group(*lines)


def compared_json(compared: Compared) -> str:
    """The comparison as one JSON object."""
    document: Json = {
        "dataset": compared.dataset,
        "schema": compared.file,
        "rows": compared.rows,
        "differences": [
            {"column": one.column, "reason": one.reason, "rows": one.rows, "of": one.of, "examples": list(one.examples)}
            for one in compared.differences
        ],
        "notes": list(compared.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
