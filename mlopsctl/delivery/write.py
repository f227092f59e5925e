"""The one way in which commands write files for git: each whole or not at all, in the given order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.files import write_atomic


def write_files(files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Write these contents; the paths whose content is new.

    Raises:
        StepProblem: when one cannot be written; those before it are.
    """
    written = []
    for path, content in files.items():
        try:
            if path.is_file() and path.read_bytes() == content:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, content)
        except OSError as error:
            raise StepProblem.because(
                "unwritable-file",
                f"{path} cannot be written: {error.strerror or error}",
                hint="see that the folder can be written, and run the command again",
            ) from error
        written.append(path)
    return tuple(written)
