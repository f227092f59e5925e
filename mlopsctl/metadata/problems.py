"""What can be wrong with the metadata store, in words a user can act on."""

from __future__ import annotations

from mlopsctl.ground.errors import ExitCode, Problem

WHERE = "stores.metadata in mlops.yaml says where it is"


class MetadataProblem(Problem):
    """The metadata store cannot be opened, read or written (exit 1)."""

    exit_code = ExitCode.FAILED


def unavailable(url: str, said: str, advice: str) -> Problem:
    """The store cannot be used, and the driver's own words say why."""
    return MetadataProblem.because(
        "metadata-unavailable", f"the metadata store {url} cannot be used: {said}", hint=f"{advice}; {WHERE}"
    )


def disk_full(url: str) -> Problem:
    """No space is left."""
    return MetadataProblem.because(
        "disk-full", f"no space is left to write the metadata store {url}", hint="free space and run again"
    )


def newer(url: str, what: str) -> Problem:
    """A database that a later version wrote."""
    return MetadataProblem.because(
        "metadata-newer", f"the metadata store {url} has {what}", hint="upgrade mlopsctl to the version that wrote it"
    )
