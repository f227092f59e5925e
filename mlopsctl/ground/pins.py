"""Pinned packages: a list or a requirements file in which every line is one version of one package.

Only ``name==version`` is a pin, with extras, an environment marker and hashes where they are wanted. Everything else
(ranges, URLs, other files, options of the installer) would make two machines install different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PIN = re.compile(
    rf"(?P<name>{_NAME})\s*(?P<extras>\[[A-Za-z0-9._,\s-]*\])?\s*==\s*(?P<version>[A-Za-z0-9.!+_-]+)"
    r"\s*(?:;\s*(?P<marker>[^#]+?))?",
    re.ASCII,
)
_LEADING_NAME = re.compile(rf"({_NAME})", re.ASCII)
_HASH = re.compile(r"\s--hash[= ](sha256|sha384|sha512):([0-9a-f]+)", re.ASCII)
_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True, slots=True)
class Written:
    """One requirement as written, and its line in the file (from 1), or its position in the list (from 0)."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with one requirement, and what to do."""

    at: int
    id: str
    message: str
    hint: str


def written_in(folder: Path, requirements: str | Iterable[str]) -> tuple[Written, ...]:
    """The requirements of a list, or of the file of that name in a folder.

    Raises:
        OSError: when there is no such file.
        UnicodeDecodeError: when it is not UTF-8 text.
    """
    if isinstance(requirements, str):
        return tuple(lines((folder / requirements).read_text(encoding="utf-8")))
    return tuple(Written(text.strip(), at) for at, text in enumerate(requirements))


def canonical(name: str) -> str:
    """A package's name as every tool understands it: ``Scikit_Learn`` is ``scikit-learn``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(pin: str) -> str:
    """The canonical name of the package that a pin is about."""
    found = _LEADING_NAME.match(pin)
    return canonical(found[1]) if found else pin


def lines(text: str) -> Iterator[Written]:
    """The requirements of a file: comments and empty lines left out, lines that end in ``\\`` joined."""
    whole, begun = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        begun = begun or number
        bare = _COMMENT.sub("", line).rstrip()
        if bare.endswith("\\"):
            whole += bare[:-1] + " "
            continue
        whole += bare
        if whole.strip():
            yield Written(whole.strip(), begun)
        whole, begun = "", 0
    if whole.strip():
        yield Written(whole.strip(), begun)


def pins(written: Iterable[Written]) -> tuple[tuple[str, ...], tuple[Slip, ...]]:
    """The pins in one spelling, sorted, and what is wrong with the others."""
    found: dict[str, tuple[str, bool]] = {}
    slips: list[Slip] = []
    for one in written:
        hashes = sorted({f"--hash={kind}:{value}" for kind, value in _HASH.findall(one.text)})
        pin = _PIN.fullmatch(_HASH.sub("", one.text).strip())
        if pin is None:
            slips.append(_slip(one))
            continue
        name, marker = canonical(pin["name"]), " ".join((pin["marker"] or "").split())
        extras = ",".join(sorted(canonical(part.strip()) for part in (pin["extras"] or "[]")[1:-1].split(",") if part))
        spelled = f"{name}{f'[{extras}]' if extras else ''}=={pin['version']}{f' ; {marker}' if marker else ''}"
        if name in found and not marker:
            slips.append(Slip(one.at, "package-twice", f"the package {name} stands twice", "keep one of the lines"))
        found[f"{name} {marker}".strip()] = (" ".join([spelled, *hashes]), bool(hashes))
    if slips or len({hashed for _, hashed in found.values()}) < 2:
        return tuple(sorted(text for text, _ in found.values())), tuple(slips)
    bare = next(name for name, (_, hashed) in found.items() if not hashed)
    told = f"{bare} has no hash, and other packages have one: the installer then asks for all of them"
    return (), (Slip(0, "unpinned-package", told, "write hashes for all (pip-compile --generate-hashes), or for none"),)


def _slip(one: Written) -> Slip:
    text = one.text if len(one.text) <= 80 else f"{one.text[:79]}…"
    if one.text.startswith("-"):
        return Slip(
            one.at,
            "unpinned-package",
            f"{text.split()[0]} is an option of the installer, and not a package",
            "write the packages here, and the index into the configuration of pip or uv",
        )
    if "://" in one.text or re.search(r"\s@\s", one.text):
        return Slip(
            one.at,
            "unpinned-package",
            "a package by its URL cannot be pinned",
            "give it a version, publish it to an index, and write name==version",
        )
    found = _LEADING_NAME.match(one.text)
    name = found[1] if found else "name"
    return Slip(
        one.at,
        "unpinned-package",
        f"the package {text!r} is not pinned to one version",
        f"write {name}==VERSION: `pip index versions {name}` says which there are, `pip freeze` which you have",
    )
