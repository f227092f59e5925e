"""Lists as the API of Kubeflow Pipelines gives them: filtered, sorted, page by page."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from tests.doubles.google_faults import GoogleError

Thing = dict[str, Any]

_OPERATIONS = {
    1: "EQUALS", 2: "NOT_EQUALS", 3: "GREATER_THAN", 5: "GREATER_THAN_EQUALS", 6: "LESS_THAN", 7: "LESS_THAN_EQUALS",
    8: "IN", 9: "IS_SUBSTRING",
}  # fmt: skip
_DEFAULT, _MOST = 20, 200


def page(things: list[Thing], kind: str, keys: frozenset[str], query: Mapping[str, str], plural: str = "") -> Thing:
    """One page of a list.

    Args:
        kind: of the things, such as ``run``; ``plural`` is the key of the list where it is not that with an ``s``.
        keys: what the server can filter and sort by.

    Raises:
        GoogleError: 400 for what the server does not understand.
    """
    wanted = [thing for thing in things if _matches(thing, keys, query.get("filter", ""))]
    key, descending = _order(query.get("sort_by", ""), keys)
    id, plural = f"{kind}_id", plural or f"{kind}s"
    wanted.sort(key=lambda thing: (str(thing.get(key, "")), str(thing.get(id, ""))), reverse=descending)
    start = _start(query)
    size = min(int(query.get("page_size") or 0) or _DEFAULT, _MOST)
    answer: Thing = {"total_size": len(wanted)} if wanted else {}
    if wanted[start : start + size]:
        answer[plural] = wanted[start : start + size]
    if start + size < len(wanted):
        token = {"start": start + size, "filter": query.get("filter", ""), "sort_by": query.get("sort_by", "")}
        answer["next_page_token"] = base64.b64encode(json.dumps(token).encode()).decode()
    return answer


def _start(query: Mapping[str, str]) -> int:
    if not query.get("page_token"):
        return 0
    try:
        token = json.loads(base64.b64decode(query["page_token"], validate=True))
    except ValueError:
        raise GoogleError(400, "Invalid page token") from None
    for name in ("filter", "sort_by"):
        if query.get(name) and query[name] != token[name]:
            raise GoogleError(400, "page token does not match the supplied sort by and/or filtering criteria")
    return int(token["start"])


def _order(text: str, keys: frozenset[str]) -> tuple[str, bool]:
    words = text.lower().split()
    if not words:
        return "created_at", False
    if len(words) > 2 or words[1:] not in ([], ["desc"], ["asc"]):
        raise GoogleError(400, f"Received invalid sort by format {text!r}")
    if words[0] not in keys:
        raise GoogleError(400, f"Invalid sorting field: {words[0]!r}")
    return words[0], words[1:] == ["desc"]


def _matches(thing: Thing, keys: frozenset[str], text: str) -> bool:
    if not text:
        return True
    try:
        predicates = json.loads(text)["predicates"]
    except (ValueError, KeyError, TypeError):
        raise GoogleError(400, f"failed to parse valid filter from {text!r}") from None
    return all(_true(thing, keys, predicate) for predicate in predicates)


def _true(thing: Thing, keys: frozenset[str], predicate: Mapping[str, Any]) -> bool:
    unknown = set(predicate) - {"operation", "key", "string_value", "stringValue"}
    if unknown:
        raise GoogleError(400, f"unknown field {sorted(unknown)[0]!r} in a predicate")
    if predicate["key"] not in keys:
        raise GoogleError(400, f"no support for filtering on unrecognized field {predicate['key']!r}")
    operation = _OPERATIONS.get(predicate["operation"], predicate["operation"])
    value = str(predicate.get("string_value", predicate.get("stringValue", "")))
    found = str(thing.get(predicate["key"], ""))
    # The server's database does not tell large letters from small ones.
    if operation == "EQUALS":
        return found.lower() == value.lower()
    if operation == "IS_SUBSTRING":
        wild = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in value)
        return re.search(wild, found, re.IGNORECASE | re.DOTALL) is not None
    raise GoogleError(400, f"invalid predicate operation: {operation}")
