"""A model's MLflow folder below a URL, where a server elsewhere fetches it: put there once, and whole.

The folder's name is the model's digest. What proves that all files are there is written last.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.objects.content import Content
from mlopsctl.objects.contract import Objects
from mlopsctl.objects.opening import open_objects

LIST = "mlopsctl-files.json"
"""The file beside ``MLmodel`` that names every file with its sha256; without it the folder is not whole."""


def published(storage: str, digest: str) -> str:
    """The URL of a model's folder below a storage URL."""
    return f"{storage.rstrip('/')}/{digest.removeprefix('sha256:')}"


def digest_of(url: str) -> str:
    """The model digest that a URL of :func:`published` names; empty for any other."""
    name = url.rstrip("/").rpartition("/")[2]
    is_digest = len(name) == 64 and all(letter in "0123456789abcdef" for letter in name)
    return f"sha256:{name}" if is_digest else ""


def publish(model: Path, storage: str, digest: str) -> str:
    """Have a model's MLflow folder below the storage URL; its URL there. What is there already is not sent again.

    Raises:
        Problem: when the storage cannot be written; nothing then counts as there.
    """
    url = published(storage, digest)
    place = open_objects(url)
    if place.about(LIST) is not None:
        return url
    files = sorted(file for file in model.rglob("*") if file.is_file())
    listed: dict[str, Json] = {}
    for file in files:
        name = file.relative_to(model).as_posix()
        content = file.read_bytes()
        listed[name] = hashlib.sha256(content).hexdigest()
        place.replace(name, Content.of(content))
    place.replace(LIST, Content.of(json.dumps(listed, indent=1, sort_keys=True).encode("utf-8")))
    return url


def fetch(url: str, destination: Path) -> Path:
    """Copy a published model into a folder, each file verified.

    Raises:
        StepProblem: when it is not whole, or a file is not what was put there.
    """
    place = open_objects(url)
    listed = json.loads(_bytes(place, LIST, destination / LIST))
    for name, sha256 in listed.items():
        target = destination / name
        if not target.resolve().is_relative_to(destination.resolve()):
            raise StepProblem.because("bad-model-files", f"{url} names a file outside its folder: {name!r}")
        if hashlib.sha256(_bytes(place, name, target)).hexdigest() != sha256:
            raise StepProblem.because("bad-model-files", f"{url}/{name} is not what was put there")
    return destination


def _bytes(place: Objects, name: str, target: Path) -> bytes:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb") as stream:
            place.download(name, stream)
    except FileNotFoundError:
        raise StepProblem.because(
            "bad-model-files",
            f"{place.url} has no file {name}",
            hint="`mlopsctl apply` puts the model there again",
        ) from None
    return target.read_bytes()
