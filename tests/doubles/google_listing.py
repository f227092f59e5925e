"""How Google lists things: ``filter``, ``pageSize`` and ``pageToken``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.doubles.google import Answer, Call, GoogleError

_TERM = re.compile(r'\s*(?P<field>[A-Za-z_]+(?:\.[A-Za-z0-9_-]+)?)\s*(?P<sign>=|!=|:)\s*"?(?P<value>[^"\s]*)"?\s*')


def listed(call: Call, name: str, found: Sequence[Answer]) -> Answer:
    """One page of what the call's filter lets through.

    Raises:
        GoogleError: 400 for a filter that is not a conjunction of ``field=value``.
    """
    terms = _terms(call.query.get("filter", ""))
    chosen = [one for one in found if all(_holds(one, *term) for term in terms)]
    start, size = int(call.query.get("pageToken") or 0), int(call.query.get("pageSize") or 0) or 100
    page: Answer = {name: chosen[start : start + size]}
    if len(chosen) > start + size:
        page["nextPageToken"] = str(start + size)
    return page


def _terms(text: str) -> list[tuple[str, str, str]]:
    terms = []
    for part in re.split(r"\s+AND\s+", text) if text else []:
        found = _TERM.fullmatch(part)
        if found is None:
            raise GoogleError(400, f"Invalid filter: {part!r}")
        terms.append((found["field"], found["sign"], found["value"]))
    return terms


def _holds(resource: Mapping[str, Any], field: str, sign: str, value: str) -> bool:
    first, _, rest = field.partition(".")
    found: Any = resource.get(re.sub(r"_(\w)", lambda one: one[1].upper(), first), {} if rest else "")
    if rest:
        if sign == ":" and value == "*":
            return rest in found
        found = found.get(rest)
    same = value in str(found) if sign == ":" else str(found) == value
    return same != (sign == "!=")
