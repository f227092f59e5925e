"""The lists of Vertex AI's pipeline jobs and schedules: the documented filters and orders, pages, read masks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.doubles.google import Answer, Call, GoogleError

_TERM = re.compile(
    r'(?P<field>[a-z_]+(?:\.[a-z0-9_-]+)?)\s*(?P<sign>!=|=|:)\s*(?:"(?P<quoted>[^"]*)"|(?P<word>[^"\s]+))'
)


@dataclass(frozen=True)
class Kind:
    """What a list understands: which signs each field takes, the fields to order by, and what it leaves out."""

    signs: Mapping[str, str]
    orders: frozenset[str]
    left_out: frozenset[str] = frozenset()


JOBS = Kind(
    {"pipeline_name": "= !=", "display_name": "= != :", "state": "= !=", "labels": "= :", "template_uri": "= != :"},
    frozenset({"create_time", "update_time", "end_time", "start_time"}),
    frozenset({"jobDetail"}),
)
SCHEDULES = Kind(
    {"display_name": "= != :", "state": "= !=", "create_pipeline_job_request": ":"},
    frozenset({"create_time", "start_time", "end_time", "next_run_time"}),
)


def page(call: Call, name: str, found: Sequence[Answer], kind: Kind) -> Answer:
    """One page of what the filter lets through, in the order asked for; newest first by default.

    Raises:
        GoogleError: 400 for what the documentation does not allow.
    """
    chosen = [one for one in found if all(holds(one) for holds in _terms(call.query.get("filter", ""), kind))]
    order, _, direction = call.query.get("orderBy", "create_time desc").partition(" ")
    if order not in kind.orders or direction not in ("", "asc", "desc"):
        raise GoogleError(400, f"order_by: {call.query['orderBy']!r} is not supported")
    chosen.sort(key=lambda one: str(one.get(_camel(order), "")), reverse=direction == "desc")
    start, size = int(call.query.get("pageToken") or 0), min(int(call.query.get("pageSize") or 0) or 100, 100)
    shown = [_masked(one, call.query.get("readMask", ""), kind) for one in chosen[start : start + size]]
    return {name: shown, **({"nextPageToken": str(start + size)} if len(chosen) > start + size else {})}


def _terms(text: str, kind: Kind) -> list[Callable[[Answer], bool]]:
    return [_term(part, kind) for part in re.split(r"\s+AND\s+", text)] if text else []


def _term(text: str, kind: Kind) -> Callable[[Answer], bool]:
    found = _TERM.fullmatch(text.strip())
    if found is None:
        raise GoogleError(400, f"filter: {text!r} is not understood")
    field, _, key = found["field"].partition(".")
    sign, value = found["sign"], found["quoted"] if found["word"] is None else found["word"]
    if sign not in kind.signs.get(field, "").split() or bool(key) != (field == "labels"):
        raise GoogleError(400, f"filter: {text!r} is not supported")

    def holds(resource: Answer) -> bool:
        there: Any = resource.get(_camel(field))
        if key:
            there = (there or {}).get(key)
        if sign == ":":
            return there is not None and (value == "*" or _like(str(there), value))
        return (there == value) == (sign == "=")

    return holds


def _like(text: str, pattern: str) -> bool:
    """``*`` stands for any text, as in the documentation's ``my_schedule_*``."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def _masked(resource: Answer, mask: str, kind: Kind) -> Answer:
    fields = {_camel(one.partition(".")[0]) for one in mask.split(",")} if mask else set(resource)
    return {key: value for key, value in resource.items() if key in fields - kind.left_out}


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
