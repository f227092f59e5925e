"""mlopsctl itself, as it is installed here: a version that an index has, or the files of a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mlopsctl import __version__
from mlopsctl.ground.digest import digest_json, digest_stream
from mlopsctl.ground.resources import resource

_PACKAGE = Path(__file__).resolve().parent.parent
_DATA = ("schemas", "templates")
_NOT_SHIPPED = frozenset({"__pycache__", "_data"})


@dataclass(frozen=True, slots=True)
class OwnPackage:
    """What is installed.

    Attributes:
        released: the version came from an index, where others get the same; else the files count.
        files: by their name in a wheel; empty for a released version.
        digest: of the files; empty for a released version.
    """

    version: str
    released: bool
    files: dict[str, Path] = field(default_factory=dict)
    digest: str = ""

    @property
    def identity(self) -> str:
        """One text that is the same exactly where the same mlopsctl is installed."""
        return self.version if self.released else f"{self.version} {self.digest}"


def own_package() -> OwnPackage:
    """What is installed here; read anew on each call, for a checkout changes."""
    if _is_released():
        return OwnPackage(__version__, released=True)
    files = dict(sorted(_files()))
    return OwnPackage(__version__, released=False, files=files, digest=_digest(files))


def own_metadata() -> str | None:
    """The metadata of the installed distribution (its name, version and what it needs); nothing where there is none."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution("mlopsctl").read_text("METADATA")
    except PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def _is_released() -> bool:
    """Installers note beside a distribution where it came from when that was no index (PEP 610)."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution("mlopsctl")
    except PackageNotFoundError:
        return False
    here = Path(str(found.locate_file("mlopsctl"))).resolve() == _PACKAGE
    return here and found.version == __version__ and found.read_text("direct_url.json") is None


def _files() -> Iterator[tuple[str, Path]]:
    for name, root in (("mlopsctl", _PACKAGE), *((f"mlopsctl/_data/{name}", resource(name)) for name in _DATA)):
        for path in root.rglob("*"):
            below = path.relative_to(root)
            if path.is_file() and path.suffix != ".pyc" and not _NOT_SHIPPED.intersection(below.parts):
                yield f"{name}/{below.as_posix()}", path


def _digest(files: dict[str, Path]) -> str:
    found: dict[str, str] = {}
    for name, path in files.items():
        with path.open("rb") as stream:
            found[name], _ = digest_stream(stream)
    return digest_json("mlopsctl/own-package/v1", found)
