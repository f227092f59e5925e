"""The report that a run hands over as a file, written here and read back as data that a stranger may have written.

It is one JSON document of a closed schema. Reading it knows sizes and forms only: no name in it becomes a path, nothing
of an archive is unpacked, and what is not understood is refused as a whole.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from mlopsctl.delivery.publish.value import Publication
from mlopsctl.delivery.report.value import Prose, Said
from mlopsctl.evidence import Evaluation
from mlopsctl.ground.digest import Json
from mlopsctl.ground.model import Spec
from mlopsctl.ground.redact import redact
from mlopsctl.ground.scalars import Name

FILE = "report.json"
MOST_BYTES = 8 << 20
"""Of the report itself, and of an archive that holds it."""

_MOST_THINGS = 5_000
_MOST_TEXT = 2_000
_MOST_ITEMS = 500
_LARGEST = 2**53
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC

# What reading an archive may raise that somebody made to be read badly.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    NotImplementedError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)

Kind = Literal["check", "plan", "policy", "tests", "level", "preflight"]


class UnusableReport(Exception):
    """Why nothing of a report is used, in words of ours only."""


class HandedItem(Spec):
    """What the run says of one thing that cannot be judged again from numbers; verdicts of gates are not among them."""

    name: str = Field(max_length=200, title="Name", description="What the check is called.")
    kind: Kind = Field(title="Kind", description="What was looked at.")
    conclusion: Literal["success", "failure", "action_required"] = Field(
        title="Conclusion", description="What the run says came of it."
    )
    title: str = Field(max_length=_MOST_TEXT, title="Title", description="The sentence beside it.")


class Handed(Spec):
    """The report: of which commit it says it is, the numbers that were measured, and what else was looked at."""

    version: Literal[1] = Field(title="Version", description="Of this form.")
    project: Name = Field(title="Project", description="The project's name.")
    environment: Name = Field(title="Environment", description="The environment of the run.")
    commit: str = Field(pattern=r"^[0-9a-f]{40,64}$", title="Commit", description="The commit that was run.")
    pull_request: int = Field(ge=0, le=_LARGEST, title="Pull request", description="Its number; 0 for none.")
    missing: str = Field(max_length=_MOST_TEXT, title="Missing", description="Why there are no numbers.")
    evaluation: Evaluation | None = Field(title="Evaluation", description="What was measured, for gates to judge.")
    items: tuple[HandedItem, ...] = Field(max_length=_MOST_ITEMS, title="Items", description="What else was found.")


def handed(found: Publication) -> bytes:
    """The report of a publication, as the bytes of its file."""
    subject = found.subject
    items = tuple(
        HandedItem.model_validate(
            {"name": item.name, "kind": item.kind, "conclusion": item.conclusion.value, "title": _words(item.title)}
        )
        for item in found.items
        if item.kind != "gate"
    )
    report = Handed(
        version=1,
        project=subject.project,
        environment=subject.environment,
        commit=subject.commit,
        pull_request=subject.pull_request,
        missing=_words(found.missing),
        evaluation=found.evaluation,
        items=items[:_MOST_ITEMS],
    )
    return (redact(report.model_dump_json(indent=1)) + "\n").encode()


def read_handed(place: Path) -> Handed:
    """The report in a file, in a ZIP archive, or in a folder that holds it as ``report.json``.

    Raises:
        UnusableReport: for anything but one regular file of a bounded size in the closed form.
    """
    return parse_archive(_content(place)) if place.suffix == ".zip" else parse_report(_content(_inside(place)))


def parse_archive(content: bytes) -> Handed:
    """The report in an archive's bytes, which must hold ``report.json`` and nothing else; nothing is unpacked.

    Raises:
        UnusableReport: for anything else.
    """
    if len(content) > MOST_BYTES:
        raise UnusableReport(f"the archive has more than {MOST_BYTES:,} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entry = _only(archive.infolist())
            with archive.open(entry) as stream:
                report = stream.read(MOST_BYTES + 1)
    except _BROKEN as error:
        raise UnusableReport("the archive cannot be read") from error
    return parse_report(report)


def parse_report(content: bytes) -> Handed:
    """The report in the bytes of its file.

    Raises:
        UnusableReport: when it is too large, is no JSON of the closed form, or holds what is no finite number.
    """
    if len(content) > MOST_BYTES:
        raise UnusableReport(f"the report has more than {MOST_BYTES:,} bytes")
    try:
        _look(json.loads(content, parse_constant=_refused, object_pairs_hook=_closed))
        report = Handed.model_validate_json(content)
    except ValidationError as error:
        raise UnusableReport(f"the report is not of the form that mlopsctl writes ({_place(error)})") from error
    except (ValueError, RecursionError) as error:
        raise UnusableReport("the report is not JSON of the form that mlopsctl writes") from error
    found = report.evaluation
    if found is not None:
        slices = sum(len(values) for values in found.slices.values())
        if max(len(found.measurements), len(found.comparisons), slices, len(found.own)) > _MOST_THINGS:
            raise UnusableReport(f"the report names more than {_MOST_THINGS:,} numbers of a kind")
    if len({item.name for item in report.items}) != len(report.items):
        raise UnusableReport("the report names a thing twice")
    return report


def _inside(place: Path) -> Path:
    try:
        mode = place.lstat().st_mode
    except OSError as error:
        raise UnusableReport("there is no report") from error
    return place / FILE if stat.S_ISDIR(mode) else place


def _content(file: Path) -> bytes:
    """At most one byte more than is allowed of a regular file; no link is followed, and no device waited for."""
    try:
        descriptor = os.open(file, _READ)
    except OSError as error:
        raise UnusableReport("there is no report that is a regular file") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise UnusableReport("the report is not a regular file of its own")
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(MOST_BYTES + 1)


def _only(entries: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    if len(entries) != 1 or entries[0].filename != FILE or entries[0].orig_filename != FILE:
        raise UnusableReport(f"the archive holds something other than {FILE}")
    kind = stat.S_IFMT(entries[0].external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entries[0].flag_bits & 0x1:
        raise UnusableReport(f"{FILE} in the archive is not a plain file")
    if entries[0].file_size > MOST_BYTES:
        raise UnusableReport(f"the report has more than {MOST_BYTES:,} bytes")
    return entries[0]


def _refused(constant: str) -> Json:
    raise ValueError(constant)


def _closed(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _look(value: Json) -> None:
    """Every number finite and of a size that can be shown, every text short."""
    match value:
        case dict():
            for key, item in value.items():
                _look(key)
                _look(item)
        case list():
            for item in value:
                _look(item)
        case str() if len(value) > _MOST_TEXT:
            raise ValueError("a text is too long")
        case bool() | None:
            return
        case int() if abs(value) > _LARGEST:
            raise ValueError("a number is out of all bounds")
        case float() if not isfinite(value) or abs(value) > 1e300:
            raise ValueError("a number is out of all bounds")


def _place(error: ValidationError) -> str:
    """Where the form is left, in names of the form alone: a stranger's own keys are not repeated."""
    known = {*Handed.model_fields, *HandedItem.model_fields, *Evaluation.__dataclass_fields__}
    return ".".join(str(part) for part in error.errors()[0]["loc"] if isinstance(part, int) or part in known) or "all"


def _words(prose: Prose) -> str:
    text = "".join(piece.text if isinstance(piece, Said) else piece for piece in prose)
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"
