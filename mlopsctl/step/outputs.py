"""Outputs: what a step must have left before anything of it is published."""

from __future__ import annotations

import os
from pathlib import Path

from mlopsctl.artifacts.problems import BadArtifact
from mlopsctl.artifacts.walk import files
from mlopsctl.ground.errors import StepProblem

MAX_BYTES = 256 << 30
"""The largest output, counted as its files say (a sparse file counts with its holes)."""


def check_outputs(outputs: dict[str, Path]) -> None:
    """See that every declared output is a folder of regular files with at least one in it.

    Raises:
        StepProblem: naming the first output that is not.
    """
    for name, folder in outputs.items():
        try:
            sizes = [os.fstat(file.descriptor).st_size for file in files(folder)]
        except BadArtifact as bad:
            raise StepProblem.because(
                "bad-output", f"output '{name}': {bad}", hint=bad.diagnostics[0].hint if bad.diagnostics else ""
            ) from bad
        except OSError as error:
            raise StepProblem.because(
                "bad-output",
                f"output '{name}' cannot be read: {error.strerror}",
                hint="leave the output folder that the step was given in its place, readable",
            ) from error
        if not sizes:
            raise StepProblem.because(
                "missing-output",
                f"step exited 0 without its output '{name}'",
                hint="write at least one file into the output's folder",
            )
        if sum(sizes) > MAX_BYTES:
            raise StepProblem.because(
                "large-output", f"output '{name}' holds {sum(sizes):,} bytes; {MAX_BYTES:,} are allowed"
            )
