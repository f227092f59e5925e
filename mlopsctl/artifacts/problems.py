"""What can be wrong with an artifact; each problem says what to do."""

from __future__ import annotations

from pathlib import Path

from mlopsctl.ground.errors import ExitCode, Problem


class BadArtifact(Problem):
    """A folder that cannot be an artifact, because of what a step put into it (exit 1)."""

    exit_code = ExitCode.FAILED


class MissingArtifact(Problem):
    """The store does not have this artifact (exit 1)."""

    exit_code = ExitCode.FAILED


class BrokenArtifact(Problem):
    """The store has bytes that are not what their name says; they were set aside (exit 1)."""

    exit_code = ExitCode.FAILED


class StoreUnavailable(Problem):
    """The store cannot be reached, read or written (exit 1)."""

    exit_code = ExitCode.FAILED


def changing(path: Path) -> Problem:
    """A folder or file that changed while it was read."""
    return BadArtifact.because(
        "changing-artifact",
        f"{str(path)!r} changed while it was stored",
        hint="something still writes into the step's output; wait for it before the step ends",
    )
