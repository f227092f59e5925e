"""What can be wrong with the metadata store, in words a user can act on."""

from __future__ import annotations

from mlopsctl.ground.errors import ExitCode, Locked, Problem

_WHERE = "stores.metadata in mlops.yaml says where it is"


class MetadataProblem(Problem):
    """The metadata store cannot be opened, read or written (exit 1)."""

    exit_code = ExitCode.FAILED


def explain(said: str, url: str) -> Problem:
    """The problem behind what a database driver said."""
    low = said.lower()
    if "not a database" in low:
        return MetadataProblem.because(
            "not-a-database",
            f"{url} is not a metadata store: {said}",
            hint=f"point stores.metadata elsewhere, or move the file away and run again; {_WHERE}",
        )
    if "malformed" in low or "corrupt" in low:
        return MetadataProblem.because(
            "metadata-damaged",
            f"the metadata store {url} is damaged: {said}",
            hint="keep a copy of the file and of those beside it (-wal, -shm); restore a backup, or move it away: "
            "the next apply starts a new history and the served model stays as it is",
        )
    if "locked" in low or "busy" in low:
        return Locked.because(
            "metadata-busy", f"another process keeps the metadata store {url} busy", hint="run the command again"
        )
    if "disk is full" in low:
        return MetadataProblem.because(
            "disk-full", f"no space is left to write the metadata store {url}", hint="free space and run again"
        )
    hint = f"check that the folder exists and can be written; {_WHERE}"
    return MetadataProblem.because(
        "metadata-unavailable", f"the metadata store {url} cannot be used: {said}", hint=hint
    )


def newer(url: str, what: str) -> Problem:
    """A database that a later version wrote."""
    return MetadataProblem.because(
        "metadata-newer", f"the metadata store {url} has {what}", hint="upgrade mlopsctl to the version that wrote it"
    )
