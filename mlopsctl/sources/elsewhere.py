"""Files behind URLs: what a location names there, what tells its content without reading it, and bringing it here.

A location is one object, a folder (``gs://bucket/rows``) or a pattern (``gs://bucket/rows/*.parquet``); behind
``http`` and ``https``, which know no folders, always one object. Brought here, the files stand in a folder under
their own names, so that they are found, ordered and read exactly as if they had always been files of this machine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.objects.contract import Objects, Stored
from mlopsctl.objects.opening import open_objects
from mlopsctl.objects.together import together

WORKERS = 8
_GLOB = re.compile(r"[*?\[]")
_CHUNK = 1 << 20
_NAMES_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class Location:
    """A URL in two parts: ``root``, that of a folder without a slash at its end, and what is read below it.

    Attributes:
        name: an object, or a folder; empty for the root itself.
        pattern: whether the name is one, with ``*``, ``?`` or ``[…]``.
    """

    url: str
    root: str
    name: str
    pattern: bool

    @property
    def web(self) -> bool:
        """Whether folders are unknown there."""
        return self.url.startswith(("http://", "https://"))


def located(url: str) -> Location:
    """Take a URL apart."""
    scheme, _, rest = url.partition("://")
    if scheme in ("http", "https"):
        path, mark, query = rest.partition("?")
        above, _, name = path.rpartition("/")
        return Location(url, f"{scheme}://{above}", f"{name}{mark}{query}", False)
    parts = rest.rstrip("/").split("/")
    fixed = next((place for place, part in enumerate(parts) if _GLOB.search(part)), None)
    if fixed is not None:
        return Location(url, f"{scheme}://{'/'.join(parts[:fixed])}", "/".join(parts[fixed:]), True)
    return Location(url, f"{scheme}://{'/'.join(parts[:-1])}" if parts[1:] else url, "/".join(parts[1:][-1:]), False)


def found_at(url: str, suffix: str = "") -> tuple[Stored, ...]:
    """The objects that a location names, in the order of their names.

    Args:
        suffix: how the names of a folder's objects end; empty where a location must be one object, under its own name.

    Raises:
        StepProblem: when there are none.
        ObjectsUnavailable: when the place cannot be asked.
    """
    place = located(url)
    objects = open_objects(place.root)
    found = _found(objects, place, suffix)
    if not found:
        raise _missing(objects, place, suffix)
    for one in found:
        _check_name(place, one)
    return found


def identity(url: str, found: tuple[Stored, ...]) -> str:
    """What tells the content of these objects: the digest of names, sizes, and checksums or numbers of their writing.

    Raises:
        StepProblem: when the place says nothing that would change with the content.
    """
    place = located(url)
    entries: list[Json] = []
    for one in found:
        if not one.identity:
            raise StepProblem.because(
                "no-version",
                f"nobody can tell when {url} changes: the server says neither a checksum nor a version nor a time",
                hint="copy it into a bucket, or beside the project",
            )
        entries.append(["" if one.name == place.name else one.name, one.size, one.identity])
    return digest_json("mlopsctl/source-objects/v1", entries)


def bring(url: str, folder: Path, suffix: str = "") -> Path:
    """Copy what a location names into a new folder; what to read there: a file, a folder or a pattern.

    Raises:
        StepProblem: when there is nothing, when it changed meanwhile, or when what came is not what the place keeps.
        ObjectsUnavailable: when the place cannot be asked.
    """
    place = located(url)
    found = found_at(url, suffix)
    folder.mkdir(parents=True)
    objects = open_objects(place.root)
    for _ in together(WORKERS, partial(_copy, objects, place, folder), found):
        pass
    # Each was read as it was found; now all of them together.
    if _told(_found(objects, place, suffix)) != _told(found):
        raise _changed(url)
    return folder / _local_name(place, place.name) if place.name else folder


@contextmanager
def speaking_of_urls() -> Iterator[dict[Path, str]]:
    """Let problems with copied files name what was copied; gives the place for the URL of each folder of copies."""
    urls: dict[Path, str] = {}
    try:
        yield urls
    except StepProblem as problem:
        told = []
        for diagnostic in problem.diagnostics:
            message = diagnostic.message
            for folder, url in urls.items():
                message = message.replace(str(folder.resolve()), url).replace(str(folder), url)
            told.append(replace(diagnostic, message=message))
        if tuple(told) == problem.diagnostics:
            raise
        raise type(problem)(told) from problem


def _found(objects: Objects, place: Location, suffix: str) -> tuple[Stored, ...]:
    single = objects.about(place.name) if place.name else None
    if single is not None:
        return (single,)
    if not suffix or place.web:
        return ()
    if place.pattern:
        fixed = place.name[: next(_GLOB.finditer(place.name)).start()]
        parts = place.name.split("/")
        return tuple(one for one in objects.list(fixed) if _matches(one.name.split("/"), parts))
    below = f"{place.name}/" if place.name else ""
    return tuple(one for one in objects.list(below) if one.name.endswith(suffix))


def _told(found: tuple[Stored, ...]) -> list[tuple[str, int, str]]:
    """What must be the same before and after; when it was written is not always said."""
    return [(one.name, one.size, one.version) for one in found]


def _matches(name: list[str], pattern: list[str]) -> bool:
    """Whether a name fits a pattern, part by part; ``**`` is any number of folders."""
    if not pattern:
        return not name
    if pattern[0] == "**":
        rest = pattern[1:]
        return bool(rest) and any(_matches(name[skip:], rest) for skip in range(len(name)))
    return bool(name) and fnmatchcase(name[0], pattern[0]) and _matches(name[1:], pattern[1:])


def _copy(objects: Objects, place: Location, folder: Path, one: Stored) -> None:
    """Copy one object, as it was found, and compare what came with what the place says of it."""
    target = folder / _local_name(place, one.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as stream:
            objects.download(one.name, stream, one.version)
    except FileNotFoundError as error:
        raise _changed(objects.uri(one.name)) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise StepProblem.because(
            "no-copy", f"cannot copy {objects.uri(one.name)} here: {why}", hint="free space in the temporary folder"
        ) from error
    if one.size not in (-1, target.stat().st_size) or (one.md5 and one.md5 != _md5(target)):
        raise StepProblem.because(
            "damaged-data",
            f"{objects.uri(one.name)} did not come whole: its bytes are not those that the place has a checksum of",
            hint="run the same command again; if it stays, upload the object anew",
        )


def _local_name(place: Location, name: str) -> str:
    """The file's name here: a question in a URL is no part of it."""
    return (name.partition("?")[0] or "data") if place.web else name


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_name(place: Location, one: Stored) -> None:
    """Refuse names that would leave the folder of copies, or have no place in it."""
    if place.web:
        return
    parts = one.name.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise StepProblem.because(
            "bad-name", f"{place.root} holds an object named {one.name!r}, which cannot be a file", hint="rename it"
        )


