"""Items from files that other tools wrote: JUnit's XML of the tests, and the JSON of ``mlopsctl level``.

Both are read as data: size-limited, without entities, and anything that is not understood proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, XMLParser

from mlopsctl.delivery.publish.value import Item
from mlopsctl.delivery.report.value import Prose, Said
from mlopsctl.forges.contract import Conclusion

_MOST_BYTES = 16 << 20
_MOST_TOLD = 50


class _Unreadable(Exception):
    """Why a file tells nothing."""


def tests_item(file: Path) -> Item:
    """The tests: success only where some ran and none failed."""
    try:
        cases = _cases(_content(file))
    except _Unreadable as why:
        return _unproved("tests", str(why))
    failed = [(name, told) for name, outcome, told in cases if outcome == "failed"]
    skipped = sum(1 for _, outcome, _ in cases if outcome == "skipped")
    ran = len(cases) - skipped
    if not ran:
        return _unproved("tests", f"no test ran ({skipped} skipped)")
    told: tuple[Prose, ...] = tuple((Said(name), ": ", Said(why)) for name, why in failed[:_MOST_TOLD])
    if failed:
        more: tuple[Prose, ...] = ((f"{len(failed) - _MOST_TOLD} more failed",),) if len(failed) > _MOST_TOLD else ()
        return Item("tests", "tests", Conclusion.FAILURE, (f"{len(failed)} of {ran} tests failed",), (*told, *more))
    tail = f", {skipped} skipped" if skipped else ""
    words = "1 test passes" if ran == 1 else f"{ran} tests pass"
    return Item("tests", "tests", Conclusion.SUCCESS, (f"{words}{tail}",))


def level_item(file: Path) -> Item:
    """The level that was reached, against the one that the project declares."""
    try:
        read = json.loads(_content(file))
    except (_Unreadable, ValueError, RecursionError) as why:
        return _unproved("level", str(why) if isinstance(why, _Unreadable) else f"{file.name} is not JSON")
    reached = read.get("level") if isinstance(read, Mapping) else None
    declared = read.get("declared") if isinstance(read, Mapping) else None
    if isinstance(reached, bool) or not isinstance(reached, int):
        return _unproved("level", f"{file.name} names no level")
    if declared is None:
        return Item("level", "level", Conclusion.SUCCESS, (f"Level {reached}; the project declares none",))
    if isinstance(declared, bool) or not isinstance(declared, int):
        return _unproved("level", f"{file.name} names no level that is declared")
    good = reached >= declared
    by = " by what the commit says" if isinstance(read, Mapping) and read.get("by_commit") is True else ""
    title: Prose = (f"Level {reached}{by}, and level {declared} is declared",)
    told = () if good else tuple(_missing(read.get("criteria"), declared))
    return Item("level", "level", Conclusion.SUCCESS if good else Conclusion.FAILURE, title, told)


def _missing(criteria: object, declared: int) -> Iterator[Prose]:
    """What the declared level still asks for."""
    for one in criteria[:_MOST_TOLD] if isinstance(criteria, list) else ():
        if isinstance(one, Mapping) and one.get("met") is False:
            level = one.get("level")
            if isinstance(level, int) and level <= declared:
                yield (Said(str(one.get("id"))), ": ", Said(str(one.get("missing") or one.get("asks"))))


def _unproved(name: str, why: str) -> Item:
    return Item(name, name, Conclusion.ACTION_REQUIRED, ("Nothing is proved: ", Said(why)))


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _Unreadable(f"cannot read {file}: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise _Unreadable(f"{file.name} has more than {_MOST_BYTES:,} bytes")
    return content


def _cases(content: bytes) -> list[tuple[str, str, str]]:
    """Name, outcome (passed, failed or skipped) and message of each test case."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _Unreadable("the report of the tests declares entities")
    parser = XMLParser()
    try:
        parser.feed(content)
        root: Element = parser.close()
    except ParseError as error:
        raise _Unreadable(f"the report of the tests is not XML: {error}") from error
    return [_case(case) for case in root.iter("testcase")]


def _case(case: Element) -> tuple[str, str, str]:
    name = ".".join(filter(None, [case.get("classname", ""), case.get("name", "")]))
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            return name, "failed", (found.get("message") or found.text or kind).strip()
    return name, "skipped" if case.find("skipped") is not None else "passed", ""
