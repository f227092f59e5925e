"""What an image is built from: a Dockerfile, files of the project, and what is to be installed; and its one digest.

Pure: it reads the project's files and asks git for their names. The same files give the same digest in any folder,
whatever their times, their owner and the umask.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.ground.checkout import files_in_git
from mlopsctl.ground.digest import digest, digest_json, digest_stream
from mlopsctl.ground.errors import InvalidProject, Span
from mlopsctl.ground.ignore import Pattern, left_out, patterns
from mlopsctl.ground.own_package import OwnPackage, own_package
from mlopsctl.ground.resources import resource
from mlopsctl.ground.source import DocPath
from mlopsctl.ground.text import printable
from mlopsctl.lowering.requirements import pin_sets
from mlopsctl.orchestrators.specs.image import BASE, Image

GENERATED = ".mlopsctl"
"""The folder of a context that holds what mlopsctl puts into it; no file of the project stands there."""

DOCKERFILE = f"{GENERATED}/Dockerfile"

ENVIRONMENTS = f"{GENERATED}/environments"
"""The sets of pins that steps stand on, a requirements file each."""

# 1980, the first time that a zip file can hold: times are no part of what an image is.
SOURCE_DATE_EPOCH = 315_532_800

_IGNORE = ".dockerignore"
_LARGEST = 256 << 20

# What no step reads, and what is nobody's business; a `.dockerignore` can let one in again with `!`.
_LEFT_OUT = patterns(
    (
        "mlops.yaml", "mlops.yml", "images.lock.yaml", "environments/*.lock.yaml", _IGNORE,
        f"**/{GENERATED}", "**/.mlops", "**/.git", "**/.gitignore", "**/.gitattributes", ".github", "*.md",
        "**/__pycache__", "**/*.py[co]", "**/.venv", "**/mlruns", "**/.ipynb_checkpoints", "**/node_modules",
        "**/.*_cache", "**/.env", "**/.env.*", "**/.netrc", "**/.pypirc", "**/.ssh", "**/.aws", "**/.kube",
        "**/*.pem", "**/*.key", "**/application_default_credentials.json",
    )
)  # fmt: skip
# Where no git says what is only there on this machine.
_LEFT_OUT_WITHOUT_GIT = patterns(("build", "dist", "venv", "**/*.egg-info", ".tox", "**/.DS_Store"))
_DATA = patterns(("data",))


@dataclass(frozen=True, slots=True)
class ContextFile:
    """One file of the project in the context: its name there, and where it lies."""

    name: str
    path: Path
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class ImageContext:
    """What an image is built from.

    Attributes:
        files: of the project, sorted by name; regular files only.
        generated: what mlopsctl adds, the Dockerfile too, by name; the package itself comes with the build.
        arguments: of the build, by name.
        package: the mlopsctl that is installed in it.
        digest: of all this.
    """

    files: tuple[ContextFile, ...]
    generated: Mapping[str, bytes]
    arguments: Mapping[str, str]
    platform: str
    package: OwnPackage
    digest: str

    @property
    def size(self) -> int:
        """The bytes of the project's files."""
        return sum(file.size for file in self.files)


