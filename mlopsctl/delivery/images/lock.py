"""Writing ``images.lock.yaml``: whole or not at all, always in the same order, and read back before it counts."""

from __future__ import annotations

import json
from pathlib import Path

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.lowering.image_lock import LOCK, ImageLock, LockedImage, read_lock

_HEAD = "# Which images the steps run in, by digest. Written by `mlopsctl image push`; review and commit it.\n"


def record(folder: Path, name: str, digest: str, context: str) -> bool:
    """Let the lock file of a project say that this image was pushed; whether that is news.

    Raises:
        InvalidProject: when the file that is there cannot be read.
        StepProblem: when it cannot be written.
    """
    there = read_lock(folder)
    entry = LockedImage(digest=digest, context=context)
    if there.images.get(name) == entry:
        return False
    wanted = ImageLock(version=1, images={**there.images, name: entry})
    try:
        write_atomic(folder / LOCK, lock_text(wanted).encode())
    except OSError as error:
        message = f"{LOCK} cannot be written: {error.strerror}; the image was pushed as {name}@{digest}"
        raise StepProblem.because("unwritable-file", message, hint="see that the folder can be written") from error
    if read_lock(folder) != wanted:
        raise AssertionError(f"{LOCK} says something else than was written")
    return True


def lock_text(lock: ImageLock) -> str:
    """The file's text: images by name, one line for each value."""
    lines = [_HEAD, "version: 1\n", "images:\n" if lock.images else "images: {}\n"]
    for name, image in sorted(lock.images.items()):
        lines.append(f"  {json.dumps(name)}:\n    digest: {image.digest}\n    context: {image.context}\n")
    return "".join(lines)
