"""The files that an image is built from, laid out for whoever builds it: as a folder, or packed in one file.

Times, owners and modes are the same whoever lays them out.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from mlopsctl.delivery.images.wheel import own_wheel
from mlopsctl.ground.errors import StepProblem
from mlopsctl.lowering.image_context import GENERATED, SOURCE_DATE_EPOCH, ImageContext, wheel_name


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    content: bytes | Path
    executable: bool = False

    @property
    def mode(self) -> int:
        return 0o755 if self.executable else 0o644

    def open(self) -> BinaryIO:
        return BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")


@contextmanager
def staged(context: ImageContext) -> Iterator[Path]:
    """A folder with the context, as long as it is wanted.

    Raises:
        StepProblem: when a file cannot be read or written.
    """
    root = Path(tempfile.mkdtemp(prefix="mlopsctl-image-"))
    try:
        with _told():
            for entry in _entries(context):
                _write(root, entry)
            for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
                folder.chmod(0o755)
                os.utime(folder, (SOURCE_DATE_EPOCH, SOURCE_DATE_EPOCH))
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def packed(context: ImageContext) -> bytes:
    """The context as a compressed tar file; the same context makes the same tar.

    Raises:
        StepProblem: when a file cannot be read.
    """
    target = BytesIO()
    with (
        _told(),
        gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=cast("BinaryIO", compressed), mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for entry in _entries(context):
            with entry.open() as stream:
                content = stream.read()
            member = tarfile.TarInfo(entry.name)
            member.size, member.mode, member.mtime = len(content), entry.mode, SOURCE_DATE_EPOCH
            archive.addfile(member, BytesIO(content))
    return target.getvalue()


def _entries(context: ImageContext) -> list[_Entry]:
    """Everything, sorted by name."""
    entries = [_Entry(file.name, file.path, file.executable) for file in context.files]
    entries += [_Entry(name, content) for name, content in context.generated.items()]
    if not context.package.released:
        entries.append(_Entry(f"{GENERATED}/{wheel_name(context.package)}", own_wheel(context.package)))
    return sorted(entries, key=lambda entry: entry.name)


def _write(root: Path, entry: _Entry) -> None:
    target = root / entry.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with entry.open() as source, target.open("xb") as stream:
        shutil.copyfileobj(source, stream)
    target.chmod(entry.mode)
    os.utime(target, (SOURCE_DATE_EPOCH, SOURCE_DATE_EPOCH))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"the image's files cannot be laid out: {error.filename or 'a file'}: {error.strerror}"
        raise StepProblem.because("image-files", message, hint="see that there is room, and build again") from error