def image_context(loaded: Loaded, image: Image) -> ImageContext:
    """What this image is built from, now.

    Raises:
        InvalidProject: when the Dockerfile or the folder is not there, a file is a link or cannot be read, or there
            is too much.
    """
    package = own_package()
    generated = {DOCKERFILE: _dockerfile(loaded, image), **_installed(loaded, package)}
    files = tuple(_files(loaded, _folder(loaded, image.context)))
    _require_small(loaded, files)
    arguments = {"SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH)}
    if image.dockerfile is None:
        arguments["BASE"] = image.base or BASE
    return ImageContext(
        files=files,
        generated=generated,
        arguments=arguments,
        platform=image.platform,
        package=package,
        digest=_digest(loaded, files, generated, arguments, image.platform, package),
    )


def _digest(
    loaded: Loaded,
    files: tuple[ContextFile, ...],
    generated: Mapping[str, bytes],
    arguments: Mapping[str, str],
    platform: str,
    package: OwnPackage,
) -> str:
    contents: list[tuple[str, bool, str]] = []
    for file in files:
        try:
            with file.path.open("rb") as stream:
                contents.append((file.name, file.executable, digest_stream(stream)[0]))
        except OSError as error:
            raise _cannot_read(loaded, file.name, error) from error
    return digest_json(
        "mlopsctl/image-context/v1",
        {
            "files": contents,
            "generated": {name: digest("mlopsctl/image-file/v1", content) for name, content in generated.items()},
            "arguments": arguments,
            "platform": platform,
            "mlopsctl": package.identity,
        },
    )


# What is installed


def _installed(loaded: Loaded, package: OwnPackage) -> dict[str, bytes]:
    """Names of files with what is to be installed: mlopsctl, and each set of pins that steps stand on."""
    extras = f"[{','.join(_extras(loaded))}]"
    own = f"mlopsctl{extras}=={package.version}" if package.released else f"./{wheel_name(package)}{extras}"
    sets = {f"{ENVIRONMENTS}/{number}.txt": _lines(pins) for number, pins in enumerate(pin_sets(loaded), start=1)}
    return {f"{GENERATED}/mlopsctl.txt": _lines((own,)), **sets}


def wheel_name(package: OwnPackage) -> str:
    """The name of the wheel of an mlopsctl that no index has."""
    return f"mlopsctl-{package.version}-py3-none-any.whl"


def _extras(loaded: Loaded) -> list[str]:
    """What the steps need beside the packages of every step: the clients of the stores they reach."""
    project = loaded.project
    stores = project.stores
    google = project.orchestrator.kind == "vertex" or any(
        address.startswith("gs://") for address in (stores.artifacts, stores.tracking)
    )
    google = google or any(dataset.source.kind == "bigquery" for dataset in project.data.values())
    postgres = not isinstance(stores.metadata, str) or stores.metadata.startswith("postgresql")
    return [*(["gcp"] if google else []), *(["postgres"] if postgres else []), "run"]


def _lines(texts: tuple[str, ...]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def _dockerfile(loaded: Loaded, image: Image) -> bytes:
    if image.dockerfile is None:
        return (resource("templates/image") / "Dockerfile").read_bytes()
    path = loaded.folder / image.dockerfile
    span = _span(loaded, "dockerfile")
    if not path.is_file() or not path.resolve().is_relative_to(loaded.folder.resolve()):
        message = f"there is no Dockerfile {image.dockerfile}"
        hint = "correct the path, or `mlopsctl image build --eject` writes one; without the key mlopsctl's is used"
        raise InvalidProject.because("missing-file", message, hint=hint, span=span)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _cannot_read(loaded, image.dockerfile, error) from error


# Files of the project


def _folder(loaded: Loaded, context: str) -> Path:
    root = loaded.folder / context
    if not root.is_dir() or not root.resolve().is_relative_to(loaded.folder.resolve()):
        message = f"there is no folder {context} to build the image from"
        raise InvalidProject.because(
            "missing-file", message, hint="name a folder of the project", span=_span(loaded, "context")
        )
    return root


def _files(loaded: Loaded, root: Path) -> Iterator[ContextFile]:
    names = files_in_git(root)
    rules = (*_LEFT_OUT, *(_without_git(loaded) if names is None else ()), *_own_rules(loaded, root))
    for name in names if names is not None else sorted(_walk(root, "", rules)):
        if left_out(name, rules):
            continue
        if not name.isprintable():
            message = f"the file '{printable(name)}' cannot be part of an image: its name is no printable text"
            raise InvalidProject.because("image-file", message, hint="rename it", span=_span(loaded))
        path = root / name
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue  # removed, and git still has it
        except OSError as error:
            raise _cannot_read(loaded, name, error) from error
        if not stat.S_ISREG(found.st_mode) or not path.resolve().is_relative_to(root.resolve()):
            what = "a link" if stat.S_ISLNK(found.st_mode) else "no regular file"
            message = f"{printable(name)} is {what}, and images are built from regular files only"
            hint = f"put what it stands for in its place, or leave it out: a line {printable(name)} in {_IGNORE}"
            raise InvalidProject.because("image-file", message, hint=hint, span=_span(loaded))
        yield ContextFile(name, path, found.st_size, bool(found.st_mode & stat.S_IXUSR))


def _walk(root: Path, below: str, rules: tuple[Pattern, ...]) -> Iterator[str]:
    """Every name that is not a folder, in folders that are not left out."""
    with os.scandir(root / below) as entries:
        for entry in entries:
            name = f"{below}/{entry.name}" if below else entry.name
            if not entry.is_dir(follow_symlinks=False):
                yield name
            elif not left_out(name, rules) or any(rule.kept for rule in rules):
                yield from _walk(root, name, rules)


def _without_git(loaded: Loaded) -> tuple[Pattern, ...]:
    """What is left out where no git keeps the folder: ``data`` too, unless the project reads something in it."""
    read = [uri for dataset in loaded.project.data.values() for uri in dataset.source.outside().values()]
    inside = any(uri.removeprefix("file://").removeprefix("./").startswith("data/") for uri in read)
    return _LEFT_OUT_WITHOUT_GIT if inside else (*_LEFT_OUT_WITHOUT_GIT, *_DATA)


def _own_rules(loaded: Loaded, root: Path) -> tuple[Pattern, ...]:
    file = root / _IGNORE
    if not file.is_file():
        return ()
    try:
        return patterns(file.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot_read(loaded, _IGNORE, error) from error


def _require_small(loaded: Loaded, files: tuple[ContextFile, ...]) -> None:
    size = sum(file.size for file in files)
    if size <= _LARGEST:
        return
    most = sorted(files, key=lambda file: (-file.size, file.name))[:3]
    told = ", ".join(f"{printable(file.name)} ({file.size >> 20} MiB)" for file in most)
    raise InvalidProject.because(
        "image-size",
        f"the image would be built from {size >> 20} MiB of files, and {_LARGEST >> 20} MiB are allowed: {told}",
        hint=f"keep data in a store that the steps reach, and leave files out with {_IGNORE}",
        span=_span(loaded),
    )


def _cannot_read(loaded: Loaded, name: str, error: OSError | ValueError) -> InvalidProject:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    message = f"{printable(name)} cannot be read: {reason}"
    return InvalidProject.because("unreadable-file", message, hint="check the file", span=_span(loaded))


def _span(loaded: Loaded, *key: str) -> Span:
    path: DocPath = ("orchestrator", "image", *key)
    return loaded.span(path)