def _changed(url: str) -> Problem:
    return StepProblem.because(
        "changed-data", f"{url} changed while it was read", hint="wait until it is written, and run the command again"
    )


def _missing(objects: Objects, place: Location, suffix: str) -> Problem:
    """There is nothing; with the name that is nearly the one written. Raises where the place itself is missing."""
    from difflib import get_close_matches
    from itertools import islice

    if place.pattern and suffix:
        return StepProblem.because(
            "missing-data", f"no object matches {place.url}", hint="correct `uri` or put the objects there"
        )
    if place.web:
        return StepProblem.because("missing-data", f"there is nothing at {place.url}", hint="correct `uri`")
    names = [one.name for one in islice(objects.list(""), _NAMES_SHOWN)]
    if any(name.startswith(f"{place.name}/" if place.name else "") for name in names):
        what = f"the folder {place.url} holds no *{suffix} object" if suffix else f"{place.url} is a folder"
        return StepProblem.because("missing-data", what, hint="name the object in it, or correct `uri`")
    near = next(iter(get_close_matches(place.name, names, n=1)), "")
    hint = f"did you mean {objects.uri(near)}? " if near else ""
    return StepProblem.because(
        "missing-data", f"there is no object {place.url}", hint=f"{hint}correct `uri` or put the object there"
    )
